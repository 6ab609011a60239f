"""In whose turn stock is promised, and from whom a promise is taken back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from services.orders.book.rules import FulfilmentState, Order
from services.orders.stock.rules import NOTHING, Demand, StockItem

AT_ONCE = 50
"""Claims that one transaction looks at; the rest follows in the next, and what is owed to them is nobody else's."""
TAKEABLE = (FulfilmentState.OPEN, FulfilmentState.RELEASED)
"""States whose promises can be taken back: what is being picked is in somebody's hands."""


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """What a line waits for, or is promised in a fulfilment. They sort by who was confirmed first."""

    confirmed_at: datetime
    order_id: UUID
    position: int
    line_id: UUID
    product_id: UUID = field(compare=False)
    quantity: Decimal = field(compare=False)


@dataclass(frozen=True, slots=True)
class PromisedClaim(Claim):
    """What a line is promised in a fulfilment that nobody has begun to pick."""

    fulfilment_id: UUID
    warehouse_id: UUID


@dataclass(frozen=True, slots=True)
class Loss:
    """So much of a promise is taken back."""

    claim: PromisedClaim
    quantity: Decimal

    @property
    def place(self) -> tuple[UUID, UUID]:
        """The stock item (product, warehouse) that is short."""
        return self.claim.product_id, self.claim.warehouse_id

    @property
    def new_claim(self) -> Claim:
        """Where the line stands now that it waits: among those who wait, by its order's confirmation."""
        claim = self.claim
        return Claim(
            claim.confirmed_at, claim.order_id, claim.position, claim.line_id, claim.product_id, NOTHING
        )


@dataclass(slots=True)
class Turns:
    """What comes of going through claims in turn, by product where it is not over.

    `pending`: somebody else holds an order whose turn it is. `unsure`: there may be more claims than were looked at.
    """

    losses: list[Loss] = field(default_factory=list)
    demands: list[Demand] = field(default_factory=list)
    pending: set[UUID] = field(default_factory=set)
    unsure: set[UUID] = field(default_factory=set)


def take_back(
    items: Iterable[StockItem], claims: Sequence[PromisedClaim], orders: Mapping[UUID, Order]
) -> Turns:
    """Decide which promises are taken back where stock is short: the youngest first, and no more than is short.

    `claims` are the youngest first; `orders` are those of them that we hold. One that somebody else holds right now
    is waited for: nothing older loses in its stead.
    """
    turns = Turns(unsure={claim.product_id for claim in claims} if len(claims) == AT_ONCE else set())
    short = {(item.product_id, item.warehouse_id): item.short for item in items}
    for claim in claims:
        if claim.product_id in turns.pending:
            continue
        if claim.order_id not in orders:
            turns.pending.add(claim.product_id)
            continue
        wanted = min(short[claim.product_id, claim.warehouse_id], claim.quantity)
        taken = min(wanted, _promised(claim, orders[claim.order_id]))
        if taken:
            turns.losses.append(Loss(claim, taken))
            short[claim.product_id, claim.warehouse_id] -= taken
        if taken < wanted:
            turns.unsure.add(claim.product_id)  # it has changed since it was found
    return turns


def _promised(claim: PromisedClaim, order: Order) -> Decimal:
    """What of a claim's promise can be taken back now."""
    for fulfilment in order.fulfilments:
        if fulfilment.id == claim.fulfilment_id and fulfilment.state in TAKEABLE:
            return sum((p.quantity for p in fulfilment.lines if p.order_line_id == claim.line_id), NOTHING)
    return NOTHING


def in_turn(claims: Sequence[Claim], losers: Iterable[Claim], orders: Mapping[UUID, Order]) -> Turns:
    """What lines demand that wait, those confirmed first ahead; `losers` have just lost a promise and wait with them.

    For a product it ends before an order that somebody else holds right now: nobody comes before that one.
    """
    cut = len(claims) == AT_ONCE
    turns = Turns(unsure={claim.product_id for claim in claims} if cut else set())
    for claim in sorted({*claims, *losers}):
        if claim.product_id in turns.pending:
            continue
        if claim.order_id not in orders or (cut and claim > claims[-1]):
            turns.pending.add(claim.product_id)
            continue
        line = orders[claim.order_id].line(claim.line_id)
        if line.backordered:
            turns.demands.append(Demand(line.id, line.product_id, line.sku, line.backordered))
        if line.backordered < claim.quantity:
            turns.unsure.add(claim.product_id)  # it has changed since it was found
    return turns


def unshared(turns: Turns, items: Iterable[StockItem], *, short: bool) -> set[UUID]:
    """Products of which something is still to be shared out: what is short among promises, or what is free."""
    left = {item.product_id for item in items if (item.short if short else item.free)}
    return left & (turns.pending | turns.unsure)
