"""Numbers have no gap, whatever fails and whoever races."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.billing.given import assert_tied_out, given_draft, line
from tests.kit.suite import Suite

DOOM = """
create function billing.doom() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'BO001', message = 'doomed', detail = 'Refused after the number was taken.';
end $$;
create trigger doomed before update on billing.invoices for each row
  when (new.notes = 'doomed' and new.number is not null) execute function billing.doom();
"""


@pytest.fixture
async def doom(suite: Suite) -> AsyncIterator[None]:
    """The database refuses invoices noted as doomed, after their number was taken."""
    sql = await asyncpg.connect(suite.url)
    await sql.execute(DOOM)
    yield
    await sql.execute("drop function billing.doom cascade")
    await sql.close()


@pytest.mark.usefixtures("doom")
async def test_200_concurrent_finalizes_of_which_a_fifth_is_rolled_back_leave_no_gap(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    drafts = [
        await given_draft(billing, line(f"{n + 1}.00"), notes="doomed" if n % 5 == 0 else "fine")
        for n in range(200)
    ]

    async def finalize(draft: dict[str, Any]) -> httpx.Response:
        while True:  # on a busy machine 200 wait for connections longer than they may
            answer = await billing.post(f"/v1/invoices/{draft['id']}/finalize")
            if answer.status_code not in (429, 503):
                return answer

    answers = await asyncio.gather(*(finalize(draft) for draft in drafts))

    refused = [a.json()["code"] for a in answers if a.status_code != 200]
    assert refused == ["doomed"] * 40
    numbers = sorted(int(a.json()["number"][-6:]) for a in answers if a.status_code == 200)
    assert numbers == list(range(1, 161))
    left = (await billing.get("/v1/invoices?state=draft&limit=200")).json()["items"]
    assert len(left) == 40
    await assert_tied_out(suite, tenant, billing)


async def test_finalizing_one_draft_many_times_at_once_numbers_it_once(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    draft = await given_draft(billing)

    answers = await asyncio.gather(*(billing.post(f"/v1/invoices/{draft['id']}/finalize") for _ in range(10)))

    assert sorted(a.status_code for a in answers) == [200] + [409] * 9
    assert (
        (await billing.post(f"/v1/invoices/{(await given_draft(billing))['id']}/finalize"))
        .json()["number"]
        .endswith("-000002")
    )
    await assert_tied_out(suite, tenant, billing)
