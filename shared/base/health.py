"""Health that tells the truth: /livez never touches a dependency, /readyz tries each, /metrics counts.

Metrics are for scrapers in the deployment's own networks: whoever asks from elsewhere, or through a proxy, is told
what an unknown path is told.
"""

from collections.abc import Iterable

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.base.loops import Seldom
from shared.values.networks import Networks

METRICS_SECONDS = 1.0
_OF_PROXIES = frozenset((b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip"))


class _Metrics:
    """All counters of this process as text, written once a second at most, however many ask."""

    def __init__(self) -> None:
        self._due = Seldom(METRICS_SECONDS)
        self._text = b""

    def answer(self) -> Response:
        """What a scraper reads."""
        if self._due.due():
            self._text = generate_latest()
        return Response(self._text, media_type=CONTENT_TYPE_LATEST)


metrics = _Metrics()


def may_scrape(peer: str, headers: Iterable[tuple[bytes, bytes]], networks: Networks) -> bool:
    """Whether a request for metrics comes from these networks, and not from somebody else by way of a proxy there."""
    through_proxy = any(name in _OF_PROXIES or name.startswith(b"x-forwarded-") for name, _ in headers)
    return not through_proxy and peer in networks


async def _livez(_: Request) -> Response:
    return JSONResponse({"status": "alive"})


async def _readyz(request: Request) -> Response:
    complaints = await request.app.state.runtime.complaints()
    status = "ready" if not complaints else "not ready"
    return JSONResponse({"status": status, "complaints": complaints}, 200 if not complaints else 503)


async def _metrics(request: Request) -> Response:
    peer = request.client.host if request.client is not None else ""
    if not may_scrape(peer, request.headers.raw, request.app.state.runtime.scrapers):
        raise HTTPException(404)
    return metrics.answer()


PROBES = {"/livez": _livez, "/readyz": _readyz, "/metrics": _metrics}


def add_health(app: FastAPI) -> None:
    """Mount the three probes; they are for the deployment, not part of the API."""
    for path, answer in PROBES.items():
        app.add_route(path, answer, include_in_schema=False)


def probes_only(runtime: object) -> Starlette:
    """What a process serves that takes no requests: its probes. `runtime` says what keeps it from its work."""
    app = Starlette(routes=[Route(path, answer) for path, answer in PROBES.items()])
    app.state.runtime = runtime
    return app
