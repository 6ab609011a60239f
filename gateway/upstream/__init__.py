"""The mechanical half of the gateway: moving HTTP messages, knowing nothing of tenants, identity or storage.

Upstreams are ASGI callables (`HttpUpstream` over sockets, `LocalUpstream` in process), so that the pipeline
above decides who may go where and never how the bytes travel. Every failure is a class of `errors`: before
the response has started it can still become a problem document; afterwards only `UpstreamAborted` and
`ClientDisconnected` are raised, and must reach the ASGI server, which then drops the client's connection.
"""
