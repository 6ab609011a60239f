"""Refund: money that goes back to a customer, out of what is left of a payment or credit note."""
