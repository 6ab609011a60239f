"""What was stored before texts were composed at the door (NFC, docs/adr/0043): a migration composes it afterwards.

Composed in Python, as at the door: the database may know a newer Unicode, and other characters with it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from alembic import op
from sqlalchemy import text

from shared.database.alembic import run
from shared.values.texts import composed

LONGEST_STEM = 58  # of a code of at most 64 signs, behind which a number follows


@dataclass(frozen=True, slots=True)
class Respelled:
    """A code that is written otherwise now."""

    tenant_id: UUID
    old: str
    new: str


@contextmanager
def over_all_rows(*tables: str, triggers_off: bool = False) -> Iterator[None]:
    """For a block the owner sees all tenants' rows of these tables, which FORCE keeps from it; nobody else reads them.

    Without their triggers, too, where these would refuse that anything is ever changed: what is composed says the same.
    """
    run("".join(f"alter table {table} no force row level security;" for table in tables))
    if triggers_off:
        run("".join(f"alter table {table} disable trigger user;" for table in tables))
    yield
    if triggers_off:
        run("".join(f"alter table {table} enable trigger user;" for table in tables))
    run("".join(f"alter table {table} force row level security;" for table in tables))


def compose_texts(
    table: str, *texts: str, documents: Sequence[str] = (), key: Sequence[str] = ("tenant_id", "id")
) -> None:
    """Compose what some columns hold, texts and documents (jsonb) alike."""
    names = (*texts, *documents)
    shown = ", ".join([*key, *(f"{name}::text as {name}" for name in names)])
    wanted = " or ".join(f"{name}::text is not nfc normalized" for name in names)
    found = op.get_bind().execute(text(f"select {shown} from {table} where {wanted}"))  # noqa: S608
    rows = [dict(row) for row in found.mappings()]
    for row in rows:
        row |= {name: composed(row[name]) for name in names if row[name] is not None}
    if rows:
        changes = [f"{name} = :{name}" for name in texts]
        changes += [f"{name} = cast(:{name} as jsonb)" for name in documents]
        same = " and ".join(f"{name} = :{name}" for name in key)
        op.get_bind().execute(text(f"update {table} set {', '.join(changes)} where {same}"), rows)  # noqa: S608


def compose_codes(table: str, column: str) -> list[Respelled]:
    """Compose the codes of a table's rows; returns those that are written otherwise now.

    Codes that become one (their tenant has told them apart by their bytes alone) stay two: the one that was composed
    already keeps it, else the oldest; the others get `~2`, `~3` … behind them.
    """
    connection = op.get_bind()
    found = connection.execute(
        text(
            f"select tenant_id, {column} as code from {table} where {column} is not nfc normalized "  # noqa: S608
            "group by 1, 2 order by 1, min(id::text)"
        )
    ).all()
    is_taken = text(f"select exists (select from {table} where tenant_id = :tenant_id and {column} = :code)")  # noqa: S608
    respelled = []
    for tenant_id, old in found:
        new = plain = composed(old)
        number = 1
        while new != old and connection.scalar(is_taken, {"tenant_id": tenant_id, "code": new}):
            number += 1
            new = f"{plain[:LONGEST_STEM]}~{number}"
        if new != old:
            respelled.append(Respelled(tenant_id, old, new))
            refer(table, column, respelled[-1:])
    return respelled


def refer(table: str, column: str, respelled: list[Respelled]) -> None:
    """Let rows that hold a code hold it as it is written now."""
    if respelled:
        op.get_bind().execute(
            text(f"update {table} set {column} = :new where tenant_id = :tenant_id and {column} = :old"),  # noqa: S608
            [{"tenant_id": each.tenant_id, "old": each.old, "new": each.new} for each in respelled],
        )
