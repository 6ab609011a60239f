"""What can be done with fulfilments."""

from services.orders.fulfilment.actions.filling import fill_backorders
from services.orders.fulfilment.actions.handling import (
    cancel_fulfilment,
    deliver_fulfilment,
    pack_fulfilment,
    pick_fulfilment,
    release_fulfilment,
)
from services.orders.fulfilment.actions.shipping import ship_fulfilment

__all__ = [
    "cancel_fulfilment",
    "deliver_fulfilment",
    "fill_backorders",
    "pack_fulfilment",
    "pick_fulfilment",
    "release_fulfilment",
    "ship_fulfilment",
]
