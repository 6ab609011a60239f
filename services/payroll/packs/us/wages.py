"""What each tax is taken of: gross pay less what is deducted before that tax.

A 401(k) contribution reduces wages for income tax only, a section 125 (cafeteria plan) deduction reduces those for
income tax, social security, Medicare and FUTA (Publication 15-B, section 2; Publication 15, section 5). Both come out
of regular wages first, and only what is left of them out of supplemental wages.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.payroll.engine.inputs import ZERO, Deduction, Earning, EarningKind, PayInput, Treatment
from services.payroll.engine.lines import Line, LineKind, Step
from services.payroll.engine.rounding import half_up_cent
from services.payroll.packs.us.steps import Steps
from shared.values.faults import Invalid

_HUNDREDTH: Final = Decimal("0.01")
_TREATMENTS: Final = (Treatment.PRETAX_401K, Treatment.SECTION_125, Treatment.POST_TAX)
_BONUS_WORDS: Final = frozenset(("bonus", "bonuses", "stock", "option", "options", "rsu"))
_PREMIUM: Final = "premium"
_DOUBLE: Final = "double"


@dataclass(frozen=True, slots=True)
class Part:
    """Wages as one tax sees them: the regular ones (overtime and tips included) and the supplemental ones."""

    regular: Decimal
    supplemental: Decimal

    @property
    def total(self) -> Decimal:
        """Both."""
        return self.regular + self.supplemental

    def less(self, deducted: Decimal) -> "Part":
        """What is left after a deduction, taken of regular wages first; no part falls below zero by it."""
        from_regular = min(max(self.regular, ZERO), deducted)
        from_supplemental = min(max(self.supplemental, ZERO), deducted - from_regular)
        return Part(self.regular - from_regular, self.supplemental - from_supplemental)


@dataclass(frozen=True, slots=True)
class Wages:
    """The wages of a period: `gross`, those for income tax, and those for social security, Medicare and FUTA.

    `bonus` is what of the supplemental earnings is a bonus or comes of stock, told by the words of its code.
    """

    gross: Part
    income_tax: Part
    fica: Part
    bonus: Decimal
    tips: Decimal
    qualified_overtime: Decimal


def wages_of(earnings: Iterable[Earning], deducted: Iterable[tuple[Deduction, Decimal]]) -> Wages:
    """The wages of a period by its earnings and what its deductions come to."""
    regular = supplemental = bonus = tips = overtime = ZERO
    for earning in earnings:
        if earning.kind is EarningKind.SUPPLEMENTAL:
            supplemental += earning.amount
            bonus += earning.amount if _BONUS_WORDS & words_of(earning.code) else ZERO
        elif earning.kind is not EarningKind.REIMBURSEMENT:
            regular += earning.amount
            tips += earning.amount if earning.kind is EarningKind.TIPS else ZERO
            overtime += qualified_premium(earning) if earning.kind is EarningKind.OVERTIME else ZERO
    before_tax = dict.fromkeys(_TREATMENTS, ZERO)
    for deduction, amount in deducted:
        before_tax[deduction.treatment] += amount
    gross = Part(regular, supplemental)
    fica = gross.less(before_tax[Treatment.SECTION_125])
    return Wages(gross, fica.less(before_tax[Treatment.PRETAX_401K]), fica, bonus, tips, overtime)


def words_of(code: str) -> frozenset[str]:
    """The words of an earning's code: `stock-option.2026` has stock, option, 2026."""
    return frozenset(code.lower().replace("-", " ").replace("_", " ").replace(".", " ").split())


def qualified_premium(earning: Earning) -> Decimal:
    """The part of overtime pay that only the FLSA's overtime rule demands (half the regular rate).

    An earning whose code has the word `premium` is that part alone. Of time and a half it is a third, of double time
    (word `double`) a quarter (Notice 2025-69, section 4; Form W-2 of 2026, box 12 code TT).
    """
    words = words_of(earning.code)
    if _PREMIUM in words:
        return earning.amount
    return half_up_cent(earning.amount / (4 if _DOUBLE in words else 3))


def deducted_of(pay: PayInput, gross: Decimal) -> list[tuple[Deduction, Decimal]]:
    """Each deduction with its amount; per cent is of gross earnings. Raises for a treatment of another country."""
    for place, deduction in enumerate(pay.deductions):
        if deduction.treatment not in _TREATMENTS:
            text = f"{deduction.treatment.value} is no treatment in the United States."
            raise Invalid.field(f"/deductions/{place}/treatment", "unsupported_treatment", text)
    return [(each, _amount(each, gross)) for each in pay.deductions]


def _amount(deduction: Deduction, gross: Decimal) -> Decimal:
    if deduction.amount is not None:
        return deduction.amount
    return half_up_cent(max(gross, ZERO) * (deduction.percent or ZERO) * _HUNDREDTH)


def earning_lines(earnings: Iterable[Earning]) -> list[Line]:
    """The earnings as lines, codes as given."""
    return [
        Line(
            earning.code,
            LineKind.REIMBURSEMENT if earning.kind is EarningKind.REIMBURSEMENT else LineKind.EARNING,
            earning.amount,
            rule=f"us.earning.{earning.kind.value}",
        )
        for earning in earnings
    ]


def deduction_lines(deducted: Iterable[tuple[Deduction, Decimal]], gross: Decimal) -> list[Line]:
    """The deductions as lines, codes as given."""
    lines = []
    for deduction, amount in deducted:
        basis = rate = None
        explained: tuple[Step, ...] = ()
        if deduction.percent is not None:
            basis, rate = max(gross, ZERO), deduction.percent * _HUNDREDTH
            steps = Steps()
            steps.round("per cent of gross earnings", half_up_cent, basis * rate, gross=basis, rate=rate)
            explained = steps.done()
        rule = f"us.deduction.{deduction.treatment.value}"
        lines.append(Line(deduction.code, LineKind.DEDUCTION, amount, basis, rate, rule, None, explained))
    return lines
