"""Callers of a deployment: the operator, and client companies taken on through the gateway."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx

from tests.kit.deployment import OPERATOR
from tests.stories.steps import made

SCOPES = ["orders:read", "orders:write", "billing:read", "billing:write"]
FACTS = {
    "name": "Acme",
    "legal_name": "Acme Ltd",
    "country": "GB",
    "currency": "GBP",
    "time_zone": "Europe/London",
    "kind": "sandbox",
    "services": ["orders", "billing"],
}


@asynccontextmanager
async def signed_in(url: str, client_id: str, secret: str) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with an access token."""
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as http:
        form = {"grant_type": "client_credentials"}
        answer = await http.post("/oauth/token", data=form, auth=(client_id, secret))
        assert answer.status_code == 200, answer.text
        http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        yield http


def operator_of(url: str) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    return signed_in(url, *OPERATOR)


async def registered(operator: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    return await made(operator, "/v1/tenants", FACTS | changes)


@asynccontextmanager
async def client_of(
    operator: httpx.AsyncClient, tenant: dict[str, Any], *, scopes: Sequence[str] = SCOPES
) -> AsyncIterator[httpx.AsyncClient]:
    """A new client of a company."""
    wish = {"name": "ERP", "scopes": list(scopes)}
    client = await made(operator, f"/v1/tenants/{tenant['id']}/clients", wish)
    async with signed_in(str(operator.base_url), client["client_id"], client["client_secret"]) as http:
        yield http


@asynccontextmanager
async def a_company(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A company taken on now, and its client."""
    async with operator_of(url) as operator:
        tenant = await registered(operator)
        assert tenant["state"] == "active", tenant
        async with client_of(operator, tenant) as http:
            yield http
