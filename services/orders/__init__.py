"""Orders: what client companies sell, to whom, from which stock, and how it reaches the buyer.

Owns products, customers, stock, orders, imports and fulfilments. Never makes an invoice or a posting: billing
does that from the facts published here.
"""
