"""Me: who the caller is, as the gateway sees it."""
