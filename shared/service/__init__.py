"""A service from its manifest, at work."""
