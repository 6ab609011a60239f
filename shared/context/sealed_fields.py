"""Sealed fields of a row: sealed and opened inside a transaction, and shown to a caller as far as he may see them.

await seal(ctx, details, bank_account=change.bank_account.clear())
opened(ctx, details, "bank_account")                      # to work with: nothing is recorded
for_caller(ctx, SellerOut, details, reveal=True)          # to show: masked, or in full with an audit row
"""

from typing import Any

from pydantic import BaseModel, Secret

from shared.context.ctx import Ctx
from shared.database.sealing import Keyring, Place, Sealed
from shared.database.tables import TenantRow
from shared.values.masked import ForCaller, masked_fields, masked_value

READ_SEALED = "read_sealed"  # the action of an audit row

# Who seals holds the row shared until it commits, so that a key that is about to be called unused waits for it.
HOLD = "select true from sealing_keys where tenant_id = $1 and key_id = $2 for key share"
REGISTER = "insert into sealing_keys (tenant_id, key_id) values ($1, $2) on conflict do nothing"


async def seal(ctx: Ctx, row: TenantRow, **values: object) -> None:
    """Seal values (whatever JSON can say; None stays null) into columns of a row, which has its id already."""
    keyring = keyring_of(ctx)
    if any(value is not None for value in values.values()):
        await register_key(ctx, keyring)
    for column, value in values.items():
        setattr(row, column, None if value is None else keyring.seal(place_of(row, column), value))


def opened(ctx: Ctx, row: TenantRow, column: str) -> Secret[Any] | None:
    """The value itself, for work that does not show it, or shows it by its nature (a document that states it)."""
    sealed: Sealed | None = getattr(row, column)
    return None if sealed is None else Secret(keyring_of(ctx).open(place_of(row, column), sealed))


def for_caller(
    ctx: Ctx, schema: type[BaseModel], row: TenantRow | None, *, reveal: bool
) -> dict[str, ForCaller | None]:
    """The masked fields of an answer, each from the row's column of the same name.

    `reveal` is for reads (GET): then a caller with a field's scope sees it in full, and an audit row says so. Answers
    to changes never reveal: they are kept under their Idempotency-Key.
    """
    found: dict[str, ForCaller | None] = {}
    for name, mark in masked_fields(schema).items():
        secret = opened(ctx, row, name) if row is not None else None
        if secret is None or row is None:
            found[name] = None
        elif reveal and mark.scope in ctx.scopes:
            ctx.audit(READ_SEALED, str(place_of(row, name)))
            found[name] = ForCaller(secret.get_secret_value())
        else:
            found[name] = ForCaller(masked_value(schema, name, secret.get_secret_value()))
    return found


def place_of(row: TenantRow, column: str) -> Place:
    """Where a column's value is sealed."""
    return Place(row.tenant_id, str(row.__tablename__), column, row.id)


def keyring_of(ctx: Ctx) -> Keyring:
    """The service's keys."""
    keyring = ctx.tx.keyring
    if keyring is None:
        raise LookupError(f"{ctx.service} declares no sealed column and so has no keys")
    return keyring


async def register_key(ctx: Ctx, keyring: Keyring) -> None:
    """Record that the newest key has sealed something of the tenant."""
    for _ in range(3):  # a row that goes between the two statements was called unused a moment ago
        if await ctx.sql.fetchval(HOLD, ctx.tenant.id, keyring.newest):
            return
        await ctx.sql.execute(REGISTER, ctx.tenant.id, keyring.newest)
    raise RuntimeError("the key's row goes as often as it is made")
