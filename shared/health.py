"""Health that tells the truth: /livez never touches a dependency, /readyz tries each, /metrics counts."""

import asyncio

import asyncpg
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


async def _livez(_: Request) -> Response:
    return JSONResponse({"status": "alive"})


async def _readyz(request: Request) -> Response:
    running = request.app.state.running
    complaints = running.complaints()
    try:
        async with asyncio.timeout(3), running.app_db.transaction(None) as tx:
            await tx.sql.fetchval("select 1")
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        complaints.append(f"the database does not answer: {type(error).__name__}")
    status = "ready" if not complaints else "not ready"
    return JSONResponse({"status": status, "complaints": complaints}, 200 if not complaints else 503)


async def _metrics(_: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def add_health(app: FastAPI) -> None:
    """Mount the three probes; they are for the deployment, not part of the API."""
    app.add_route("/livez", _livez, include_in_schema=False)
    app.add_route("/readyz", _readyz, include_in_schema=False)
    app.add_route("/metrics", _metrics, include_in_schema=False)
