"""What a paper that goes along with goods says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from shared.values.faults import Refused

Kind = Literal["pick_list", "delivery_note"]
_NOTHING_LEAVES = frozenset(("backordered", "cancelled"))


class NoGoods(Refused):
    """The fulfilment has no goods in hand, so no paper goes with them."""

    code = "no_goods"


def require_goods(state: str) -> None:
    """Refuse paper for what waits for stock or was cancelled."""
    if state in _NOTHING_LEAVES:
        raise NoGoods(f"The fulfilment is {state}: there are no goods to pick or to deliver.", state=state)


@dataclass(frozen=True, slots=True)
class Place:
    """Where goods go; `country` is an ISO 3166-1 alpha-2 code, empty where nobody has said it."""

    line1: str = ""
    line2: str = ""
    postal_code: str = ""
    city: str = ""
    region: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Goods:
    """So much of an order line in this delivery; `unit` is a UN/ECE Recommendation 20 code."""

    sku: str
    description: str
    ordered: Decimal
    quantity: Decimal
    unit: str = "C62"


@dataclass(frozen=True, slots=True)
class GoodsPaper:
    """A pick list, or a delivery note: `number` is the order's with the delivery's behind a stroke.

    `day` is the day it left the house, else the day the paper is for; `language` (ISO 639-1) the reader's.
    """

    kind: Kind
    number: str
    day: date
    language: str
    house: str
    house_legal_name: str
    house_country: str
    warehouse: str
    customer: str
    place: Place
    goods: tuple[Goods, ...]
    shipped: bool = False
    order_number: str = ""
    purchase_order: str = ""
    reference: str = ""
    requested_on: date | None = None
    parcels: tuple[str, ...] = ()
    notes: str = ""

    @property
    def file_name(self) -> str:
        """The number as it can stand in a file's name."""
        return self.number.replace("/", "-")
