"""Orders to withhold that come as pay items: what Title III of the Consumer Credit Protection Act lets each take.

Disposable earnings are gross pay less the taxes withheld of it, which are the deductions that law requires (15 USC
1672(b)); see `garnishment` for the limits. A state's lower limit is not known here.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from services.payroll.engine.inputs import PayInput
from services.payroll.engine.lines import Line, LineKind, Result, Source, Step
from services.payroll.packs.us.garnishment import Order, OrderKind, garnished
from shared.values.faults import Invalid

_SOURCE: Final = Source("15 USC 1673; 29 CFR part 870", "Limits on garnishment", "2026")
_KINDS: Final = frozenset(kind.value for kind in OrderKind)


class UsPayOrders:
    """Orders are taken from what is left after taxes."""

    def declared(
        self, declarations: Mapping[str, Any], _orders: Sequence[Mapping[str, Any]], /
    ) -> dict[str, Any]:
        """As they are: an order changes no tax."""
        return dict(declarations)

    def lines(self, pay: PayInput, result: Result, orders: Sequence[Mapping[str, Any]], /) -> Sequence[Line]:
        """A deduction for each order, in their order; raises Invalid for an order of another country."""
        for each in orders:
            if each["kind"] not in _KINDS:
                text = f"The United States know no order {each['kind']}."
                raise Invalid.field("/garnishment/kind", "order_not_in_pack", text)
        disposable = result.gross - result.total(LineKind.TAX)
        taken = garnished(
            disposable,
            pay.frequency,
            [
                Order(str(place), OrderKind(each["kind"]), Decimal(each["amount"]))
                for place, each in enumerate(orders)
            ],
            second_family=any(each.get("second_family") for each in orders),
            arrears_over_12_weeks=any(each.get("arrears_over_12_weeks") for each in orders),
        )
        return [_line(each, taken[str(place)], disposable) for place, each in enumerate(orders)]


def _line(order: Mapping[str, Any], amount: Decimal, disposable: Decimal) -> Line:
    inputs = (("reference", order["reference"]), ("asked", order["amount"]), ("disposable", str(disposable)))
    rule = f"us.garnishment.{order['kind']}"
    return Line(
        order["code"], LineKind.DEDUCTION, amount, disposable, None, rule, _SOURCE,
        (Step("order", inputs, str(amount), "cut_cent"),),
    )  # fmt: skip


PAY_ORDERS: Final = UsPayOrders()
