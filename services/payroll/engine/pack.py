"""What a country brings: its tables, the declarations its people make, and from gross to net."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pydantic import BaseModel

from services.payroll.engine.editions import Edition
from services.payroll.engine.inputs import PayInput
from services.payroll.engine.lines import Result


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
