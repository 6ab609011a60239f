"""Product: what a client company sells, with its price and tax code; and the copy of billing's tax codes."""
