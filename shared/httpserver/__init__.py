"""HTTP/1.1 towards whoever calls: our own protocol in uvicorn's server, for any ASGI app (docs/performance.md)."""
