"""The OpenAPI document tells the truth: what it describes is accepted, what it forbids refused, never a 500."""

import asyncio
import os

import pytest
from schemathesis import GenerationMode

from tests.gateway.world import Caller, World
from tests.stories.conformance import CALLS, DOCUMENT, Ground, check_operation
from tests.stories.conftest import EVERYTHING
from tests.stories.ground import prepared_ground

EXAMPLES = int(os.environ.get("BACKOFFICE_TEST_EXAMPLES", "8"))
CHANCE = int(os.environ.get("BACKOFFICE_TEST_SEED", "0"))
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module")
async def ground(open_world: World) -> Ground:
    caller = await open_world.given_client(await open_world.given_tenant(), *EVERYTHING)
    return await prepared_ground(open_world, caller)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("label", "mode"), CALLS, ids=[f"{label}-{mode.value}" for label, mode in CALLS])
async def test_an_operation_answers_as_it_is_described(label: str, mode: GenerationMode, ground: Ground):
    await asyncio.to_thread(check_operation, label, ground, mode, examples=EXAMPLES, chance=CHANCE)


@pytest.mark.parametrize("path", sorted(DOCUMENT["paths"]))
async def test_a_method_that_is_not_described_is_refused_with_those_that_are(path: str, acme: Caller):
    described = {method.upper() for method in DOCUMENT["paths"][path]} & set(METHODS)
    url = path.replace("{", "").replace("}", "")

    for method in sorted(set(METHODS) - described):
        answer = await acme.http.request(method, url)
        assert answer.status_code == 405, (method, answer.text)
        assert set(answer.headers["allow"].split(", ")) - {"HEAD", "OPTIONS"} == described
        assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    ("key", "status"), [(b"a key", 201), (b"cl\xe9", 400), (b"a\x7f", 400), (b"k" * 256, 400)]
)
async def test_a_key_is_accepted_as_it_is_described(key: bytes, status: int, acme: Caller):
    answer = await acme.http.post("/v1/customers", json={"name": "Jane"}, headers={b"idempotency-key": key})

    assert answer.status_code == status
