"""Documents that are sent by mail: to whom, with which files, once; and what the document says of it."""

import io
from typing import Any
from uuid import UUID

import httpx
import pytest
from pypdf import PdfReader

from shared.context.ctx import TenantFacts
from shared.contracts.orders import CustomerChanged, OrderCustomer
from shared.values.fields import Address
from shared.values.ids import new_id
from tests.billing.given import ADDRESS, delivered, given_draft, given_invoice, shipment
from tests.kit.smtp import MailServer, Taken
from tests.kit.suite import Suite, eventually


@pytest.fixture
async def company(mailing: Suite) -> TenantFacts:
    return await mailing.new_tenant(name="Harbour Tea")


@pytest.fixture
def books(mailing: Suite, company: TenantFacts) -> httpx.AsyncClient:
    return mailing.client("billing", company)


def somebody() -> str:
    """An address of nobody else."""
    return f"jane.{new_id().hex}@example.org"


async def sent(books: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await books.post(f"{path}/send", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def become(books: httpx.AsyncClient, path: str, state: str) -> dict[str, Any]:
    """What a document says of its delivery once that is in a state."""

    async def asked() -> dict[str, Any] | None:
        found: dict[str, Any] | None = (await books.get(path)).json()["delivery"]
        return found if found is not None and found["state"] == state else None

    return await eventually(asked, within=40.0)  # the first document of a process takes seconds


def files_of(mail: Taken) -> dict[str | None, bytes]:
    _, *files = mail.message.iter_parts()
    return {part.get_filename(): part.get_payload(decode=True) for part in files}


async def moves(books: httpx.AsyncClient, path: str) -> list[tuple[str, str | None, str, str | None]]:
    items = (await books.get(f"{path}/timeline")).json()["items"]
    return [(t["verb"], t["from_state"], t["to_state"], t["why"]) for t in reversed(items)]


async def test_an_invoice_is_sent_once_with_its_paper(
    mail_server: MailServer, mailing: Suite, company: TenantFacts, books: httpx.AsyncClient
):
    profile = {"email": "hello@harbour.example"}
    assert (
        await books.patch("/v1/seller-profile", json=profile, headers={"if-match": "1"})
    ).status_code == 200
    invoice, to, copy = await given_invoice(books), somebody(), somebody()
    path = f"/v1/invoices/{invoice['id']}"
    assert (invoice["delivery"], "send" in invoice["allowed_actions"]) == (None, True)

    answer = await sent(books, path, to=to, cc=[copy], message="Thanks, as ever.")

    assert (answer["delivery"]["state"], answer["delivery"]["to"]) == ("queued", to)
    told = await become(books, path, "sent")
    assert (told["to"], told["reason"]) == (to, None)
    (mail,) = mail_server.to(to)
    assert (mail.sender, mail.recipients) == ("post@provider.example", [to, copy])
    assert mail.message["from"] == "Harbour Tea via Provider <post@provider.example>"
    assert mail.message["reply-to"] == "Harbour Tea <hello@harbour.example>"
    assert mail.message["subject"] == f"Invoice {invoice['number']} – Harbour Tea"
    text = mail.message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Thanks, as ever." in text
    assert "£12.00" in text
    files = files_of(mail)
    assert files.keys() == {f"{invoice['number']}.pdf"}
    assert files[f"{invoice['number']}.pdf"] == (await books.get(f"{path}/pdf")).content
    assert await moves(books, path) == [
        ("create", None, "draft", None),
        ("finalize", "draft", "finalized", None),
        ("send", "finalized", "finalized", None),
        ("mail", "queued", "sent", None),
    ]
    assert (await books.get(path)).json()["version"] == invoice["version"]


async def test_without_a_recipient_it_goes_to_the_buyer(
    mail_server: MailServer, mailing: Suite, company: TenantFacts, books: httpx.AsyncClient
):
    to = somebody()
    named = await given_invoice(books, customer={"name": "Jane", "email": to})
    nameless = await given_invoice(books)

    answer = await sent(books, f"/v1/invoices/{named['id']}")
    refused = await books.post(f"/v1/invoices/{nameless['id']}/send")

    assert answer["delivery"]["to"] == to
    await become(books, f"/v1/invoices/{named['id']}", "sent")
    assert (refused.status_code, refused.json()["code"]) == (422, "no_recipient")
    assert refused.json()["errors"][0]["pointer"] == "/to"


async def test_only_finalized_documents_are_sent_and_drafts_do_not_offer_it(books: httpx.AsyncClient):
    draft = await given_draft(books)

    refused = await books.post(f"/v1/invoices/{draft['id']}/send", json={"to": somebody()})

    assert "send" not in draft["allowed_actions"]
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"to": "a@b.example\r\nBcc: evil@example.org"}, "/to"),
        ({"to": "jane"}, "/to"),
        ({"to": "jane@example.org", "cc": ["x"]}, "/cc/0"),
        ({"to": "jane@example.org", "cc": ["a@b.example"] * 11}, "/cc"),
        ({"to": "jane@example.org", "message": "a\x00b"}, "/message"),
    ],
)
async def test_recipients_and_words_that_cannot_be_are_refused_by_their_field(
    books: httpx.AsyncClient, body: dict[str, Any], pointer: str
):
    invoice = await given_invoice(books)

    refused = await books.post(f"/v1/invoices/{invoice['id']}/send", json=body)

    assert refused.status_code == 422, refused.text
    assert [e["pointer"] for e in refused.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        ("de", "Rechnung {} – Harbour Tea", "12,00\N{NO-BREAK SPACE}£"),
        ("fr", "Facture {} – Harbour Tea", "Cordialement"),
        ("ja", "Invoice {} – Harbour Tea", "Kind regards"),
    ],
)
async def test_a_letter_speaks_the_customers_language(
    mail_server: MailServer, mailing: Suite, company: TenantFacts, books: httpx.AsyncClient,
    language: str, subject: str, words: str,
):  # fmt: skip
    to = somebody()
    invoice = await given_invoice(books, customer={"name": "Zoë Müller", "language": language, "email": to})

    await sent(books, f"/v1/invoices/{invoice['id']}")

    await become(books, f"/v1/invoices/{invoice['id']}", "sent")
    (mail,) = mail_server.to(to)
    assert mail.message["subject"] == subject.format(invoice["number"])
    assert mail.message["content-language"] == (language if language != "ja" else "en")
    text = mail.message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Zoë Müller" in text
    assert words in text.replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")


async def test_who_asks_for_e_invoices_gets_the_data_where_it_is_valid(
    mail_server: MailServer, mailing: Suite, company: TenantFacts, books: httpx.AsyncClient
):
    profile = {"address": ADDRESS, "tax_id": "GB123456789"}
    assert (
        await books.patch("/v1/seller-profile", json=profile, headers={"if-match": "1"})
    ).status_code == 200
    whole, bare = somebody(), somebody()
    buyer = {"name": "Jane", "billing_address": ADDRESS, "e_invoice": "factur_x"}
    invoice = await given_invoice(books, customer=buyer | {"email": whole})
    path = f"/v1/invoices/{invoice['id']}"

    await sent(books, path)

    await become(books, path, "sent")
    files = files_of(mail_server.to(whole)[0])
    assert files.keys() == {f"{invoice['number']}.pdf", f"{invoice['number']}.xml"}
    assert files[f"{invoice['number']}.xml"] == (await books.get(f"{path}/xml")).content
    assert bare != whole


async def test_a_credit_note_is_sent_as_an_invoice_is(
    mail_server: MailServer, mailing: Suite, company: TenantFacts, books: httpx.AsyncClient
):
    to = somebody()
    invoice = await given_invoice(books, customer={"name": "Jane", "email": to})
    body = {"invoice_id": invoice["id"], "reason": "Broken"}
    note = (await books.post("/v1/credit-notes", json=body)).json()
    path = f"/v1/credit-notes/{note['id']}"
    assert (note["delivery"], "send" in note["allowed_actions"]) == (None, True)

    await sent(books, path)

    assert (await become(books, path, "sent"))["to"] == to
    (mail,) = mail_server.to(to)
    assert mail.message["subject"] == f"Credit note {note['number']} – Harbour Tea"
    assert (
        note["number"] in PdfReader(io.BytesIO(next(iter(files_of(mail).values())))).pages[0].extract_text()
    )
    assert (await moves(books, path))[-1] == ("mail", "queued", "sent", None)


async def told(mailing: Suite, company: TenantFacts, **facts: Any) -> UUID:
    """A customer as orders tells of it."""
    values: dict[str, Any] = {"customer_id": new_id(), "name": "Jane", "version": 1}
    event = CustomerChanged(**(values | facts))
    await delivered(mailing, company, event)
    return event.customer_id


async def test_what_a_customer_with_delivery_by_mail_gets_is_sent_by_itself(
    mail_server: MailServer, mailing: Suite, company: TenantFacts, books: httpx.AsyncClient
):
    to = somebody()
    customer_id = await told(mailing, company, email=to, delivery="mail")

    invoice = await given_invoice(books, customer_id=str(customer_id), customer=None)
    assert invoice["delivery"]["state"] == "queued"
    body = {"invoice_id": invoice["id"], "reason": "Broken"}
    note = (await books.post("/v1/credit-notes", json=body)).json()
    assert note["delivery"]["to"] == to

    await become(books, f"/v1/invoices/{invoice['id']}", "sent")
    await become(books, f"/v1/credit-notes/{note['id']}", "sent")
    assert sorted(m.message["subject"].split(" – ")[0] for m in mail_server.to(to)) == [
        f"Credit note {note['number']}",
        f"Invoice {invoice['number']}",
    ]


async def test_the_invoices_of_shipments_go_out_by_themselves(
    mail_server: MailServer, mailing: Suite, company: TenantFacts, books: httpx.AsyncClient
):
    to = somebody()
    wants = shipment(
        customer=OrderCustomer(
            id=new_id(), name="Jane", email=to, delivery="mail", billing_address=Address(**ADDRESS)
        )
    )
    wants_not = shipment(customer=OrderCustomer(id=new_id(), name="Joe", email=to))

    await delivered(mailing, company, wants)
    await delivered(mailing, company, wants_not)

    (invoice,) = (await books.get("/v1/invoices", params={"order_id": str(wants.order_id)})).json()["items"]
    (other,) = (await books.get("/v1/invoices", params={"order_id": str(wants_not.order_id)})).json()["items"]
    await become(books, f"/v1/invoices/{invoice['id']}", "sent")
    assert other["delivery"] is None
    assert [m.message["subject"] for m in mail_server.to(to)] == [
        f"Invoice {invoice['number']} – Harbour Tea"
    ]


async def test_a_statement_of_some_days_is_sent(
    mail_server: MailServer, mailing: Suite, company: TenantFacts, books: httpx.AsyncClient
):
    to, other = somebody(), somebody()
    customer_id = await told(mailing, company, email=to, language="fr")
    invoice = await given_invoice(books, customer_id=str(customer_id), customer=None)
    path = f"/v1/customers/{customer_id}/statement"
    today = invoice["issued_on"]

    first = await sent(books, f"{path}", message="À bientôt")
    answer = await books.post(f"{path}/send?from={today}&to={today}", json={"to": other})

    assert (first["state"], first["to"]) == ("queued", to)
    assert answer.json()["to"] == other

    async def both() -> bool:
        items = (await books.get("/v1/billing-mails", params={"state": "sent"})).json()["items"]
        return len(items) == 2

    await eventually(both, within=40.0)
    (mail,) = mail_server.to(to)
    assert mail.message["subject"].startswith("Relevé de compte du 1 janvier")
    assert "À bientôt" in mail.message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    ((name, content),) = files_of(mail_server.to(other)[0]).items()
    assert name == f"statement-{today}-{today}.pdf"
    assert invoice["number"] in PdfReader(io.BytesIO(content)).pages[0].extract_text()
    (latest, _) = (await books.get("/v1/billing-mails")).json()["items"]
    assert latest["about"] == {"kind": "customer", "id": str(customer_id), "number": f"{today}/{today}"}
    assert (await books.post(f"/v1/customers/{new_id()}/statement/send", json={"to": to})).status_code == 404


async def test_an_invoice_that_was_voided_before_its_mail_went_is_not_sent(
    mail_server: MailServer, mailing: Suite, company: TenantFacts, books: httpx.AsyncClient
):
    to = somebody()
    mail_server.answers["RCPT", to] += ["450 Later"] * 3
    invoice = await given_invoice(books)
    path = f"/v1/invoices/{invoice['id']}"
    await sent(books, path, to=to)

    assert (await books.post(f"{path}/void")).status_code == 200

    assert "voided" in (await become(books, path, "bounced"))["reason"]
    assert mail_server.to(to) == []
    assert "send" not in (await books.get(path)).json()["allowed_actions"]
