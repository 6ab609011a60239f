"""Databases from before texts were composed at the door: what is stored is found again, and two codes stay two."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any
from unicodedata import normalize
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from services.billing.service import SERVICE as BILLING
from services.orders.service import SERVICE as ORDERS
from shared.database.migrations import migrate
from shared.service.manifest import Service
from shared.values.ids import new_id
from tests.kit import postgres
from tests.kit.suite import PASSWORD, revisions_before

CAFE, APART = "CAFÉ-1", normalize("NFD", "CAFÉ-1")
ADDRESS = {"line1": normalize("NFD", "Rue Élysée 1"), "city": "Orléans", "country": "FR"}
DAY = date(2026, 1, 1)
FIGURES = {"unit_price_minor": 100, "discount_minor": 0, "net_minor": 100, "tax_minor": 0, "gross_minor": 100}
TAXED = {"tax_category": "S", "tax_rate": 7, "quantity": 1, "position": 1}


class Before:
    """A service's schema as it was; the connection is the superuser's."""

    def __init__(self, admin_url: str, service: Service, folder: Path, number: str) -> None:
        self.admin_url, self.service, self.name = admin_url, service, f"composed_{uuid4().hex}"
        self.revisions = revisions_before(service.migrations, number, folder / service.name)
        self.tenant = new_id()

    async def __aenter__(self) -> "Before":
        url = await postgres.create_database(self.admin_url, self.name)
        self.url = url
        await migrate(url, self.service.name, self.revisions, password=PASSWORD)
        self.sql = await asyncpg.connect(url)
        await self.sql.execute(
            f"set search_path = {self.service.name}; set session_replication_role = replica"
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.sql.close()
        await postgres.drop_database(self.admin_url, self.name)

    async def given(self, table: str, **columns: Any) -> UUID:
        row = {"tenant_id": self.tenant, "id": new_id()} | columns
        values = [orjson.dumps(v).decode() if isinstance(v, dict | list) else v for v in row.values()]
        places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        await self.sql.execute(f"insert into {table} ({', '.join(row)}) values ({places})", *values)
        return row["id"]

    async def migrated(self) -> None:
        await migrate(self.url, self.service.name, self.service.migrations, password=PASSWORD)

    async def value(self, table: str, column: str, id_: UUID) -> Any:
        return await self.sql.fetchval(f"select {column} from {table} where id = $1", id_)


@pytest.fixture
async def orders_before(admin_url: str, tmp_path: Path) -> AsyncIterator[Before]:
    async with Before(admin_url, ORDERS, tmp_path, "0015") as before:
        yield before


@pytest.fixture
async def billing_before(admin_url: str, tmp_path: Path) -> AsyncIterator[Before]:
    async with Before(admin_url, BILLING, tmp_path, "0018") as before:
        yield before


async def given_product(before: Before, sku: str, **more: Any) -> UUID:
    facts = {"name": sku, "unit_price_minor": 100, "currency": "EUR", "tax_code": "standard"}
    return await before.given("products", sku=sku, **facts | more)


async def test_texts_that_are_compared_are_composed_and_the_country_is_that_of_the_address(
    orders_before: Before,
):
    customer = await orders_before.given(
        "customers", name=normalize("NFD", "Zoë"), external_ref=APART, email="Zoe@Example.com", billing_address=ADDRESS
    )  # fmt: skip
    plain = await orders_before.given("customers", name="Ann", phone=normalize("NFD", "Café 1"))
    product = await given_product(orders_before, APART, tax_code=normalize("NFD", "ermäßigt"))
    await orders_before.given(
        "tax_codes", code=normalize("NFD", "ermäßigt"), name="7 %", category="S", rate=7, valid_from=DAY
    )

    await orders_before.migrated()

    assert await orders_before.value("customers", "name", customer) == "Zoë"
    assert await orders_before.value("customers", "external_ref", customer) == CAFE
    assert await orders_before.value("customers", "billing_address->>'line1'", customer) == "Rue Élysée 1"
    assert await orders_before.value("customers", "country", customer) == "FR"
    assert await orders_before.value("customers", "email", customer) == "Zoe@Example.com"
    assert await orders_before.value("customers", "phone", plain) == "Café 1"
    assert await orders_before.value("customers", "country", plain) is None
    assert await orders_before.value("products", "sku", product) == CAFE
    assert await orders_before.value("products", "tax_code", product) == "ermäßigt"


async def test_codes_that_become_one_stay_two_and_lines_follow_their_products(orders_before: Before):
    first = await given_product(orders_before, APART)
    composed = await given_product(orders_before, CAFE)
    taken = await given_product(orders_before, f"{CAFE}~2")
    theirs = new_id()
    stranger = await given_product(orders_before, APART, tenant_id=theirs)
    line = await orders_before.given(
        "order_lines", order_id=new_id(), product_id=first, sku=APART, description="x", tracked=True, currency="EUR",
        discount_percent=0, tax_code="standard", **FIGURES, **TAXED,
    )  # fmt: skip

    await orders_before.migrated()

    assert await orders_before.value("products", "sku", composed) == CAFE
    assert await orders_before.value("products", "sku", taken) == f"{CAFE}~2"
    assert await orders_before.value("products", "sku", first) == f"{CAFE}~3"
    assert await orders_before.value("order_lines", "sku", line) == f"{CAFE}~3"
    assert await orders_before.value("products", "sku", stranger) == CAFE


async def test_of_codes_that_none_was_composed_the_oldest_keeps_the_name_and_a_long_one_stays_in_bounds(
    orders_before: Before,
):
    # Two spellings of one letter that is written with two marks.
    older = await given_product(orders_before, "o\u0328\u0304" + "x" * 62)
    younger = await given_product(orders_before, "o\u0304\u0328" + "x" * 62)

    await orders_before.migrated()

    assert await orders_before.value("products", "sku", older) == "ǭ" + "x" * 62
    assert await orders_before.value("products", "sku", younger) == "ǭ" + "x" * 57 + "~2"


async def test_an_account_is_respelled_with_all_that_was_posted_to_it(billing_before: Before):
    account = await billing_before.given("accounts", code=APART, name="Caisse", type="asset")
    entry = await billing_before.given(
        "journal_entries", effective_on=DAY, memo="x", source="manual", line_count=2, actor_id="x"
    )
    await billing_before.sql.execute(
        "insert into postings (tenant_id, entry_id, line, account, amount_minor, currency, dimensions) "
        "values ($1, $2, 1, $3, 5, 'EUR', $4)",
        billing_before.tenant, entry, APART, orjson.dumps({"cost": APART}).decode(),
    )  # fmt: skip

    await billing_before.migrated()

    assert await billing_before.value("accounts", "code", account) == CAFE
    row = await billing_before.sql.fetchrow("select account, dimensions::text from postings")
    assert (row["account"], orjson.loads(row["dimensions"])) == (CAFE, {"cost": CAFE})
    guards = await billing_before.sql.fetch(
        "select tgenabled::text from pg_trigger where not tgisinternal and tgrelid = 'postings'::regclass"
    )
    assert {guard["tgenabled"] for guard in guards} == {"O"}


async def test_of_invoices_only_drafts_follow_a_tax_code(billing_before: Before):
    code = await billing_before.given(
        "tax_codes", code=APART, name="VAT", category="S", rate=7, valid_from=DAY
    )
    lines = {}
    for number in (None, "INV-1"):
        invoice = await billing_before.given(
            "invoices", state="finalized" if number else "draft", number=number, customer_id=new_id(), customer={},
            seller={},
            currency="EUR", tax_breakdown=[], net_minor=100, tax_minor=0, gross_minor=100, open_minor=0,
            issued_on=DAY if number else None, due_on=DAY if number else None,
        )  # fmt: skip
        lines[number] = await billing_before.given(
            "invoice_lines", invoice_id=invoice, description="x", tax_code=APART, **FIGURES, **TAXED
        )

    await billing_before.migrated()

    assert await billing_before.value("tax_codes", "code", code) == CAFE
    assert await billing_before.value("invoice_lines", "tax_code", lines[None]) == CAFE
    assert await billing_before.value("invoice_lines", "tax_code", lines["INV-1"]) == APART
