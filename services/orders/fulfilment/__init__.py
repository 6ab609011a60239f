"""Fulfilment: the work of getting ordered goods out of one warehouse to the buyer."""
