"""Days away, as hr told them."""
