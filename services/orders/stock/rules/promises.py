"""How stock is promised: demands, allocations, and which warehouse gives what."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from services.orders.stock.rules.levels import NOTHING, StockItem
from services.orders.stock.rules.refusals import InsufficientStock
from shared.values.fields import decimal_text


@dataclass(frozen=True, slots=True)
class Demand:
    """So much of a product is wanted for an order line."""

    line_id: UUID
    product_id: UUID
    sku: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Allocation:
    """So much of a warehouse's stock is promised to an order line."""

    line_id: UUID
    product_id: UUID
    warehouse_id: UUID
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Reservation:
    """What came of an order's demands: what is promised from where, and what has to wait (by line)."""

    allocations: tuple[Allocation, ...]
    backordered: dict[UUID, Decimal]
    main_warehouse_id: UUID


def shortage(demands: Sequence[Demand], items: Iterable[StockItem]) -> InsufficientStock:
    """The refusal of demands that together ask more of some product than may be promised."""
    available: dict[UUID, Decimal] = defaultdict(Decimal)
    for item in items:
        available[item.product_id] += item.free
    wanted: dict[UUID, Decimal] = defaultdict(Decimal)
    for demand in demands:
        wanted[demand.product_id] += demand.quantity
    skus = {demand.product_id: demand.sku for demand in demands}
    lines = [
        {"sku": skus[p], "requested": decimal_text(quantity), "available": decimal_text(available[p])}
        for p, quantity in wanted.items()
        if quantity > available[p]
    ]
    return InsufficientStock(f"There is not enough stock of {len(lines)} product(s).", lines=lines)


def allocate(
    demands: Sequence[Demand], items: Iterable[StockItem], *, main: UUID
) -> tuple[tuple[Allocation, ...], dict[UUID, Decimal]]:
    """Decide which warehouse gives what, earlier lines first; answers that, and what each line lacks.

    One warehouse gives everything if one can, MAIN before others. Else each line comes whole from one
    warehouse where possible: MAIN, then one that gives something already, then the fullest. Else it is split
    in that order.
    """
    free: dict[UUID, dict[UUID, Decimal]] = defaultdict(dict)
    for item in items:
        if item.free:
            free[item.product_id][item.warehouse_id] = item.free
    used = _one_for_all(demands, free, main)
    allocations: list[Allocation] = []
    missing: dict[UUID, Decimal] = {}
    for demand in demands:
        stock = free[demand.product_id]
        left = demand.quantity
        for warehouse_id in _best_order(stock, left, main, used):
            taken = min(left, stock[warehouse_id])
            if taken > 0:
                stock[warehouse_id] -= taken
                left -= taken
                used.add(warehouse_id)
                allocations.append(Allocation(demand.line_id, demand.product_id, warehouse_id, taken))
            if left == 0:
                break
        if left > 0:
            missing[demand.line_id] = left
    return tuple(allocations), missing


def _one_for_all(demands: Sequence[Demand], free: dict[UUID, dict[UUID, Decimal]], main: UUID) -> set[UUID]:
    """The one warehouse that can give everything, MAIN if it can; none when no single one can."""
    wanted: dict[UUID, Decimal] = defaultdict(Decimal)
    for demand in demands:
        wanted[demand.product_id] += demand.quantity
    able: set[UUID] | None = None
    for product_id, quantity in wanted.items():
        enough = {w for w, available in free[product_id].items() if available >= quantity}
        able = enough if able is None else able & enough
    if not able:
        return set()
    chosen = main if main in able else min(able)
    for product_id in wanted:
        free[product_id] = {chosen: free[product_id][chosen]}
    return {chosen}


def _best_order(stock: dict[UUID, Decimal], quantity: Decimal, main: UUID, used: set[UUID]) -> list[UUID]:
    """Warehouses in the order in which they should give to a line."""
    return sorted(
        stock,
        key=lambda w: (stock[w] < quantity, w != main, w not in used, -stock[w], w),
    )


def moved(items: Iterable[StockItem], sums: Mapping[tuple[UUID, UUID], Decimal]) -> list[StockItem]:
    """The stock items as they are once so much more (or less) of each (product, warehouse) is promised."""
    return [
        replace(item, reserved=item.reserved + sums.get((item.product_id, item.warehouse_id), NOTHING))
        for item in items
    ]


def set_aside(items: Sequence[StockItem], owed: Mapping[UUID, Decimal], *, main: UUID) -> list[StockItem]:
    """The stock items as they are once lines that wait have what is owed to them of each product."""
    claims = [Demand(product, product, "", quantity) for product, quantity in owed.items()]
    allocations, _ = allocate(claims, items, main=main)
    return moved(items, sum_by_item(allocations))


def by_line(allocations: Iterable[Allocation]) -> dict[UUID, list[Allocation]]:
    """What is allocated to each order line."""
    found: dict[UUID, list[Allocation]] = defaultdict(list)
    for allocation in allocations:
        found[allocation.line_id].append(allocation)
    return found


def sum_by_item(allocations: Iterable[Allocation]) -> dict[tuple[UUID, UUID], Decimal]:
    """How much of each stock item (product, warehouse) the allocations take, in key order."""
    sums: dict[tuple[UUID, UUID], Decimal] = defaultdict(Decimal)
    for allocation in allocations:
        sums[allocation.product_id, allocation.warehouse_id] += allocation.quantity
    return dict(sorted(sums.items()))


def as_columns(sums: Mapping[tuple[UUID, UUID], Decimal]) -> tuple[list[UUID], list[UUID], list[Decimal]]:
    """Sums by stock item as the columns (product, warehouse, quantity) of a statement."""
    return [product for product, _ in sums], [warehouse for _, warehouse in sums], list(sums.values())
