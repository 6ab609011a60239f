"""The connection dies at each step of a reversal: all of it has happened, with its fact, or nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from services.billing.invoices import actions as invoices
from services.billing.ledger import actions as ledger
from services.billing.payments.actions import reversing
from shared.context.ctx import Ctx, TenantFacts
from tests.billing.given import (
    assert_tied_out,
    balances,
    events_of,
    get_invoice,
    given_invoice,
    given_payment,
    money,
)
from tests.kit.suite import Suite

STEPS = [
    (invoices, "lock_to_reopen"),
    (ledger, "take_back"),
    (invoices, "reopen_invoices"),
    (ledger, "reverse_entry"),
    (reversing, "_tell_reversed"),
]


async def end_connection(suite: Suite, ctx: Ctx) -> None:
    """End the server's side of a transaction, as a crash would."""
    pid = await ctx.sql.fetchval("select pg_backend_pid()")
    sql = await asyncpg.connect(suite.url)
    try:
        await sql.execute("select pg_terminate_backend($1, 5000)", pid)
    finally:
        await sql.close()


def dying_at(suite: Suite, step: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """A step at whose beginning the connection is gone."""

    async def die(ctx: Ctx, *given: Any, **named: Any) -> Any:
        await end_connection(suite, ctx)
        return await step(ctx, *given, **named)

    return die


@pytest.mark.parametrize(("module", "step"), STEPS, ids=[step for _, step in STEPS])
async def test_a_reversal_that_is_cut_off_has_not_happened(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch,
    module: Any, step: str,
):  # fmt: skip
    invoice = await given_invoice(billing)
    payment = await given_payment(billing, invoice, "20.00", of="12.00")
    path, why = f"/v1/payments/{payment['id']}/reverse", {"reason": "Bounced"}
    key = {"idempotency-key": "once"}

    with monkeypatch.context() as patch:
        if step == "_tell_reversed":
            told = reversing._tell_reversed

            def tell_and_die(ctx: Ctx, *given: Any) -> None:
                told(ctx, *given)
                ctx.tx.sql.terminate()

            patch.setattr(module, step, tell_and_die)
        else:
            patch.setattr(module, step, dying_at(suite, getattr(module, step)))
        cut = await billing.post(path, json=why, headers=key)

    assert cut.status_code in (500, 503)
    assert (await billing.get(f"/v1/payments/{payment['id']}")).json() == payment
    assert (await get_invoice(billing, invoice["id"]))["paid"] == money("12.00")
    assert await events_of(suite, tenant, "billing.payment.reversed.v1") == []
    await assert_tied_out(suite, tenant, billing)

    again = await asyncio.gather(*(billing.post(path, json=why, headers=key) for _ in range(2)))

    assert 200 in {a.status_code for a in again}
    assert (await get_invoice(billing, invoice["id"]))["open"] == money("12.00")
    assert len(await events_of(suite, tenant, "billing.payment.reversed.v1")) == 1
    assert (await balances(billing))["1000"] == 0
    await assert_tied_out(suite, tenant, billing)
