"""How stock is promised: demands, allocations, and which warehouse gives what."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from shared.values.faults import FieldError, Invalid, Refused
from shared.values.fields import decimal_text

MAIN = "MAIN"
MOST_ON_HAND = Decimal(10**12)


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


@dataclass(frozen=True, slots=True)
class StockItem:
    """What of a product lies in a warehouse, and how much of it is promised."""

    product_id: UUID
    warehouse_id: UUID
    on_hand: Decimal
    reserved: Decimal

    @property
    def available(self) -> Decimal:
        """What may still be promised."""
        return self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class StockLevel:
    """A stock item as people see it. `backordered` is the product's over all warehouses: those lines wait for
    no particular one."""

    product_id: UUID
    warehouse_id: UUID
    sku: str
    warehouse: str
    on_hand: Decimal
    reserved: Decimal
    backordered: Decimal
    updated_at: datetime

    @property
    def available(self) -> Decimal:
        """What may still be promised."""
        return self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of the stock's ledger; `on_hand` is what lay there after it. It never changes."""

    id: UUID
    created_at: datetime
    sku: str
    warehouse: str
    kind: str
    delta: Decimal
    on_hand: Decimal
    reason: str | None
    reference_id: UUID | None
    actor_id: str
    version: int = 1

    @property
    def updated_at(self) -> datetime:
        """When it was made."""
        return self.created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment(Movement):
    """A movement made by hand, with what of the stock it left was promised."""

    reserved: Decimal

    @property
    def available(self) -> Decimal:
        """What may still be promised."""
        return self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class StockDifference:
    """A stock item whose counters disagree with what they count."""

    sku: str
    warehouse: str
    on_hand: Decimal
    moved: Decimal
    reserved: Decimal
    promised: Decimal


@dataclass(frozen=True, slots=True)
class StockAudit:
    """How many stock items were compared, how many disagree, and the first of those."""

    checked: int
    differing: int
    differences: list[StockDifference]


class InsufficientStock(Refused):
    """More is wanted than may be promised or taken away."""

    code = "insufficient_stock"


class StockChanged(Refused):
    """Somebody else moved stock since the caller counted."""

    code = "stock_changed"


class NotTracked(Refused):
    """The product is sold without stock."""

    code = "not_tracked"


class StockInUse(Refused):
    """The product cannot stop being tracked while some of it lies somewhere or is promised."""

    code = "stock_in_use"


class UnknownSku(Invalid):
    """There is no product of that SKU."""

    code = "unknown_sku"

    def __init__(self, sku: str) -> None:
        sentence = f"There is no product {sku}."
        super().__init__(sentence, errors=[FieldError("/sku", self.code, sentence)])


class UnknownWarehouse(Invalid):
    """There is no warehouse of that code."""

    code = "unknown_warehouse"

    def __init__(self, code: str) -> None:
        sentence = f"There is no warehouse {code}."
        super().__init__(sentence, errors=[FieldError("/warehouse", self.code, sentence)])


class StockRowMissing(RuntimeError):  # noqa: N818 - named by what is wrong
    """Stock was given back or shipped from where it never lay: a fault of ours, never of a caller."""


def shortage(demands: Sequence[Demand], items: Iterable[StockItem]) -> InsufficientStock:
    """The refusal of demands that together ask more of some product than may be promised."""
    available: dict[UUID, Decimal] = defaultdict(Decimal)
    for item in items:
        available[item.product_id] += item.available
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
        if item.available > 0:
            free[item.product_id][item.warehouse_id] = item.available
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


def adjusted_delta(
    item: StockItem, *, sku: str, delta: Decimal | None, set_to: Decimal | None, expected: Decimal | None
) -> Decimal:
    """By how much an adjustment changes what lies there: as given, or from a count and an expected one."""
    if set_to is not None:
        if expected != item.on_hand:
            raise StockChanged(
                f"There are {decimal_text(item.on_hand)} on hand, not what was expected.",
                on_hand=decimal_text(item.on_hand),
            )
        delta = set_to - item.on_hand
    if delta is None:
        raise ValueError("an adjustment has a delta or a count")
    if item.available + delta < 0:
        available = decimal_text(item.available)
        raise InsufficientStock(
            f"Only {available} of {sku} are neither shipped nor promised.",
            available=available,
            lines=[{"sku": sku, "requested": decimal_text(-delta), "available": available}],
        )
    if item.on_hand + delta > MOST_ON_HAND:
        sentence = f"No more than {decimal_text(MOST_ON_HAND)} can lie in one place."
        raise Invalid.field("/delta", "quantity_out_of_range", sentence)
    return delta
