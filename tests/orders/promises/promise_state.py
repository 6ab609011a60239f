"""What is promised to whom at a moment, read from the tables, and what must always be true of it."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import httpx

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.orders.given import given_ctx

ITEMS = (
    "select product_id, warehouse_id, on_hand, reserved, short, owed from stock_items where tenant_id = $1"
)
LINES = """
select l.id, l.product_id, l.reserved, l.backordered, o.confirmed_at, o.id as order_id, l.position
from order_lines l join orders o on o.tenant_id = $1 and o.id = l.order_id
where l.tenant_id = $1 and l.tracked and o.confirmed_at is not null
"""
PARTS = """
select fl.order_line_id as line_id, fl.quantity, f.state, f.warehouse_id, l.product_id
from fulfilment_lines fl join fulfilments f on f.tenant_id = $1 and f.id = fl.fulfilment_id
join order_lines l on l.tenant_id = $1 and l.id = fl.order_line_id and l.tracked
where fl.tenant_id = $1 and f.state not in ('shipped', 'delivered', 'cancelled')
"""
Place = tuple[UUID, UUID]
Turn = tuple[datetime, UUID, int]


def _sums() -> defaultdict[Place, Decimal]:
    return defaultdict(Decimal)


@dataclass
class Promises:
    """Lines with their turn, what they are promised and wait for, and what lies where."""

    turn: dict[UUID, Turn] = field(default_factory=dict)
    product: dict[UUID, UUID] = field(default_factory=dict)
    reserved: dict[UUID, Decimal] = field(default_factory=dict)
    waiting: dict[UUID, Decimal] = field(default_factory=dict)
    on_hand: dict[Place, Decimal] = field(default_factory=dict)
    held: dict[Place, Decimal] = field(default_factory=dict)
    short: dict[Place, Decimal] = field(default_factory=dict)
    owed: set[UUID] = field(default_factory=set)
    promised: defaultdict[Place, Decimal] = field(default_factory=_sums)
    in_hands: defaultdict[Place, Decimal] = field(default_factory=_sums)
    takeable: defaultdict[Place, dict[UUID, Decimal]] = field(default_factory=lambda: defaultdict(dict))
    in_fulfilments: defaultdict[UUID, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def free(self, product_id: UUID) -> Decimal:
        """What of a product is promised to nobody, wherever it lies."""
        left = (self.on_hand[p] - self.held[p] for p in self.on_hand if p[0] == product_id)
        return sum((max(Decimal(0), each) for each in left), Decimal(0))


async def promises_of(suite: Suite, tenant: TenantFacts) -> Promises:
    """What is promised to whom now."""
    found = Promises()
    async with given_ctx(suite, tenant) as ctx:
        for row in await ctx.sql.fetch(LINES, tenant.id):
            found.turn[row["id"]] = (row["confirmed_at"], row["order_id"], row["position"])
            found.product[row["id"]] = row["product_id"]
            found.reserved[row["id"]], found.waiting[row["id"]] = row["reserved"], row["backordered"]
        for row in await ctx.sql.fetch(ITEMS, tenant.id):
            place = (row["product_id"], row["warehouse_id"])
            found.on_hand[place], found.held[place] = row["on_hand"], row["reserved"]
            found.short[place] = row["short"]
            if row["owed"]:
                found.owed.add(row["product_id"])
        for row in await ctx.sql.fetch(PARTS, tenant.id):
            _count(
                found, row["line_id"], row["state"], (row["product_id"], row["warehouse_id"]), row["quantity"]
            )
    return found


def _count(found: Promises, line_id: UUID, state: str, place: Place, quantity: Decimal) -> None:
    if state == "backordered":
        found.in_fulfilments[line_id] -= quantity
        return
    found.promised[place] += quantity
    if state in ("open", "released"):
        found.takeable[place][line_id] = found.takeable[place].get(line_id, Decimal(0)) + quantity
    else:
        found.in_hands[place] += quantity
    found.in_fulfilments[line_id] += quantity


def assert_at_rest(now: Promises) -> None:
    """What is true whenever nothing is still to be shared out."""
    assert now.owed == set()
    for place, on_hand in now.on_hand.items():
        held = now.held[place]
        assert held == now.promised[place], "promises add up to what is reserved"
        assert now.short[place] == max(Decimal(0), held - on_hand)
        assert held <= max(on_hand, now.in_hands[place]), "no promise without goods, but for what is in hands"
    for line_id, waiting in now.waiting.items():
        assert now.in_fulfilments[line_id] == now.reserved[line_id] - waiting, (
            "fulfilments hold what lines say"
        )
        if waiting:
            assert now.free(now.product[line_id]) == 0, "nobody waits beside free stock"


def assert_in_turn(before: Promises, now: Promises) -> None:
    """Who got something in a step came first of those who still wait; who lost something was the youngest there."""
    for line_id, reserved in now.reserved.items():
        if reserved > before.reserved.get(line_id, Decimal(0)):
            overtaken = [
                other
                for other, waiting in now.waiting.items()
                if waiting
                and now.product[other] == now.product[line_id]
                and now.turn[other] < now.turn[line_id]
            ]
            assert overtaken == []
    for place, lines in before.takeable.items():
        if now.on_hand[place] >= before.on_hand[place]:
            continue  # nothing was found missing there
        kept = now.takeable[place]
        lost = [
            i for i, q in lines.items() if kept.get(i, Decimal(0)) < q and now.waiting[i] > before.waiting[i]
        ]
        older = min((now.turn[i] for i in lost), default=None)
        spared = [i for i in kept if older is not None and now.turn[i] > older]
        assert spared == [], "the youngest lose first"


async def assert_clean(suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient) -> Promises:
    """Stock, promises and the stock's own audit agree."""
    audit = (await orders.get("/v1/stock-audit")).json()
    assert (audit["differing"], audit["differences"]) == (0, [])
    now = await promises_of(suite, tenant)
    assert_at_rest(now)
    return now
