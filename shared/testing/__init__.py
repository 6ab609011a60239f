"""What tests of every service need: a real PostgreSQL, databases made quickly and dropped surely."""
