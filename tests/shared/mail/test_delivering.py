"""Mails reach the server at least once: refused for now, refused for good, the server away, a process killed."""

import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from services.orders.service import SERVICE as ORDERS
from shared.base import telemetry
from shared.context.ctx import TenantFacts
from shared.mail import queue
from shared.values.ids import new_id
from tests.billing.given import given_invoice
from tests.kit.smtp import DROP, MailServer, own_authority, serving
from tests.kit.suite import Suite, eventually, mail_settings, running_suite
from tests.kit.suite import test_settings as settings_with
from tests.orders.given import given_confirmed, given_customer, given_product


@pytest.fixture
async def company(mailing: Suite) -> TenantFacts:
    return await mailing.new_tenant(name="Harbour Tea")


@pytest.fixture
def books(mailing: Suite, company: TenantFacts) -> httpx.AsyncClient:
    return mailing.client("billing", company)


@pytest.fixture
async def database(mailing: Suite) -> AsyncIterator[asyncpg.Connection]:
    sql = await asyncpg.connect(mailing.url)
    yield sql
    await sql.close()


def somebody() -> str:
    return f"jane.{new_id().hex}@example.org"


async def given_sent(books: httpx.AsyncClient, to: str, **body: Any) -> str:
    """The path of an invoice that somebody has sent."""
    path = f"/v1/invoices/{(await given_invoice(books))['id']}"
    answer = await books.post(f"{path}/send", json={"to": to, **body})
    assert answer.status_code == 200, answer.text
    return path


async def become(books: httpx.AsyncClient, path: str, state: str) -> dict[str, Any]:
    async def asked() -> dict[str, Any] | None:
        found: dict[str, Any] = (await books.get(path)).json()["delivery"]
        return found if found["state"] == state else None

    return await eventually(asked, within=40.0)  # the first document of a process takes seconds


async def mails_of(books: httpx.AsyncClient, **filters: str) -> list[dict[str, Any]]:
    answer = await books.get("/v1/billing-mails", params=filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.mark.parametrize(("stage", "answer"), [("RCPT", "450 Try later"), ("DATA", "451 Greylisted")])
async def test_what_is_refused_for_now_is_tried_again(
    mail_server: MailServer, books: httpx.AsyncClient, stage: str, answer: str
):
    to = somebody()
    mail_server.answers[stage, to] += [answer, answer]

    path = await given_sent(books, to)

    await become(books, path, "sent")
    assert len(mail_server.to(to)) == 1
    (mail,) = await mails_of(books)
    assert (mail["state"], mail["attempts"], mail["allowed_actions"]) == ("sent", 3, [])


@pytest.mark.parametrize(("stage", "answer"), [("RCPT", "550 No such user"), ("DATA", "554 Not wanted")])
async def test_what_is_refused_for_good_bounces_at_once_and_can_be_tried_again(
    mail_server: MailServer, books: httpx.AsyncClient, stage: str, answer: str
):
    to = somebody()
    mail_server.answers[stage, to].append(answer)

    path = await given_sent(books, to)

    told = await become(books, path, "bounced")
    assert (told["to"], told["reason"]) == (to, answer[4:])
    assert mail_server.to(to) == []
    (mail,) = await mails_of(books, state="bounced")
    assert (mail["attempts"], mail["reason"]) == (1, {"code": f"smtp_{answer[:3]}", "message": answer[4:]})
    assert (mail["to"], mail["about"]["kind"], mail["allowed_actions"]) == (to, "invoice", ["retry"])

    again = await books.post(f"/v1/billing-mails/{mail['id']}/retry")
    assert (again.status_code, again.json()["state"], again.json()["reason"]) == (200, "queued", None)
    await become(books, path, "sent")
    twice = await books.post(f"/v1/billing-mails/{mail['id']}/retry")
    assert (twice.status_code, twice.json()["code"]) == (409, "illegal_transition")
    verbs = [t["verb"] for t in (await books.get(f"{path}/timeline")).json()["items"]]
    assert verbs == ["mail", "mail", "mail", "send", "finalize", "create"]


async def test_a_recipient_who_is_refused_keeps_the_mail_from_the_others(
    mail_server: MailServer, books: httpx.AsyncClient
):
    to, copy = somebody(), somebody()
    mail_server.answers["RCPT", copy].append("550 No such user")

    path = await given_sent(books, to, cc=[copy])

    await become(books, path, "bounced")
    assert mail_server.to(to) == []


async def test_a_connection_that_breaks_after_the_mail_was_taken_sends_it_again_as_the_same(
    mail_server: MailServer, books: httpx.AsyncClient
):
    to = somebody()
    mail_server.answers["DATA", to].append(DROP)

    path = await given_sent(books, to)

    await become(books, path, "sent")
    first, second = mail_server.to(to)
    assert first.message["message-id"] == second.message["message-id"]
    assert first.message["date"] == second.message["date"]


async def test_what_a_killed_process_had_in_hand_is_sent_when_its_lease_is_over(
    mail_server: MailServer, mailing: Suite, company: TenantFacts, books: httpx.AsyncClient,
    database: asyncpg.Connection,
):  # fmt: skip
    to = somebody()
    mail_server.answers["RCPT", to].append("450 Not yet")
    path = await given_sent(books, to)
    mine = "from billing.mails where tenant_id = $1"
    await eventually(lambda: database.fetchval(f"select attempts > 0 {mine}", company.id))
    # As a process leaves it that dies with the mail in hand: counted as tried, under a lease.
    await eventually(
        lambda: database.fetchval(
            "update billing.mails set attempts = attempts + 1, next_try_at = now() + interval '1 hour' "
            "where tenant_id = $1 and state = 'queued' and next_try_at < now() + interval '1 minute' returning true",
            company.id,
        )
    )
    state = await database.fetchval(f"select state {mine}", company.id)

    await database.execute("update billing.mails set next_try_at = now() where tenant_id = $1", company.id)

    assert state == "queued"
    await become(books, path, "sent")
    assert len(mail_server.to(to)) == 1


async def test_processes_that_look_at_once_take_different_mails_and_none_of_a_suspended_company(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts
):
    worker, both = suite["billing"].worker_db, [tenant.id, stranger.id]
    hour, values = 3600.0, (3600.0, [], 1, 60.0)
    sql = await asyncpg.connect(suite.url)
    for tenant_id in both:
        await sql.execute(
            "insert into billing.mails (tenant_id, id, kind, aggregate, aggregate_id, recipient, state, queued_at) "
            "values ($1, $2, 'none', 'none', $2, 'x@example.org', 'queued', now() - interval '2 hours')",
            tenant_id,
            new_id(),
        )
    become_of = "update billing.tenants set state = $2 where tenant_id = any($1)"
    await sql.execute(become_of, both, "suspended")
    asleep = await queue.claim(worker, aged=hour, but_of=[], limit=1, lease=60.0)
    await sql.execute(become_of, both, "active")

    async with worker.transaction(None) as tx:
        first = await tx.sql.fetch(queue.CLAIM, *values)
        second = await queue.claim(worker, aged=hour, but_of=[], limit=1, lease=60.0)
    third = await queue.claim(worker, aged=hour, but_of=[], limit=1, lease=60.0)

    await sql.execute("delete from billing.mails where tenant_id = any($1)", both)
    await sql.close()
    assert (asleep, third) == ([], [])
    assert sorted(row["tenant_id"] for row in [*first, *second]) == sorted(both)


async def test_a_suspended_company_sends_nothing_until_it_may_again(
    mail_server: MailServer, mailing: Suite, company: TenantFacts, books: httpx.AsyncClient,
    database: asyncpg.Connection,
):  # fmt: skip
    to, other = somebody(), somebody()
    neighbour = mailing.client("billing", await mailing.new_tenant(name="Neighbour"))
    await database.execute("update billing.tenants set state = 'suspended' where tenant_id = $1", company.id)
    path = await given_sent(books, to)

    await become(neighbour, await given_sent(neighbour, other), "sent")
    assert (await books.get(path)).json()["delivery"]["state"] == "queued"
    assert mail_server.to(to) == []

    await database.execute("update billing.tenants set state = 'active' where tenant_id = $1", company.id)
    await become(books, path, "sent")


async def given_confirmed_by_mail(orders: httpx.AsyncClient, to: str, count: int = 1) -> None:
    """So many orders of a customer who is told of them by mail: letters without files."""
    customer = await given_customer(orders, email=to, delivery="mail")
    sku = (await given_product(orders, stock=count))["sku"]
    for _ in range(count):
        await given_confirmed(orders, {sku: 1}, customer_id=customer["id"])


async def orders_mail(orders: httpx.AsyncClient, state: str) -> dict[str, Any]:
    """The one mail of a company's orders, once it is in a state."""

    async def asked() -> dict[str, Any] | None:
        (mail,) = (await orders.get("/v1/orders-mails")).json()["items"]
        return mail if mail["state"] == state else None

    return await eventually(asked, within=30.0)


async def test_one_company_with_many_mails_does_not_hold_the_others_up(
    mail_server: MailServer, mailing: Suite, company: TenantFacts
):
    mass, one = somebody(), somebody()
    neighbour = mailing.client("orders", await mailing.new_tenant(name="Neighbour"))
    await given_confirmed_by_mail(mailing.client("orders", company), mass, 60)

    await given_confirmed_by_mail(neighbour, one)

    await orders_mail(neighbour, "sent")
    assert len(mail_server.to(mass)) < 60
    await eventually(lambda: all_sent(mail_server, mass, 60), within=60.0)


async def all_sent(mail_server: MailServer, to: str, count: int) -> bool:
    return len(mail_server.to(to)) == count


async def test_without_a_server_sending_is_refused_and_what_would_go_by_itself_is_told(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)

    refused = await billing.post(f"/v1/invoices/{invoice['id']}/send", json={"to": somebody()})

    assert (refused.status_code, refused.json()["code"]) == (409, "mail_not_set_up")
    assert "BACKOFFICE_SMTP_URL" in refused.json()["detail"]
    assert (await mails_of(billing)) == []


async def test_a_server_that_is_away_is_waited_for(database_url: str):
    server = MailServer()
    settings = mail_settings(server.url, mail_attempts=10_000)
    async with running_suite(database_url, [ORDERS], settings=settings) as running:
        orders, to = running.client("orders", await running.new_tenant()), somebody()
        await given_confirmed_by_mail(orders, to)

        async def tried() -> dict[str, Any] | None:
            (found,) = (await orders.get("/v1/orders-mails")).json()["items"]
            return found if found["attempts"] > 1 and found["reason"] else None

        waiting = await eventually(tried, within=30.0)
        assert (waiting["state"], waiting["reason"]["code"]) == ("queued", "smtp_away")

        with serving(server):
            sent = await orders_mail(orders, "sent")
        assert sent["reason"] is None
        assert len(server.to(to)) == 1


async def test_a_mail_that_nobody_takes_bounces_when_its_tries_are_used_up(database_url: str):
    settings = mail_settings(MailServer().url, mail_attempts=3)
    async with running_suite(database_url, [ORDERS], settings=settings) as running:
        orders = running.client("orders", await running.new_tenant())
        await given_confirmed_by_mail(orders, somebody())

        bounced = await orders_mail(orders, "bounced")

        assert (bounced["attempts"], bounced["reason"]["code"]) == (3, "smtp_away")


@pytest.mark.parametrize("trusted", [True, False])
async def test_the_way_to_the_server_is_secured_and_its_certificate_verified(
    database_url: str, tmp_path: Path, trusted: bool
):
    ca, context = own_authority(tmp_path)
    with serving(tls_context=context, require_starttls=True) as server:
        url = server.url.partition("?")[0]
        settings = mail_settings(url, smtp_ca_file=str(ca) if trusted else "", mail_attempts=2)
        async with running_suite(database_url, [ORDERS], settings=settings) as running:
            orders, to = running.client("orders", await running.new_tenant()), somebody()
            await given_confirmed_by_mail(orders, to)

            told = await orders_mail(orders, "sent" if trusted else "bounced")

            assert len(server.to(to)) == int(trusted)
            assert trusted or told["reason"]["code"] == "smtp_away"


CANARY = f"canary.{new_id().hex}"
WORDS = "Canary 4711 sings at dawn"


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged, at every level."""
    stream = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", stream)
        telemetry.configure_logs(settings_with(log_level="DEBUG"))
    yield stream
    telemetry.configure_logs(settings_with())


async def test_whom_a_mail_is_for_and_what_it_says_is_in_its_row_and_nowhere_else(
    mail_server: MailServer, mailing: Suite, company: TenantFacts, books: httpx.AsyncClient,
    database: asyncpg.Connection, logged: io.StringIO,
):  # fmt: skip
    to, copy = f"{CANARY}@example.org", f"copy.{CANARY}@example.org"
    mail_server.answers["RCPT", to] += [f"450 <{to}> later", f"550 <{to}> unknown"]
    path = f"/v1/invoices/{(await given_invoice(books))['id']}"
    body = {"to": to, "cc": [copy], "message": WORDS}

    answer = await books.post(f"{path}/send", json=body, headers={"idempotency-key": "k-1"})
    assert answer.json()["delivery"]["to"] == to
    await become(books, path, "bounced")
    (mail,) = await mails_of(books)
    retried = await books.post(f"/v1/billing-mails/{mail['id']}/retry", headers={"idempotency-key": "k-2"})
    assert (retried.json()["to"], retried.json()["cc"]) == (to, [copy])
    await become(books, path, "sent")
    replayed = await books.post(f"{path}/send", json=body, headers={"idempotency-key": "k-1"})

    assert replayed.headers["idempotency-replayed"] == "true"
    assert (replayed.json()["id"], replayed.json()["delivery"]) == (answer.json()["id"], None)
    assert len(mail_server.to(to)) == 1
    tables = await database.fetch(
        "select table_name from information_schema.columns where table_schema = 'billing' and column_name = 'tenant_id'"
    )
    held = {
        table["table_name"]
        for table in tables
        for row in await database.fetch(
            f"select t::text, t from billing.{table['table_name']} t where tenant_id = $1", company.id
        )
        for canary in (CANARY, WORDS)
        if canary in str(row[0]) or canary.encode().hex() in str(row[0])
    }
    assert held == {"mails"}
    assert str(mail["id"]) in logged.getvalue()
    assert CANARY not in logged.getvalue()
    assert "sings at dawn" not in logged.getvalue()


async def test_who_looks_over_all_companies_sees_no_recipients(mailing: Suite):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await mailing["billing"].worker_db.repeatable("select recipient from mails")


async def test_another_companys_mails_are_not_there(
    mailing: Suite, company: TenantFacts, books: httpx.AsyncClient
):
    await given_sent(books, somebody())
    (mail,) = await mails_of(books)
    stranger = mailing.client("billing", await mailing.new_tenant(name="Stranger"))

    assert await mails_of(stranger) == []
    assert (await stranger.get(f"/v1/billing-mails/{mail['id']}")).status_code == 404
    assert (await stranger.post(f"/v1/billing-mails/{mail['id']}/retry")).status_code == 404


async def test_mails_are_listed_in_pages_newest_first(books: httpx.AsyncClient, mail_server: MailServer):
    invoice = await given_invoice(books)
    for _ in range(3):
        await books.post(f"/v1/invoices/{invoice['id']}/send", json={"to": somebody()})

    first = (await books.get("/v1/billing-mails", params={"limit": 2})).json()
    second = (await books.get("/v1/billing-mails", params={"limit": 2, "cursor": first["next"]})).json()

    ids = [mail["id"] for page in (first, second) for mail in page["items"]]
    assert (len(ids), ids, second["next"]) == (3, sorted(ids, reverse=True), None)
