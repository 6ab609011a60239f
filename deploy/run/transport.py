"""Which transport carries events: a table of the suite's database, or RabbitMQ when an address of it is set."""

from services.all import SERVICES
from shared.base.settings import KernelSettings
from shared.bus.pg import transport as bus_pg
from shared.bus.pg.schema import ROLE
from shared.bus.transport import Transport
from shared.database.rls import password_of


def transport_for(settings: KernelSettings, database_url: str, *, name: str, among_others: bool) -> Transport:
    """The transport of a process; nothing is connected before its `start`. The name is for the broker's lists.

    `among_others` says that other processes publish and consume, too.
    """
    if settings.amqp_url:
        from shared.bus.amqp import transport as bus_amqp  # its client library takes long to load

        return bus_amqp.AmqpTransport(settings.amqp_url, name=name)
    return bus_pg.PgTransport(
        database_url,
        password=password_of(settings, ROLE),
        poll_seconds=settings.poll_seconds,
        linger_seconds=settings.linger_seconds,
        among_others=among_others,
    )


async def migrate_transport(settings: KernelSettings, database_url: str) -> None:
    """Make what the transport keeps events in, so that nothing is unrouted because a consumer came late."""
    if settings.amqp_url:
        from shared.bus.amqp import transport as bus_amqp

        await bus_amqp.migrate(settings.amqp_url, bindings())
        return
    await bus_pg.migrate(database_url, password=password_of(settings, ROLE), bindings=bindings())


def bindings() -> dict[str, list[str]]:
    """Which queue wants which event types, from the services' consumers."""
    found = {service.name: sorted(contract.type for contract in service.handlers()) for service in SERVICES}
    return {queue: types for queue, types in found.items() if types}
