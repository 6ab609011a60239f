"""How large a body may be is declared with the operation, and told to the gateway and to callers."""

import httpx
import pytest

from shared.http.router import BODY_LIMIT, CtxDep, Router
from shared.values.fields import ShortText, WireInput


class Body(WireInput):
    text: ShortText


async def with_body(ctx: CtxDep, body: Body) -> str:
    return body.text


async def without_body(ctx: CtxDep) -> str:
    return ""


def test_an_operation_has_the_common_limit_unless_it_declares_one():
    router = Router("Bodies")
    router.create("/things", scope="things:write")(with_body)
    router.verb("/things/many", scope="things:write", body_limit=5_000_000)(with_body)
    router.change("/things/large", scope="things:write", body_limit=7_000_000)(with_body)

    assert [route.body_limit for route in router.routes] == [BODY_LIMIT, 5_000_000, 7_000_000]


def test_a_limit_of_a_body_that_nobody_reads_is_a_mistake():
    with pytest.raises(TypeError, match="body_limit"):
        Router("Bodies").create("/things", scope="things:write", body_limit=5_000_000)(without_body)


async def test_the_limit_is_in_both_documents(probe: httpx.AsyncClient):
    for document in ("/openapi.json", "/operations.json"):
        paths = (await probe.get(document)).json()["paths"]
        assert paths["/v1/notes/many"]["post"]["x-body-limit"] == 4 << 20
        assert "x-body-limit" not in paths["/v1/notes"]["post"]
