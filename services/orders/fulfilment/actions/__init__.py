"""What can be done with fulfilments."""

from services.orders.fulfilment.actions.handling import (
    cancel_fulfilment,
    deliver_fulfilment,
    pack_fulfilment,
    pick_fulfilment,
    release_fulfilment,
)
from services.orders.fulfilment.actions.redirecting import redirect_fulfilment
from services.orders.fulfilment.actions.reserving import reserve_fulfilment
from services.orders.fulfilment.actions.shipping import ship_fulfilment

__all__ = [
    "cancel_fulfilment",
    "deliver_fulfilment",
    "pack_fulfilment",
    "pick_fulfilment",
    "redirect_fulfilment",
    "release_fulfilment",
    "reserve_fulfilment",
    "ship_fulfilment",
]
