"""Reference data that several services must agree on, with its sources."""
