"""The services behind the gateway as upstreams over HTTP: made from the settings, and counted for /metrics."""

from collections.abc import Mapping

from prometheus_client import Gauge

from gateway.settings import GatewaySettings
from gateway.upstream.breaker import Breaker
from gateway.upstream.http import HttpUpstream
from gateway.upstream.pool import PoolLimits
from shared.httpserver.asgi import AsgiApp

CONNECTIONS = Gauge(
    "backoffice_gateway_upstream_connections", "Connections to a service, by state", ["upstream", "state"]
)
WAITING = Gauge(
    "backoffice_gateway_upstream_waiting", "Requests that wait for a connection to a service", ["upstream"]
)
BUFFERED = Gauge(
    "backoffice_gateway_upstream_buffered_bytes",
    "Response bytes received and not yet passed on",
    ["upstream"],
)
BREAKER_OPEN = Gauge(
    "backoffice_gateway_upstream_breaker_open", "1 while a service is taken to be away", ["upstream"]
)


def upstream_at(url: str, settings: GatewaySettings) -> HttpUpstream:
    """A service at a base URL, within the bounds that the settings draw."""
    limits = PoolLimits(
        connections=settings.upstream_connections,
        of_one=max(1, settings.upstream_connections // 2),
        waiters=settings.upstream_waiters,
        queue_timeout=settings.upstream_queue_seconds,
        connect_timeout=settings.upstream_connect_seconds,
    )
    return HttpUpstream(
        url,
        limits=limits,
        breaker=Breaker(settings.upstream_breaker_failures, settings.upstream_breaker_seconds),
        head_timeout=settings.upstream_head_seconds,
        idle_timeout=settings.upstream_idle_seconds,
        default_timeout=settings.request_seconds,
    )


def observe(upstreams: Mapping[str, AsgiApp]) -> None:
    """Bring the gauges up to date; called when somebody reads them."""
    for name, upstream in upstreams.items():
        if not isinstance(upstream, HttpUpstream):
            continue
        stats = upstream.stats()
        CONNECTIONS.labels(name, "active").set(stats.active)
        CONNECTIONS.labels(name, "idle").set(stats.idle)
        WAITING.labels(name).set(stats.waiting)
        BUFFERED.labels(name).set(stats.buffered)
        BREAKER_OPEN.labels(name).set(stats.breaker_open)
