"""A numbered document is the same, byte for byte, whatever happens to it, its customer and its seller later."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import asyncpg
import httpx
import pytest
from PIL import Image

from shared.context.ctx import TenantFacts
from shared.contracts.orders import CustomerChanged
from shared.values.fields import Address
from tests.billing.given import (
    ADDRESS,
    assert_tied_out,
    delivered,
    given_customer,
    given_invoice,
    given_payment,
    given_seller,
    line,
    shipment,
)
from tests.kit.suite import Suite

BANK = {"holder": "Harbour", "iban": "GB33BUKB20201555555555"}


async def forms_of(
    billing: httpx.AsyncClient, document: dict[str, Any], of: str = "invoices", **query: Any
) -> tuple[bytes, bytes]:
    """Paper and data."""
    path = f"/v1/{of}/{document['id']}"
    paper, data = (
        await billing.get(f"{path}/pdf", params=query),
        await billing.get(f"{path}/xml", params=query),
    )
    assert (paper.status_code, data.status_code) == (200, 200), data.text
    return paper.content, data.content


async def credited(billing: httpx.AsyncClient, invoice: dict[str, Any], quantity: str) -> dict[str, Any]:
    part = [{"invoice_line_id": invoice["lines"][0]["id"], "quantity": quantity}]
    answer = await billing.post(
        "/v1/credit-notes", json={"invoice_id": invoice["id"], "reason": "back", "lines": part}
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def change_all(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, customer_id: str
) -> httpx.AsyncClient:
    """The customer moves; the seller gets another name, address, tax id, bank and logo, under which one goes on."""
    await delivered(
        suite,
        tenant,
        CustomerChanged(
            customer_id=customer_id,  # type: ignore[arg-type]
            name="Somebody Else",
            tax_id="DE123456789",
            billing_address=Address(line1="Elbe 1", city="Hamburg", country="DE"),
            version=9,
        ),
    )
    await given_seller(
        billing,
        tax_id="GB111111111",
        address=ADDRESS,
        email="new@harbour.example",
        payment_terms_text="At once.",
        bank_account={"holder": "New", "iban": "DE89370400440532013000"},
        contact={"name": "New"},
    )
    picture = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(picture, "PNG")
    now = (await billing.get("/v1/seller-profile")).json()
    answer = await billing.put(
        "/v1/seller-profile/logo",
        content=picture.getvalue(),
        headers={"content-type": "image/png", "if-match": str(now["version"])},
    )
    assert answer.status_code == 200, answer.text
    renamed = replace(tenant, name="Renamed", legal_name="Renamed plc", version=tenant.version + 1)
    await suite.provision(renamed)
    return suite.client("billing", renamed)


async def test_payments_credit_notes_and_changes_leave_an_invoice_as_it_was_issued(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_seller(billing, bank_account=BANK, payment_terms_text="Net 30 days.")
    customer_id = str(await given_customer(suite, tenant))
    draft = {"customer_id": customer_id, "lines": [line("10.00", quantity="5")]}
    made = (await billing.post("/v1/invoices", json=draft)).json()
    invoice = (await billing.post(f"/v1/invoices/{made['id']}/finalize")).json()
    issued = await forms_of(billing, invoice)

    await given_payment(billing, invoice, "7.00")
    assert await forms_of(billing, invoice) == issued
    note = await credited(billing, invoice, "1")
    issued_note = await forms_of(billing, note, "credit-notes")
    assert await forms_of(billing, invoice) == issued
    await given_payment(billing, invoice, "41.00")
    billing = await change_all(suite, tenant, billing, customer_id)
    after = await credited(billing, invoice, "2")

    assert await forms_of(billing, invoice) == issued
    assert await forms_of(billing, note, "credit-notes") == issued_note
    assert b"TotalPrepaidAmount>0.00<" in issued[1]
    assert b"DuePayableAmount>60.00<" in issued[1]
    assert b"Renamed plc" in (await forms_of(billing, after, "credit-notes"))[1]
    await assert_tied_out(suite, tenant, billing)


async def test_an_invoice_of_a_shipment_stays_as_it_was_issued(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_seller(billing, bank_account=BANK)
    shipped = shipment("10.00", "0.33")
    await delivered(suite, tenant, shipped)
    (invoice,) = (await billing.get(f"/v1/invoices?order_id={shipped.order_id}")).json()["items"]
    issued = await forms_of(billing, invoice)

    await given_payment(billing, invoice, "5.00")
    billing = await change_all(suite, tenant, billing, invoice["customer_id"])

    assert await forms_of(billing, invoice) == issued
    assert b"Acme Ltd" in issued[1]


async def test_a_voided_invoice_is_shown_as_it_was_issued_only_when_that_is_asked_for(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_seller(billing)
    buyer = {"name": "Jane", "billing_address": ADDRESS}
    invoice = await given_invoice(billing, customer=buyer)
    issued = await forms_of(billing, invoice)
    await billing.post(f"/v1/invoices/{invoice['id']}/void", json={"reason": "wrong buyer"})
    billing = await change_all(suite, tenant, billing, invoice["customer_id"])

    (note,) = (await billing.get(f"/v1/credit-notes?invoice_id={invoice['id']}")).json()["items"]
    for form in ("pdf", "xml"):
        answer = await billing.get(f"/v1/invoices/{invoice['id']}/{form}")
        assert (answer.status_code, answer.json()["code"]) == (409, "voided")
        assert answer.json()["credit_note"] == {"id": note["id"], "number": note["number"]}
        assert note["number"] in answer.json()["detail"]

    assert await forms_of(billing, invoice, original="true") == issued


# What of a numbered document moves with what happens to it; all else is what it was issued as.
MOVING = {
    "invoices": {"state", "version", "updated_at", "open_minor", "paid_minor", "credited_minor"}
    | {"written_off_minor", "lost_minor"},
    "credit_notes": {"version", "updated_at", "unallocated_minor", "refunded_minor"},
}
OTHER = {
    "jsonb": "'{}'::jsonb",
    "text": "'x'",
    "uuid": "gen_random_uuid()",
    "bigint": "7",
    "integer": "7",
    "date": "date '1999-01-01'",
    "timestamp with time zone": "timestamptz '1999-01-01'",
    "numeric": "7",
    "boolean": "true",
}
COLUMNS = """
select column_name, data_type from information_schema.columns where table_schema = 'billing' and table_name = $1
"""


async def test_the_database_lets_no_column_of_a_numbered_document_change(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await credited(billing, await given_invoice(billing), "1")
    async with suite["billing"].app_db.transaction(tenant.id) as tx:
        found = {table: await tx.sql.fetch(COLUMNS, table) for table in MOVING}

    for table, moving in MOVING.items():
        for column in found[table]:
            name, kind = column["column_name"], column["data_type"]
            if name in moving | {"tenant_id", "id"}:
                continue
            with pytest.raises(asyncpg.PostgresError) as refused:
                async with suite["billing"].app_db.transaction(tenant.id) as tx:
                    await tx.sql.execute(f"update {table} set {name} = {OTHER[kind]}")
            assert refused.value.sqlstate == "BO001", (table, name)
