"""Pay items that are orders to withhold, as the packs take them: lower priorities first, within one by day."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.payroll.engine.inputs import PayInput
from services.payroll.engine.lines import Line, Result
from services.payroll.engine.pack import PayOrders
from services.payroll.packs import pay_orders
from services.payroll.payslips.rules.refusals import CannotPay


class _NoOrders:
    """Of somebody who has none."""

    def declared(
        self, declarations: Mapping[str, Any], _orders: Sequence[Mapping[str, Any]], /
    ) -> dict[str, Any]:
        """As they are."""
        return dict(declarations)

    def lines(
        self, _pay: PayInput, _result: Result, _orders: Sequence[Mapping[str, Any]], /
    ) -> Sequence[Line]:
        """None."""
        return ()


def orders_of(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The orders among pay items, in the order in which they take."""
    found = [
        {**each["garnishment"], "item_id": each["id"], "code": each["code"], "amount": each["amount"]}
        for each in items
        if each["kind"] == "garnishment"
    ]
    return sorted(found, key=lambda each: (each["priority"], each["issued_on"], each["item_id"]))


def orders_by(pack: str, orders: Sequence[Mapping[str, Any]]) -> PayOrders:
    """How a pack withholds by orders; raises CannotPay where it does not."""
    if not orders:
        return _NoOrders()
    found = pay_orders(pack)
    if found is None:
        raise CannotPay(
            "garnishment_unsupported", f"pack {pack} withholds by no order.", "payroll.item.garnishment"
        )
    return found
