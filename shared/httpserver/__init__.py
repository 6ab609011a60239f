"""HTTP/1.1 towards whoever calls: our own protocol for uvicorn's server, speaking ASGI to any app (docs/performance.md)."""
