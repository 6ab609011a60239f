"""What can be done with stock: adjust it, promise it, give promises back, ship it.

Hot paths in plain SQL. Locks are always taken in the order (product, warehouse).
"""

from services.orders.stock.actions.keeping import (
    adjust,
    create_warehouse,
    provision,
    start_tracking,
    stop_tracking,
)
from services.orders.stock.actions.leaving import CHANGED, consume, consume_all
from services.orders.stock.actions.promising import owe, promise, release, reserve

__all__ = [
    "CHANGED",
    "adjust",
    "consume",
    "consume_all",
    "create_warehouse",
    "owe",
    "promise",
    "provision",
    "release",
    "reserve",
    "start_tracking",
    "stop_tracking",
]
