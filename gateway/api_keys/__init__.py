"""API key: a long-lived credential of a tenant, shown once."""
