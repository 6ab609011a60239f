"""Event contracts, a module per publishing service. Only additive change within a major version."""
