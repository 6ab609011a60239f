"""The services: each owns its tables, its events and its resources, and knows no other service."""
