"""Health that tells the truth: /livez never touches a dependency, /readyz tries each, /metrics counts."""

import asyncio

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.base.database_errors import DATABASE_ERRORS


async def _livez(_: Request) -> Response:
    return JSONResponse({"status": "alive"})


async def _readyz(request: Request) -> Response:
    running = request.app.state.running
    complaints = running.complaints()
    try:
        async with asyncio.timeout(3), running.app_db.transaction(None) as tx:
            await tx.sql.fetchval("select 1")
    except DATABASE_ERRORS as error:
        complaints.append(f"the database does not answer: {type(error).__name__}")
    status = "ready" if not complaints else "not ready"
    return JSONResponse({"status": status, "complaints": complaints}, 200 if not complaints else 503)


async def _metrics(_: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


PROBES = {"/livez": _livez, "/readyz": _readyz, "/metrics": _metrics}


def add_health(app: FastAPI) -> None:
    """Mount the three probes; they are for the deployment, not part of the API."""
    for path, answer in PROBES.items():
        app.add_route(path, answer, include_in_schema=False)


def probes_only(running: object) -> Starlette:
    """What a process serves that answers no requests: its probes."""
    app = Starlette(routes=[Route(path, answer) for path, answer in PROBES.items()])
    app.state.running = running
    return app
