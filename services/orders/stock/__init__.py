"""Stock: what of a product lies in which warehouse, and how much of it is promised."""
