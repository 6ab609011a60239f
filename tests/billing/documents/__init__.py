"""How billing documents look and read, tested without a database."""
