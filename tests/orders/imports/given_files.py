"""What tests of files begin with: how one is read, and what came of it."""

from collections.abc import Sequence
from pathlib import Path

from services.orders.imports.actions.countries import country_names
from services.orders.imports.rules import DEFAULT_MAPPING, FileOrder, Reading, read_orders
from shared.values.money import CURRENCY_DIGITS

CSV = Reading("csv", DEFAULT_MAPPING, "Europe/London", "GBP", CURRENCY_DIGITS, country_names())


def orders_of(path: Path, content: bytes, reading: Reading = CSV, most: int = 1_000_000) -> list[FileOrder]:
    path.write_bytes(content)
    return [order for step in read_orders(str(path), reading, most) for order in step.orders]


def problems(orders: Sequence[FileOrder]) -> dict[int, tuple[str | None, str]]:
    return {p.row: (p.order_ref, p.code) for order in orders for p in order.problems}


def only(orders: Sequence[FileOrder]) -> FileOrder:
    (order,) = orders
    assert order.problems == []
    return order
