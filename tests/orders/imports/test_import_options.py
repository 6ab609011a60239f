"""Options are judged when they are sent, not when the file is read."""

import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.orders.imports.rules import names_whole_dates
from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.orders.imports.given_imports import HEADER, finished, given_import, row


@pytest.mark.parametrize(
    "usable",
    [
        "%Y-%m-%d",
        "%m/%d/%y %H:%M",
        "%d. %B %Y",
        "%Y%j",
        "%G-W%V-%u",
        "%Y-%m-%dT%H:%M:%S%z",
        "%c",
        "(%d)%m+%Y",
    ],
)
def test_a_format_that_names_a_day_is_usable(usable: str):
    assert names_whole_dates(usable)


@pytest.mark.parametrize(
    "unusable",
    [
        "%d%d",
        "%H:%M",
        "%d.%m.",
        "%m/%Y",
        "%q",
        "%",
        "%Y-%m-%d %",
        "today",
        "%s",
        "%-d.%m.%Y",
        "%A",
        "%Y\x00%m%d",
    ],
)
def test_a_format_that_cannot_be_used_or_names_no_day_is_not(unusable: str):
    assert not names_whole_dates(unusable)


@pytest.mark.parametrize(
    ("options", "pointer", "code"),
    [
        ({"date_format": "%d%d"}, "/options/date_format", "date_format_unusable"),
        ({"date_format": "%H:%M"}, "/options/date_format", "date_format_unusable"),
        ({"format": "jsonl", "encoding": "latin-1"}, "/options/encoding", "encoding_unusable"),
    ],
)
async def test_options_that_cannot_work_are_refused_when_they_are_sent(
    orders: httpx.AsyncClient, options: dict[str, Any], pointer: str, code: str
):
    answer = await orders.post(
        "/v1/order-imports", files={"file": ("a.csv", b"x")}, data={"options": json.dumps(options)}
    )

    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]


async def test_an_import_of_before_with_such_options_can_still_be_read(suite: Suite, tenant: TenantFacts):
    orders = suite.client("orders", tenant)
    job = await finished(orders, await given_import(orders, HEADER + row()))
    async with suite["orders"].app_db.transaction(tenant.id) as tx:
        await tx.sql.execute(
            'update order_imports set options = options || \'{"date_format": "%d%d"}\' where id = $1',
            UUID(job["id"]),
        )

    shown = (await orders.get(f"/v1/order-imports/{job['id']}")).json()

    assert shown["options"]["date_format"] == "%d%d"
