"""Health that tells the truth: /livez never touches a dependency, /readyz tries each, /metrics counts."""

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


async def _livez(_: Request) -> Response:
    return JSONResponse({"status": "alive"})


async def _readyz(request: Request) -> Response:
    complaints = await request.app.state.runtime.complaints()
    status = "ready" if not complaints else "not ready"
    return JSONResponse({"status": status, "complaints": complaints}, 200 if not complaints else 503)


async def _metrics(_: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


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
