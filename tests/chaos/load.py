"""Load: clerks of each company take, ship and get paid, until they are told to finish."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial

from tests.chaos.caller import Document
from tests.chaos.company import Company, Trade
from tests.kit.suite import eventually

CLERKS = 2
PAUSE_SECONDS = 0.2
LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.2, 2.0  # looking must not become the load when invoices are late
AT_ONCE = 4
INVOICE_SECONDS = 90.0


class NoInvoice(AssertionError):  # noqa: N818 - named for what happened
    """A shipped order has no invoice after longer than any fault lasts."""


class Load:
    """The companies' clerks at work."""

    def __init__(self, companies: Sequence[Company]) -> None:
        self._companies = companies
        self._closing = asyncio.Event()
        self._gate = asyncio.Semaphore(AT_ONCE * len(companies))
        self._payers: set[asyncio.Task[None]] = set()
        self._clerks = [
            asyncio.create_task(self._work(company)) for company in companies for _ in range(CLERKS)
        ]

    @property
    def taken(self) -> int:
        """How many orders have been taken."""
        return sum(len(company.trades) for company in self._companies)

    async def reached(self, count: int) -> None:
        """Wait until so many orders have been taken, or a clerk has failed."""

        async def so() -> bool:
            return self.taken >= count or any(clerk.done() for clerk in self._clerks)

        await eventually(so, within=INVOICE_SECONDS, every=0.05)

    async def close(self) -> None:
        """Finish what is in hand, to the last payment."""
        self._closing.set()
        await asyncio.gather(*self._clerks)
        while self._payers:
            await asyncio.gather(*self._payers)

    async def abandon(self) -> None:
        """Drop everything."""
        tasks = [*self._clerks, *self._payers]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, company: Company) -> None:
        while not self._closing.is_set():
            trade = await company.trade()
            if trade.shipped is not None:
                payer = asyncio.create_task(self._pay(company, trade))
                self._payers.add(payer)
                payer.add_done_callback(self._paid)
            await asyncio.sleep(PAUSE_SECONDS)

    def _paid(self, payer: asyncio.Task[None]) -> None:
        if not payer.cancelled() and payer.exception() is None:
            self._payers.discard(payer)  # one that failed stays, so that closing tells

    async def _pay(self, company: Company, trade: Trade) -> None:
        began, pause = time.monotonic(), LOOK_SECONDS
        while (invoice := await self._looked(company, trade)) is None:
            if time.monotonic() - began > INVOICE_SECONDS:
                raise NoInvoice(f"{trade.order['number']} has no invoice after {INVOICE_SECONDS:.0f} s")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK_SECONDS)
        async with self._gate:
            await company.pay(trade, invoice)

    async def _looked(self, company: Company, trade: Trade) -> Document | None:
        async with self._gate:
            return await company.invoice_of(trade)


async def gone_through(company: Company) -> None:
    """A new order, from its taking to its invoice."""
    while (trade := await company.trade()).cancelled:
        pass
    await eventually(partial(company.invoice_of, trade), within=INVOICE_SECONDS, every=LOOK_SECONDS)
