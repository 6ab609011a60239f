"""What can be done with pay items: by hand, by hr's benefits, and by runs that pay them."""

from services.payroll.pay_items.actions.benefits import record_elected, record_ended
from services.payroll.pay_items.actions.by_hand import cancel_item, change_item, create_item
from services.payroll.pay_items.actions.settling import reopen_items, settle_items

__all__ = [
    "cancel_item",
    "change_item",
    "create_item",
    "record_elected",
    "record_ended",
    "reopen_items",
    "settle_items",
]
