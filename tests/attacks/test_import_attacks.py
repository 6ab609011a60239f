"""Files of orders made to cost as much as they can: the company that sends them waits for itself, nobody else does."""

import json
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tests.attacks.bystander import Company, Target, under_way
from tests.kit.program import cpu_of_children
from tests.kit.suite import eventually
from tests.orders.imports.given_books import LAUGHS, packed, sheet_of

HEADER = b"order_ref,sku,description,quantity,unit_price,customer_ref,ordered_at,country\n"
GOOD = b"GOOD,S1,Thing,1,1.00,C1,,GB\n"
# The file and its format, the state it ends in, the reason or how many rows it has.
FILES: dict[str, tuple[bytes, str, str, str | int]] = {
    "a row of 60 MB without an end": (HEADER + GOOD + b"A" * 60_000_000, "csv", "done", 2),
    "60 MB of quotes": (HEADER + GOOD + b'"' * 60_000_000, "csv", "done", 2),
    "ten million commas": (HEADER + GOOD + b"," * 10_000_000, "csv", "done", 2),
    "ten million blank cells": (HEADER + GOOD + b",,,,,,,\n" * 1_250_000, "csv", "failed", "file_too_long"),
    "ten million columns": (b"," * 10_000_000 + b"\n" + GOOD, "csv", "failed", "header_invalid"),
    "60 MB of empty rows": (HEADER + b"\n" * 60_000_000, "csv", "failed", "file_too_long"),
    "NULs": (HEADER + GOOD + b"\0" * 2_000_000 + b"\n" + b"\0,\0\n" * 1000, "csv", "done", 1002),
    "deep JSON": ((b"[" * 199_999 + b"\n") * 50 + b"{" * 30_000_000, "jsonl", "done", 51),
    "wide JSON": ((b"[" + b"[]," * 60_000 + b"0]\n") * 50, "jsonl", "done", 50),
}  # fmt: skip

BOOKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "unfolds to 500 MB": (lambda: packed(sheet_of("<row/>" * 170_000), more=500), "file_too_long"),
    "16 million empty cells": (
        lambda: packed(sheet_of(f"<row>{'<c/>' * 100}</row>" * 160_000)), "file_too_long",
    ),
    "gaps": (lambda: packed(sheet_of('<row><c/><c r="ZZZ1"/></row>' * 400)), "file_too_long"),
    "deep elements": (lambda: packed(sheet_of("<a>" * 2_000_000)), "xlsx_invalid"),
    "entities": (lambda: packed(sheet_of("", head=LAUGHS)), "xlsx_invalid"),
}  # fmt: skip


async def sent(company: Company, content: bytes, **options: Any) -> dict[str, Any]:
    answer = await company.http.post(
        "/v1/order-imports",
        files={"file": ("orders", content)},
        data={"options": json.dumps({"create_missing": ["products", "customers"]} | options)},
        timeout=60,
    )
    assert answer.status_code == 202, answer.text
    return answer.json()


async def ended(company: Company, job: dict[str, Any]) -> dict[str, Any]:
    async def over() -> dict[str, Any] | None:
        found = (await company.http.get(f"/v1/order-imports/{job['id']}")).json()
        return found if found["state"] not in ("pending", "running") else None

    return await eventually(over, within=60, every=0.2)


async def running(company: Company, job: dict[str, Any]) -> None:
    async def begun() -> bool:
        return (await company.http.get(f"/v1/order-imports/{job['id']}")).json()["state"] == "running"

    await eventually(begun, within=60, every=0.05)


def readers(target: Target) -> dict[psutil.Process, float]:
    """The processes that read files for the deployment, and the CPU seconds of each."""
    found = {}
    for process in target.suite.processes.values():
        found |= cpu_of_children(psutil.Process(process.pid), "shared.base.side_process_main", deep=True)
    return found


@pytest.mark.parametrize("name", FILES)
async def test_a_hostile_file_ends_with_its_reasons_and_no_process_grows(target: Target, name: str):
    content, kind, state, told = FILES[name]
    attacker = await target.company()

    job = await ended(attacker, await sent(attacker, content, format=kind))

    assert job["state"] == state, job
    assert told == (job["rows_total"] if state == "done" else job["error"]["code"])
    assert job["orders_created"] == (state == "done" and kind == "csv")
    assert max(target.resident_mb().values()) < 512


@pytest.mark.parametrize("name", BOOKS)
async def test_a_hostile_workbook_is_refused_as_a_whole(target: Target, name: str):
    made, code = BOOKS[name]
    attacker = await target.company()

    job = await ended(attacker, await sent(attacker, made(), format="xlsx"))

    assert (job["state"], job["error"]["code"]) == ("failed", code), job
    assert max(target.resident_mb().values()) < 512


@pytest.mark.parametrize(
    "rows",
    [
        b"".join(b'R%d,S1,"open quote,1,1.00,C1,,GB and so on,%60s\n' % (n, b"") for n in range(25_000)),
        b'R,S1,"\n' + b"".join(b"x%d\n" % n for n in range(499_000)),
    ],
    ids=["quotes that stay open, 2 MB", "499,000 short rows"],
)
async def test_others_are_served_while_a_hostile_file_is_worked_on(target: Target, rows: bytes):
    attacker, bystander = await target.company(), await target.company()
    job = await sent(attacker, HEADER + rows)

    async with under_way(ended(attacker, job), begun=running(attacker, job)) as attack:
        await bystander.is_served(times=10)
        assert attack.runs()
        await attacker.http.post(f"/v1/order-imports/{job['id']}/cancel")
        assert (await attack.ends())["state"] == "cancelled"

    assert max(target.resident_mb().values()) < 512


async def test_cancelling_ends_the_process_that_reads_the_file(target: Target):
    attacker = await target.company()
    before = readers(target)
    job = await sent(attacker, HEADER + b"".join(b"x%d\n" % n for n in range(499_000)))

    async def at_work() -> psutil.Process | None:
        return next((p for p, spent in readers(target).items() if spent > before.get(p, 0) + 0.3), None)

    reader = await eventually(at_work, within=60)
    cancelled = await attacker.http.post(f"/v1/order-imports/{job['id']}/cancel")

    async def gone() -> bool:
        return not reader.is_running()

    await eventually(gone, within=30)
    assert (cancelled.json()["state"], cancelled.json()["rows_done"]) == ("cancelled", 0)
