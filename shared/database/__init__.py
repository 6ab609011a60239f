"""PostgreSQL: the pool and its transactions, row-level security, the kernel's tables, migrations."""
