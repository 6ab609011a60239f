"""What a country brings: its tables, the declarations its people make, and from gross to net."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pydantic import BaseModel

from services.payroll.engine.editions import Edition
from services.payroll.engine.inputs import PayInput
from services.payroll.engine.lines import Line, Result


class Pack(Protocol):
    """A country. `services/payroll/packs/<name>/__init__.py` has one as `PACK`; nothing else names it."""

    name: str
    """As in requests: `uk`."""
    title: str
    """As in documents: `United Kingdom`."""
    currency: str
    declarations: type[BaseModel]
    """What a person has declared (tax code, Form W-4): the model of `declarations` on the wire."""

    def editions(self) -> Sequence[Edition]:
        """All editions of its tables, oldest first."""
        ...

    def parts(self) -> Mapping[str, Sequence[Edition]]:
        """Editions of what has tables of its own within the country (states), by its name; empty where nothing has."""
        ...

    def calculate(self, pay: PayInput) -> Result:
        """Gross to net for one person and period, a pure function of its input.

        Raises a Fault that names the field where a declaration cannot be used, and MissingEdition for a day
        without tables.
        """
        ...


class PayOrders(Protocol):
    """How a country withholds by orders that come as pay items, each as the item states it, with its code and amount.

    `services/payroll/packs/<name>/pay_orders.py` has it as `PAY_ORDERS`, where the country has such orders.
    """

    def declared(
        self, declarations: Mapping[str, Any], orders: Sequence[Mapping[str, Any]], /
    ) -> dict[str, Any]:
        """The declarations to calculate with."""
        ...

    def lines(self, pay: PayInput, result: Result, orders: Sequence[Mapping[str, Any]], /) -> Sequence[Line]:
        """A line for each order, in their order, to be added to a result; none where it has them already.

        Raises a Fault for an order that the country does not have.
        """
        ...
