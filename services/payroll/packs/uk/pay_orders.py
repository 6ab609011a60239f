"""Orders to withhold that come as pay items: declared like the attachment orders that a person's declarations hold."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.payroll.engine.inputs import PayInput
from services.payroll.engine.lines import Line, Result

_DECLARED: Final = (
    "kind", "issued_on", "reference", "protected_earnings", "arrears", "rate", "country", "employer_fee",
)  # fmt: skip


class UkPayOrders:
    """The pack works orders out itself, from the declarations."""

    def declared(
        self, declarations: Mapping[str, Any], orders: Sequence[Mapping[str, Any]], /
    ) -> dict[str, Any]:
        """The declarations with these orders behind those that are declared."""
        own = list(declarations.get("attachment_orders", ()))
        return {**declarations, "attachment_orders": [*own, *(_declared(each) for each in orders)]}

    def lines(
        self, _pay: PayInput, _result: Result, _orders: Sequence[Mapping[str, Any]], /
    ) -> Sequence[Line]:
        """None: they are among the pack's own."""
        return ()


def _declared(order: Mapping[str, Any]) -> dict[str, Any]:
    amount = {} if order["amount"] is None else {"amount": {"amount": order["amount"], "currency": "GBP"}}
    return {name: order[name] for name in _DECLARED if order.get(name)} | amount


PAY_ORDERS: Final = UkPayOrders()
