"""How PostgreSQL plans reads over many rows.

Everywhere else plans are kept and read by index (`shared.database.pool.SETTINGS`), which suits statements that touch a
few rows by their keys. `to default` gives back what the connection began with.
"""

REPORTING = (
    "set local plan_cache_mode = auto; set local enable_seqscan = on; set local random_page_cost = 2; "
    "set local statement_timeout = '55s'"
)
NOT_REPORTING = (
    "set local plan_cache_mode to default; set local enable_seqscan to default; "
    "set local random_page_cost to default; set local statement_timeout to default"
)
