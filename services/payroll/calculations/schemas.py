"""Wire shapes of pay calculations: one request model for each pack, since people declare other things elsewhere."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from fastapi import Body
from pydantic import Field, create_model, model_validator
from pydantic_core import PydanticCustomError

from services.payroll.calculations.rules import Amounts, exact
from services.payroll.engine.editions import Edition
from services.payroll.engine.inputs import EarningKind, Frequency, Treatment, YearToDate
from services.payroll.engine.lines import Line, LineKind, Result, Source, Step
from services.payroll.engine.pack import Pack
from services.payroll.packs import packs
from shared.values.fields import (
    Code,
    Entries,
    LocalDate,
    MoneyIO,
    Percent,
    WholeNumber,
    WireInput,
    WireModel,
    decimal_text,
)
from shared.values.tagged import OneOf

MOST_ENTRIES = 200
YTD_FIELDS = tuple(YearToDate.__dataclass_fields__)


class EarningIn(WireInput):
    """Something earned: a code of the caller's, how taxes treat it, and how much."""

    code: Code
    kind: EarningKind = EarningKind.REGULAR
    amount: MoneyIO


class DeductionIn(WireInput):
    """Something taken off, as an amount or as per cent of what its treatment says."""

    code: Code
    treatment: Treatment
    amount: MoneyIO | None = None
    percent: Percent | None = None

    @model_validator(mode="after")
    def _amount_or_percent(self) -> Self:
        if (self.amount is None) == (self.percent is None):
            raise PydanticCustomError("amount_or_percent", "Say either amount or percent")
        return self


class YearToDateIn(WireInput):
    """What came before this pay in the tax year; what is left out is zero."""

    gross: MoneyIO | None = None
    taxable: MoneyIO | None = None
    tax: MoneyIO | None = None
    social_security_wages: MoneyIO | None = None
    medicare_wages: MoneyIO | None = None
    ni_earnings: MoneyIO | None = None
    ni_employee: MoneyIO | None = None
    ni_employer: MoneyIO | None = None
    supplemental: MoneyIO | None = None


class PayCalculationIn(WireInput):
    """One person's pay of one period; `pay_on` chooses the edition of the tables.

    `period` counts the pay periods of the tax year from 1 (UK: the tax week or month). `gross` is a plain amount of
    regular pay, `earnings` says more.
    """

    pack: str
    pay_on: LocalDate
    frequency: Frequency
    period: WholeNumber
    period_start: LocalDate | None = None
    gross: MoneyIO | None = None
    earnings: Annotated[list[EarningIn], Entries(most=MOST_ENTRIES)] = Field(default_factory=list)
    deductions: Annotated[list[DeductionIn], Entries(most=MOST_ENTRIES)] = Field(default_factory=list)
    declarations: Any
    year_to_date: YearToDateIn = Field(default_factory=YearToDateIn)

    def amounts(self) -> Amounts:
        """Every amount of the request outside the declarations, with its pointer."""
        if self.gross is not None:
            yield "/gross", self.gross
        for name in ("earnings", "deductions"):
            for n, each in enumerate(getattr(self, name)):
                if each.amount is not None:
                    yield f"/{name}/{n}/amount", each.amount
        for name in YTD_FIELDS:
            money = getattr(self.year_to_date, name)
            if money is not None:
                yield f"/year_to_date/{name}", money

    def codes(self) -> Iterator[tuple[str, str]]:
        """The codes that the request gives, each with its pointer."""
        for name in ("earnings", "deductions"):
            for n, each in enumerate(getattr(self, name)):
                yield f"/{name}/{n}/code", each.code


def request_of(pack: Pack) -> type[PayCalculationIn]:
    """The request model of a country: its name and what its people declare."""
    fields: dict[str, Any] = {"pack": (Literal[pack.name], ...), "declarations": (pack.declarations, ...)}
    name = f"PayCalculationIn{pack.name.capitalize()}"
    return create_model(
        name, __base__=PayCalculationIn, __doc__=f"A pay calculation: {pack.title}.", **fields
    )


AnyPayCalculationIn = Annotated[
    Any, OneOf(tuple(request_of(pack) for pack in packs().values()), by="pack"), Body()
]
"""The request of any country, told apart by `pack`."""


class SourceOut(WireModel):
    """Where a rule was published; `unconfirmed` says what of it nobody has seen in print yet."""

    publication: str
    table: str
    year: str
    unconfirmed: str | None

    @classmethod
    def of(cls, source: Source) -> Self:
        """As it is shown."""
        return cls.model_validate(source)


class PayStepOut(WireModel):
    """One step of a rule: inputs and result as exact decimal texts, and the rounding by its name."""

    name: str
    inputs: dict[str, str]
    result: str
    rounding: str | None

    @classmethod
    def of(cls, step: Step) -> Self:
        """As it is shown."""
        return cls(name=step.name, inputs=dict(step.inputs), result=step.result, rounding=step.rounding)


class PayLineOut(WireModel):
    """A line: `amount` is positive in the direction that its `kind` says, a tax refund is negative."""

    code: str
    kind: LineKind
    basis: MoneyIO | None
    rate: str | None
    amount: MoneyIO
    rule: str
    source: SourceOut | None
    steps: list[PayStepOut]

    @classmethod
    def of(cls, line: Line, currency: str) -> Self:
        """As it is shown."""
        return cls(
            code=line.code,
            kind=line.kind,
            basis=exact(line.basis, currency),
            rate=None if line.rate is None else decimal_text(line.rate),
            amount=_money(line.amount, currency),
            rule=line.rule,
            source=None if line.source is None else SourceOut.of(line.source),
            steps=[PayStepOut.of(step) for step in line.steps],
        )


class EditionOut(WireModel):
    """The tables that a calculation was made by; `unconfirmed` names figures to check before relying on them."""

    pack: str
    edition: str
    valid_from: LocalDate
    valid_to: LocalDate
    checksum: str
    unconfirmed: list[str]


class PayCalculationOut(WireModel):
    """A calculated pay: its lines, what is paid out, what it costs, and what it adds to the year to date."""

    edition: EditionOut
    lines: list[PayLineOut]
    gross: MoneyIO
    net: MoneyIO
    employer_cost: MoneyIO
    year_to_date: dict[str, MoneyIO]
    warnings: list[str]

    @classmethod
    def of(cls, result: Result, edition: Edition, currency: str) -> Self:
        """As it is shown."""
        return cls(
            edition=EditionOut.model_validate(edition, from_attributes=True),
            lines=[PayLineOut.of(line, currency) for line in result.lines],
            gross=_money(result.gross, currency),
            net=_money(result.net, currency),
            employer_cost=_money(result.employer_cost, currency),
            year_to_date={name: _money(amount, currency) for name, amount in result.year_to_date},
            warnings=list(result.warnings),
        )


def _money(amount: Decimal, currency: str) -> Any:  # noqa: ANN401 - a Money, which pydantic takes
    return exact(amount, currency)
