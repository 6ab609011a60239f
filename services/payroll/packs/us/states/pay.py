"""What a state's method is given, and what it hands back."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.payroll.engine.inputs import ZERO, Frequency
from services.payroll.engine.rounding import half_up_cent
from services.payroll.packs.us.states.tables import StateTables
from services.payroll.packs.us.steps import Steps
from shared.values.faults import Invalid


@dataclass(slots=True)
class StatePay:
    """The wages of a period as a state taxes them, its tables, and the steps of the line that is being made.

    `certificate` is an instance of the state's own model. `bonus` is what of the supplemental wages has the state's
    rate for bonuses. `filing_status` is that of Form W-4, for states that have no certificate of their own.
    """

    tables: StateTables
    frequency: Frequency
    periods: int
    regular: Decimal
    supplemental: Decimal
    bonus: Decimal
    certificate: Any
    filing_status: str
    steps: Steps
    regular_tax: Decimal = ZERO
    """The state's tax on the regular wages, once it is known."""
    applied: tuple[Decimal, Decimal] | None = None
    """What the one rate was applied to, and that rate, where a method comes to one."""

    @property
    def income_tax(self) -> dict[str, Any]:
        """The figures of the state's income tax."""
        figures: dict[str, Any] = self.tables.figures["income_tax"]
        return figures

    def of_period(self, table: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever the state's table has
        """What a table has for this pay period; refused (422 `unsupported_frequency`) where it has none."""
        if self.frequency not in table:
            known = ", ".join(table)
            text = f"{self.tables.state} has tables for {known}; none for {self.frequency.value} pay."
            raise Invalid.field("/frequency", "unsupported_frequency", text)
        return table[self.frequency]

    def taxable(self, wages: Decimal, less: Decimal) -> Decimal:
        """Wages less what is deducted from them, not below zero."""
        return self.steps.take("taxable wages", max(wages - less, ZERO), wages=wages, less=less)

    def at_rate(self, taxable: Decimal, rate: Decimal) -> Decimal:
        """The rate of what is taxable, to the cent."""
        self.applied = (taxable, rate)
        return self.steps.round("tax at the rate", half_up_cent, taxable * rate, taxable=taxable, rate=rate)
