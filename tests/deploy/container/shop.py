"""A client company of a Compose project, taken on and called through the one published port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from tests.deploy.company import FACTS, SCOPES
from tests.deploy.container.composition import Composition
from tests.stories.steps import made


@asynccontextmanager
async def a_shop(composition: Composition) -> AsyncIterator[httpx.AsyncClient]:
    """The client of a company that is taken on now."""
    async with httpx.AsyncClient(base_url=composition.url, timeout=30) as api:
        await sign_in(api, **composition.credentials())
        tenant = await made(api, "/v1/tenants", FACTS | {"kind": "live"})
        wanted = {"name": "Web shop", "scopes": SCOPES}
        client = await made(api, f"/v1/tenants/{tenant['id']}/clients", wanted)
        await sign_in(api, client["client_id"], client["client_secret"])
        yield api


async def sign_in(api: httpx.AsyncClient, client_id: str, client_secret: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    api.headers.pop("authorization", None)
    answer = await api.post("/oauth/token", data=form)
    assert answer.status_code == 200, answer.text
    api.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
