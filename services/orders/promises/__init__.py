"""Promises: who gets what there is, and who loses what is not there: whoever was confirmed first is served first."""
