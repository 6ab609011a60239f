"""Customer: a person or firm that buys from a client company."""
