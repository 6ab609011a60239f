"""What benchmarks of the bus stand on: a broker, a database with the services' schemas, and facts to publish."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
from joserfc.jwk import KeySet

from services.all import SERVICES
from services.orders.service import SERVICE
from shared.bus.amqp.transport import AmqpTransport, migrate
from shared.context.tenants import UPSERT
from shared.contracts.billing import InvoiceFinalized
from shared.contracts.event import Envelope, envelope
from shared.database.pool import Database
from shared.database.rls import role_password
from shared.embedded import server as embedded
from shared.http.internal_token import TokenVerifier
from shared.service.runtime import ServiceRuntime
from shared.values.ids import new_id
from tests.kit import rabbit
from tests.kit.suite import ROLE_SECRET, migrate_all, test_settings

PUBLISHER, CONSUMER = "billing", "orders"


@dataclass(frozen=True)
class Ground:
    """A broker with our topology, and a database with the services' schemas."""

    broker: str
    database: str
    tenant_id: UUID


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """Everything that is needed, made for this run and thrown away."""
    kinds = rabbit.kinds()
    if not kinds:
        raise rabbit.NoBroker(rabbit.MISSING)
    folder = Path(tempfile.mkdtemp(prefix="bo-bench-bus-"))
    try:
        with rabbit.running(kinds[0]) as broker:
            url = await broker.new_vhost()
            await migrate(url, {CONSUMER: [InvoiceFinalized.type]})
            server = embedded.start(folder / "postgres")
            await migrate_all(server.url, SERVICES)
            tenant_id = new_id()
            await _execute(
                server.url,
                f"set search_path = {CONSUMER}; " + _literal_tenant(tenant_id),
            )
            yield Ground(url, server.url, tenant_id)
    finally:
        embedded.destroy(folder / "postgres")
        shutil.rmtree(folder, ignore_errors=True)


def _literal_tenant(tenant_id: UUID) -> str:
    values = [tenant_id, 1, "Bench", "Bench Ltd", "GB", "GBP", "Europe/London", "live", "active", "0"]
    statement = UPSERT
    for n, value in reversed(list(enumerate(values, 1))):
        statement = statement.replace(f"${n}", f"'{value}'")
    return statement


async def _execute(url: str, statement: str) -> None:
    sql = await asyncpg.connect(url)
    try:
        await sql.execute(statement)
    finally:
        await sql.close()


def facts(tenant_id: UUID, count: int) -> list[Envelope]:
    """Events as billing publishes them; one ordering key in ten has a second one."""
    return [fact(tenant_id, n, ordering_key=f"invoice:{n % (count * 9 // 10)}") for n in range(count)]


def fact(tenant_id: UUID, number: int, *, ordering_key: str) -> Envelope:
    """One invoice that got its number."""
    amount = {"amount": "120.00", "currency": "GBP"}
    event = InvoiceFinalized.model_validate(
        {
            "invoice_id": new_id(), "number": f"INV-2026-{number}", "customer_id": new_id(), "currency": "GBP",
            "net": {"amount": "100.00", "currency": "GBP"}, "tax": {"amount": "20.00", "currency": "GBP"},
            "gross": amount, "issued_on": "2026-01-02", "due_on": "2026-02-01",
            "source_refs": {"order_id": new_id(), "fulfilment_id": new_id()},
        }
    )  # fmt: skip
    return envelope(
        event, id=new_id(), source=PUBLISHER, subject=f"invoice/{number}", time=datetime.now(UTC),
        tenant_id=tenant_id, version=1, ordering_key=ordering_key, actor_id="bench", causation_id=str(new_id()),
        correlation_id=str(new_id()), traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )  # fmt: skip


def pool(found: Ground, role: str, size: int) -> Database:
    """A pool of one role."""
    password = role_password(ROLE_SECRET, role)
    return Database(found.database, user=role, password=password, size=size, application_name="bench")


def consumer(found: Ground) -> ServiceRuntime:
    """The consuming service over this ground, not started: nothing runs but what a measurement calls."""

    async def fetch_keys() -> KeySet:
        return KeySet([])

    return ServiceRuntime(
        SERVICE,
        dsn=found.database,
        settings=test_settings(),
        transport=AmqpTransport(found.broker, name="bench-consumer"),
        verifier=TokenVerifier(CONSUMER, fetch_keys),
    )
