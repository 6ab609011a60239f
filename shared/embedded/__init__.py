"""The PostgreSQL that comes along as a wheel."""
