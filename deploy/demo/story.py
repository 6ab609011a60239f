"""The demonstration: two client companies, a day of orders, and books that balance; all over the public API."""

import asyncio
import random
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.demo.plans import (
    COMPANIES,
    ROWS,
    UCI_OPTIONS,
    Company,
    CompanyPlan,
    Json,
    balance_of,
    cents,
)

CONCURRENCY = 4
PATIENCE_SECONDS = 60.0
WAIT = {"prefer": "wait=5"}


class StoryFailed(RuntimeError):  # noqa: N818 - what it is
    """The API answered otherwise than the story needs."""


async def call(api: httpx.AsyncClient, method: str, path: str, **options: Any) -> Json:  # noqa: ANN401
    """One call that must succeed."""
    answer = await api.request(method, path, **options)
    if answer.status_code >= 400:
        raise StoryFailed(f"{method} {path} answered {answer.status_code}: {answer.text}")
    found: Json = answer.json()
    return found


class Demo:
    """Tells the story to the suite at an address, as an operator with these credentials."""

    def __init__(
        self,
        base: str,
        credentials: tuple[str, str],
        console: Console,
        *,
        orders: int,
        import_file: Path | None,
    ) -> None:
        self._base = base
        self._credentials = credentials
        self._console = console
        self._orders = orders
        self._import_file = import_file
        self._dice = random.Random(2026)  # noqa: S311 - a story that goes the same way each time

    async def tell(self) -> bool:
        """Tell it all; returns whether every book balanced."""
        started = time.monotonic()
        self._console.rule("[bold]Backoffice: two client companies, one day")
        async with self._client() as operator:
            await self._sign_in(operator, *self._credentials)
            companies = [await self._open(operator, plan) for plan in COMPANIES]
            try:
                with self._progress() as progress:
                    await asyncio.gather(*(self._day(company, progress) for company in companies))
                good = await self._summary(companies, time.monotonic() - started)
                if self._import_file is not None:
                    good = await self._import(operator) and good
            finally:
                for company in companies:
                    await company.api.aclose()
        self._how_to_go_on(companies[0])
        return good

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._base, timeout=60)

    def _progress(self) -> Progress:
        columns = (
            TextColumn("{task.description:<34}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        return Progress(*columns, console=self._console)

    async def _sign_in(self, api: httpx.AsyncClient, client_id: str, secret: str) -> None:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        token = (await call(api, "POST", "/oauth/token", data=form))["access_token"]
        api.headers["authorization"] = f"Bearer {token}"

    async def _open(self, operator: httpx.AsyncClient, plan: CompanyPlan) -> Company:
        """Take a client company on: tenant, credentials, catalogue, stock, customers."""
        facts = {"name": plan.name, "legal_name": plan.legal_name, "country": plan.country,
                 "currency": plan.currency, "time_zone": plan.time_zone, "kind": "live",
                 "services": ["orders", "billing"]}  # fmt: skip
        tenant = await call(operator, "POST", "/v1/tenants", json=facts)
        scopes = ["orders:read", "orders:write", "billing:read", "billing:write"]
        client = await call(
            operator,
            "POST",
            f"/v1/tenants/{tenant['id']}/clients",
            json={"name": "Web shop", "scopes": scopes},
        )
        api = self._client()
        await self._sign_in(api, client["client_id"], client["client_secret"])
        company = Company(plan, tenant["id"], client["client_id"], client["client_secret"], api)
        for sku, name, price in plan.products:
            money = {"amount": price, "currency": plan.currency}
            product = {"sku": sku, "name": name, "unit_price": money, "tax_code": "standard"}
            company.products.append(await call(api, "POST", "/v1/products", json=product))
            stock = {"sku": sku, "delta": 40 * self._orders, "reason": "Opening stock"}
            await call(api, "POST", "/v1/stock-adjustments", json=stock)
        for name in plan.customers:
            address = {
                "line1": "1 Market Square",
                "city": "Town",
                "postal_code": "12345",
                "country": plan.country,
            }
            customer = {"name": name, "billing_address": address}
            company.customers.append(await call(api, "POST", "/v1/customers", json=customer))
        return company

    async def _day(self, company: Company, progress: Progress) -> None:
        """Orders come in, are shipped, invoiced by themselves, and mostly paid."""
        name = company.plan.name
        taken = progress.add_task(f"{name}: orders shipped", total=self._orders)
        billed = progress.add_task(f"{name}: invoices", total=self._orders)
        paid = progress.add_task(f"{name}: payments", total=self._orders)
        wishes = asyncio.Queue[int]()
        for number in range(self._orders):
            wishes.put_nowait(number)

        async def clerk() -> None:
            while not wishes.empty():
                await self._order_and_ship(company, wishes.get_nowait())
                progress.advance(taken)

        await asyncio.gather(*(clerk() for _ in range(CONCURRENCY)))
        await self._refused_order(company)
        await self._await_invoices(company, lambda n: progress.update(billed, completed=n))
        for number, invoice in enumerate(company.invoices):
            await self._pay(company, number, invoice)
            progress.advance(paid)

    async def _order_and_ship(self, company: Company, number: int) -> None:
        products = self._dice.sample(company.products, 3)
        lines = [{"sku": p["sku"], "quantity": self._dice.randint(1, 12)} for p in products]
        wish = {"customer_id": self._dice.choice(company.customers)["id"], "channel": "web", "lines": lines,
                "confirm": True}  # fmt: skip
        key = {"idempotency-key": f"demo-{company.tenant_id}-{number}"}
        order = await call(company.api, "POST", "/v1/orders", json=wish, headers=key)
        company.orders.append(order)
        parcel = {"carrier": "Post", "tracking_number": f"TRK{number:08d}"}
        for fulfilment in order["fulfilments"]:
            await call(
                company.api, "POST", f"/v1/fulfilments/{fulfilment['id']}/ship", json={"parcels": [parcel]}
            )

    async def _refused_order(self, company: Company) -> None:
        """Somebody wants more than there is; the shop says no and nothing is promised."""
        lines = [{"sku": company.products[0]["sku"], "quantity": 1_000_000}]
        wish = {"customer_id": company.customers[0]["id"], "lines": lines, "confirm": True}
        answer = await company.api.post("/v1/orders", json=wish)
        if answer.status_code != 409:
            raise StoryFailed(f"an order beyond the stock answered {answer.status_code}")
        company.refused += 1

    async def _await_invoices(self, company: Company, seen: Callable[[int], None]) -> None:
        """Ask for the invoice of each order; the suite holds its answer back until there is one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        for order in company.orders:
            path = f"/v1/invoices?order_id={order['id']}"
            while not (found := (await call(company.api, "GET", path, headers=WAIT))["items"]):
                if time.monotonic() > deadline:
                    raise StoryFailed(
                        f"{len(company.invoices)} of {len(company.orders)} invoices after {PATIENCE_SECONDS} s"
                    )
                await asyncio.sleep(0.2)  # where waiting was not possible, the empty page came at once
            company.invoices += found
            seen(len(company.invoices))

    async def _pay(self, company: Company, number: int, invoice: Json) -> None:
        """Seven in ten pay in full, two in ten not yet, one in ten half."""
        if number % 10 in (3, 7):
            return
        amount = dict(invoice["totals"]["gross"])
        if number % 10 == 5:
            amount["amount"] = f"{Decimal(cents(amount) // 2).scaleb(-2)}"
        payment = {"customer_id": invoice["customer_id"], "amount": amount, "method": "bank_transfer",
                   "reference": invoice["number"],
                   "allocations": [{"invoice_id": invoice["id"], "amount": amount}]}  # fmt: skip
        await call(company.api, "POST", "/v1/payments", json=payment)

    async def _summary(self, companies: list[Company], seconds: float) -> bool:
        table = Table(title=f"The day, after {seconds:.1f} s")
        table.add_column("")
        for company in companies:
            table.add_column(f"{company.plan.name} ({company.plan.currency})", justify="right")
        columns = []
        good = True
        for company in companies:
            balance = await call(company.api, "GET", "/v1/reports/trial-balance")
            tie_out = await call(company.api, "GET", "/v1/reports/tie-out")
            balanced = balance["total_debit"] == balance["total_credit"] and not tie_out["differences"]
            good = good and balanced and len(company.invoices) == len(company.orders)
            figures = {row["account"]: row for row in balance["rows"]}
            invoiced = sum(cents(i["totals"]["gross"]) for i in company.invoices)
            columns.append(
                (
                    str(len(company.orders)),
                    str(company.refused),
                    str(len(company.invoices)),
                    f"{Decimal(invoiced).scaleb(-2):,}",
                    balance_of(figures, "1000"),
                    balance_of(figures, "1100"),
                    "[green]yes[/green]" if balanced else "[red]NO[/red]",
                )
            )
        for label, *cells in zip(ROWS, *columns, strict=True):
            table.add_row(label, *cells)
        self._console.print(table)
        return good

    async def _import(self, operator: httpx.AsyncClient) -> bool:
        """Import an order file in the UCI Online Retail columns into a company of its own."""
        assert self._import_file is not None
        plan = CompanyPlan("Online Retail", "Online Retail Ltd", "GB", "GBP", "Europe/London", (), ())
        company = await self._open(operator, plan)
        try:
            return await self._run_import(company.api, self._import_file)
        finally:
            await company.api.aclose()

    async def _run_import(self, api: httpx.AsyncClient, path: Path) -> bool:
        started = time.monotonic()
        files = {"file": (path.name, await asyncio.to_thread(path.read_bytes), "text/csv")}
        job = await call(api, "POST", "/v1/order-imports", files=files, data={"options": UCI_OPTIONS})
        with self._progress() as progress:
            bar = progress.add_task(f"Importing {path.name}", total=None)
            while job["state"] in ("pending", "running"):
                await asyncio.sleep(0.1)
                job = await call(api, "GET", f"/v1/order-imports/{job['id']}")
                progress.update(bar, completed=job["rows_done"], total=job["rows_total"])
        seconds = time.monotonic() - started
        self._console.print(
            f"Import {job['state']}: {job['orders_created']} orders in, {job['orders_failed']} refused, "
            f"{job['rows_done']} rows in {seconds:.1f} s."
        )
        failed = await self._all_rows(api, job["id"])
        for row in failed[:12]:
            self._console.print(f"  row {row['row']} of order {row['order_ref']}: {row['code']}")
        return bool(job["state"] == "done")

    async def _all_rows(self, api: httpx.AsyncClient, job_id: str) -> list[Json]:
        page = await call(api, "GET", f"/v1/order-imports/{job_id}/rows?status=failed&limit=200")
        rows: list[Json] = page["items"]
        return rows

    def _how_to_go_on(self, company: Company) -> None:
        self._console.print(f"\nThe API's documentation: [bold]{self._base}/docs[/bold]")
        self._console.print(f"Look around as {company.plan.legal_name}:\n", highlight=False)
        self._console.print(
            f"  TOKEN=$(curl -s {self._base}/oauth/token -d grant_type=client_credentials \\\n"
            f"    -d client_id={company.client_id} -d client_secret={company.client_secret} \\\n"
            "    | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"access_token\"])')\n"
            f'  curl -s -H "Authorization: Bearer $TOKEN" {self._base}/v1/reports/trial-balance\n',
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
