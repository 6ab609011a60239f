"""Documents are made after the transaction, beside the service; one tenant's are its own queue."""

import asyncio
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from shared.base.side_process import Limits, SideProcesses
from shared.context.ctx import TenantFacts
from shared.http import documents
from tests.kit.suite import Suite, eventually
from tests.shared.given_notes import given_note


async def paper_of(probe: httpx.AsyncClient, title: str) -> httpx.Response:
    note = await given_note(probe, title)
    return await probe.get(f"/v1/notes/{note['id']}/paper")


@pytest.fixture
def aside(kernel: Suite) -> SideProcesses:
    return kernel["probe"].ports.get(SideProcesses)


async def _waiting(aside: SideProcesses, count: int) -> bool:
    return aside.share.waiting == count


async def _made_now(aside: SideProcesses, owner: TenantFacts) -> bool:
    return aside.share.in_use(owner.id) == 1


async def test_a_document_has_its_name_and_type_and_the_process_is_kept_for_the_next(
    probe: httpx.AsyncClient,
):
    answers = [await paper_of(probe, f"plain {uuid4()}") for _ in range(2)]

    first, second = (answer.text.split(":")[0] for answer in answers)
    assert answers[0].status_code == 200
    assert answers[0].headers["content-type"].partition(";")[0] == "text/x-paper"
    assert answers[0].headers["content-disposition"] == 'inline; filename="note.paper"'
    assert int(answers[0].headers["content-length"]) == len(answers[0].content)
    assert first == second


async def test_what_the_maker_has_to_say_of_it_is_in_the_answer(probe: httpx.AsyncClient):
    warned, plain = [await paper_of(probe, f"{what} {uuid4()}") for what in ("warns", "plain")]

    assert (warned.status_code, warned.content) == (200, b"paper")
    assert warned.headers["backoffice-warning"] == "one thing; another"
    assert "backoffice-warning" not in plain.headers


async def test_no_connection_is_held_while_a_document_is_made(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient, aside: SideProcesses, tmp_path: Path
):
    gate = tmp_path / "gate"
    paper = asyncio.create_task(paper_of(probe, f"waits {gate}"))

    await eventually(lambda: _made_now(aside, owner))
    assert kernel["probe"].app_db.places.in_use(owner.id) == 0
    gate.touch()

    assert (await paper).status_code == 200


async def test_what_it_raises_is_the_answer(probe: httpx.AsyncClient):
    refused = await paper_of(probe, "refuses politely")
    broken = await paper_of(probe, f"breaks {uuid4()}")

    told = refused.json()
    assert (refused.status_code, told["code"], told["reason"]) == (409, "not_on_paper", "politely")
    assert (broken.status_code, broken.json()["code"]) == (500, "internal_error")
    assert "secret" not in broken.text


@pytest.mark.parametrize("how", ["spins", "hoards"])
async def test_a_document_that_needs_too_much_is_refused_and_the_next_one_is_made(
    probe: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, how: str
):
    monkeypatch.setattr(documents, "LIMITS", Limits(cpu_seconds=1, memory_mb=300))
    monkeypatch.setattr(documents, "MOST_SECONDS", 60.0)

    answer = await paper_of(probe, f"{how} {uuid4()}")

    assert (answer.status_code, answer.json()["code"]) == (422, "document_too_large")
    assert (await paper_of(probe, f"plain {uuid4()}")).status_code == 200


async def test_a_process_that_dies_costs_one_document_for_now(probe: httpx.AsyncClient):
    answer = await paper_of(probe, f"dies {uuid4()}")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert (await paper_of(probe, f"plain {uuid4()}")).status_code == 200


async def test_many_documents_of_one_tenant_leave_room_for_another_and_have_an_end(
    kernel: Suite,
    probe: httpx.AsyncClient,
    kernel_stranger: TenantFacts,
    aside: SideProcesses,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(aside.share, "_waiting_of_one", 5)
    gate, other = tmp_path / "gate", kernel.client("probe", kernel_stranger)
    note = await given_note(probe, f"waits {gate}")
    many = [asyncio.create_task(probe.get(f"/v1/notes/{note['id']}/paper")) for _ in range(6)]
    await eventually(lambda: _waiting(aside, 5))

    beyond = await probe.get(f"/v1/notes/{note['id']}/paper")
    others = await paper_of(other, f"plain {uuid4()}")
    read = await probe.get(f"/v1/notes/{note['id']}")

    assert (beyond.status_code, beyond.json()["code"]) == (429, "too_many_at_once")
    assert beyond.headers["retry-after"] == "1"
    assert (others.status_code, read.status_code) == (200, 200)
    assert not any(task.done() for task in many)
    gate.touch()
    assert [answer.status_code for answer in await asyncio.gather(*many)] == [200] * 6


async def test_the_wait_for_a_process_has_an_end(
    owner: TenantFacts,
    probe: httpx.AsyncClient,
    aside: SideProcesses,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    gate = tmp_path / "gate"
    first = asyncio.create_task(paper_of(probe, f"waits {gate}"))

    await eventually(lambda: _made_now(aside, owner))
    monkeypatch.setattr(documents, "WAIT_SECONDS", 0.05)
    answer = await paper_of(probe, f"plain {uuid4()}")
    gate.touch()

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_at_once")
    assert (await first).status_code == 200
