"""From outbox to inbox: facts are published, received once, in order, and retried."""
