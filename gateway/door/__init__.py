"""The public door: the steps every request takes, and the paths that are the gateway's own."""
