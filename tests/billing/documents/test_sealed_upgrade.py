"""A database of the release before, with bank data in clear: it is sealed, and every document says what it said."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
from lxml import etree

from services.billing.service import SERVICE
from shared.context.ctx import TenantFacts
from shared.database.migrations import migrate
from shared.database.sealing import SealingKeysWrong
from shared.values.ids import new_id
from tests.kit import postgres
from tests.kit.suite import PASSWORD, SEALING_KEYS, Suite, migrate_all, revisions_before, running_suite

NOW, THEN = "Pay to IBAN GB33 BUKB 2020 1555 5555 55", "Pay to the old account, DE89 3704 0044 0532 0130 00"
ADDRESS = {"line1": "2 Mill Lane", "city": "York", "country": "GB"}


@pytest.fixture
async def old_url(admin_url: str, tmp_path: Path) -> AsyncIterator[str]:
    """A database as the release before left it."""
    before = revisions_before(SERVICE.migrations, "0006", tmp_path / "migrations")
    name = f"sealed_upgrade_{new_id().hex}"
    url = await postgres.create_database(admin_url, name)
    await migrate_all(url, [])
    await migrate(url, "billing", before, password=PASSWORD)
    yield url
    await postgres.drop_database(admin_url, name)


async def given_old_rows(url: str) -> dict[str, UUID]:
    """Two tenants with the same words, one of which changed them after an invoice; and documents of all kinds."""
    sql = await asyncpg.connect(url)
    ids = {name: new_id() for name in ("tenant", "other", "old", "new", "bare", "theirs", "draft")}
    await sql.execute("set search_path = billing; set session_replication_role = replica")
    for tenant in (ids["tenant"], ids["other"]):
        await sql.execute(
            "insert into tenants (tenant_id, version, name, legal_name, country, currency, time_zone, kind, state) "
            "values ($1, 1, 'Acme', 'Acme Ltd', 'GB', 'GBP', 'Europe/London', 'live', 'active')",
            tenant,
        )
        await sql.execute(
            "insert into sellers (tenant_id, id, tax_id, payment_instructions) values ($1, $1, 'GB1', $2)",
            tenant,
            NOW,
        )
    documents = (
        ("old", THEN, "INV-1"),
        ("new", NOW, "INV-2"),
        ("bare", None, "INV-3"),
        ("draft", None, None),
    )
    for name, words, number in documents:
        await _invoice(sql, ids["tenant"], ids[name], words, number)
    await _invoice(sql, ids["other"], ids["theirs"], NOW, "INV-1")
    await sql.execute(
        "insert into credit_notes (tenant_id, id, state, number, invoice_id, customer_id, seller, currency, net_minor, "
        "tax_minor, gross_minor, tax_breakdown, unallocated_minor, reason, issued_on, entry_id) select tenant_id, $2, "
        "'finalized', 'CN-1', id, customer_id, seller, 'GBP', 1, 0, 1, '[]', 0, 'x', issued_on, $2 "
        "from invoices where id = $1",
        ids["old"], new_id(),
    )  # fmt: skip
    await sql.close()
    return ids


async def _invoice(
    sql: asyncpg.Connection, tenant: UUID, id_: UUID, words: str | None, number: str | None
) -> None:
    seller = {"tax_id": "GB1", "address": ADDRESS} | ({"payment_instructions": words} if words else {})
    base, tax = ({"amount": amount, "currency": "GBP"} for amount in ("10.00", "0.00"))
    breakdown = [{"tax_code": "zero", "category": "Z", "rate": "0", "base": base, "tax": tax}]
    day = date(2026, 1, 5) if number else None
    await sql.execute(
        "insert into invoices (tenant_id, id, state, number, customer_id, customer, seller, currency, net_minor, "
        "tax_minor, gross_minor, tax_breakdown, open_minor, issued_on, due_on) values ($1, $2, $3, $4, $5, "
        "$10, $6, 'GBP', 1000, 0, 1000, $7, $8, $9, $9)",
        tenant, id_, "finalized" if number else "draft", number, new_id(),
        orjson.dumps(seller).decode() if number else None, orjson.dumps(breakdown).decode(),
        1000 if number else 0, day, orjson.dumps({"name": "Jane", "billing_address": ADDRESS}).decode(),
    )  # fmt: skip
    await sql.execute(
        "insert into invoice_lines (tenant_id, id, invoice_id, position, description, quantity, unit_price_minor, "
        "discount_minor, tax_code, tax_category, tax_rate, net_minor, tax_minor, gross_minor) values "
        "($1, $2, $3, 1, 'Lamp', 1, 1000, 0, 'zero', 'Z', 0, 1000, 0, 1000)",
        tenant, new_id(), id_,
    )  # fmt: skip


async def upgraded(url: str, *, keys: str = SEALING_KEYS) -> bool:
    return await migrate(url, "billing", SERVICE.migrations, password=PASSWORD, sealing_keys=keys)


async def everything(url: str) -> str:
    sql = await asyncpg.connect(url)
    tables = await sql.fetch("select tablename from pg_tables where schemaname = 'billing'")
    found = [await sql.fetch(f"select t::text from billing.{table['tablename']} t") for table in tables]
    await sql.close()
    return "\n".join(row[0] for part in found for row in part)


def as_tenant(suite: Suite, tenant_id: UUID) -> httpx.AsyncClient:
    facts = TenantFacts(
        id=tenant_id,
        name="Acme",
        legal_name="Acme Ltd",
        country="GB",
        currency="GBP",
        time_zone="Europe/London",
    )
    return suite.client("billing", facts, scopes=suite.all_scopes | {"billing.bank:read"})


async def words_of(billing: httpx.AsyncClient, invoice_id: UUID) -> str | None:
    answer = await billing.get(f"/v1/invoices/{invoice_id}/xml")
    assert answer.status_code == 200, answer.text
    found: str | None = etree.fromstring(answer.content).findtext(
        ".//{*}SpecifiedTradePaymentTerms/{*}Description"
    )
    return found


async def test_without_a_key_nothing_is_changed_and_the_reason_is_told(old_url: str):
    await given_old_rows(old_url)
    before = await everything(old_url)

    with pytest.raises(SealingKeysWrong, match="BACKOFFICE_SEALING_KEYS"):
        await upgraded(old_url, keys="")

    assert await everything(old_url) == before


async def test_a_database_without_bank_data_needs_no_key(old_url: str):
    assert await upgraded(old_url, keys="")
    assert not await upgraded(old_url, keys="")


async def test_what_stood_in_clear_is_sealed_and_every_document_says_what_it_said(old_url: str):
    ids = await given_old_rows(old_url)

    assert await upgraded(old_url)

    held = await everything(old_url)
    assert [clear for clear in (NOW, THEN) if clear in held or clear.encode().hex() in held] == []
    async with running_suite(old_url, [SERVICE]) as suite:
        ours, theirs = as_tenant(suite, ids["tenant"]), as_tenant(suite, ids["other"])
        assert [await words_of(ours, ids[name]) for name in ("old", "new", "bare")] == [THEN, NOW, None]
        assert await words_of(theirs, ids["theirs"]) == NOW
        profiles = [(await client.get("/v1/seller-profile")).json() for client in (ours, theirs)]
    assert [(p["payment_instructions"], p["tax_id"], p["version"]) for p in profiles] == [(NOW, "GB1", 1)] * 2


async def test_the_defences_stand_again_afterwards(old_url: str):
    ids = await given_old_rows(old_url)
    await upgraded(old_url)
    sql = await asyncpg.connect(old_url)
    await sql.execute("set search_path = billing")
    forced = await sql.fetch("select relname from pg_class where relnamespace = 'billing'::regnamespace "
                             "and relkind = 'r' and relrowsecurity and not relforcerowsecurity")  # fmt: skip

    assert forced == []
    with pytest.raises(asyncpg.PostgresError, match="invoice_final"):
        await sql.execute("update invoices set seller = '{}' where id = $1", ids["old"])
    with pytest.raises(asyncpg.CheckViolationError, match="sellers_nothing_in_clear"):
        await sql.execute("update sellers set payment_instructions = 'as the release before would'")
    await sql.close()
