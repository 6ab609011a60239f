"""Events through a table of PostgreSQL."""
