"""Wire shapes of reports."""

from uuid import UUID

from pydantic import Field

from shared.values.fields import LocalDate, MoneyIO, Percent, WireModel


class TrialRowOut(WireModel):
    """An account's balance on its side."""

    account: str
    name: str
    debit: MoneyIO
    credit: MoneyIO


class TrialBalanceOut(WireModel):
    """Every account that was ever posted to; both totals are equal.

    Income and expenses are those of the fiscal year, results of earlier ones stand in retained earnings (3100).
    """

    as_of: LocalDate
    currency: str
    rows: list[TrialRowOut]
    total_debit: MoneyIO
    total_credit: MoneyIO


class StatementRowOut(WireModel):
    """An account's amount; `account` is null for what is computed."""

    account: str | None
    name: str
    amount: MoneyIO


class SectionOut(WireModel):
    """A part of a statement."""

    rows: list[StatementRowOut]
    total: MoneyIO


class ProfitAndLossOut(WireModel):
    """What was earned and spent from one day to another, both included."""

    from_: LocalDate = Field(serialization_alias="from")
    to: LocalDate
    currency: str
    income: SectionOut
    expenses: SectionOut
    net_income: MoneyIO


class BalanceSheetOut(WireModel):
    """What is owned and owed at the end of a day; the two totals are equal.

    Among equity are `retained_earnings` (account 3100, with the results of earlier fiscal years) and
    `current_earnings`, the result of the year to date, which stands in no account yet.
    """

    as_of: LocalDate
    currency: str
    assets: SectionOut
    liabilities: SectionOut
    equity: SectionOut
    retained_earnings: MoneyIO
    current_earnings: MoneyIO
    total_assets: MoneyIO
    total_liabilities_and_equity: MoneyIO


class AgingRowOut(WireModel):
    """What a customer owes, by days past due; `credits` (negative) are payments and credit notes not yet used."""

    customer_id: UUID | None
    current: MoneyIO
    days_1_30: MoneyIO
    days_31_60: MoneyIO
    days_61_90: MoneyIO
    days_over_90: MoneyIO
    credits: MoneyIO
    total: MoneyIO


class AgingOut(WireModel):
    """Open receivables at the end of a day; the total is the balance of the receivable accounts."""

    as_of: LocalDate
    currency: str
    rows: list[AgingRowOut]
    totals: AgingRowOut


class CashFlowOut(WireModel):
    """Where the money in the bank accounts came from (positive) and went to (direct method)."""

    from_: LocalDate = Field(serialization_alias="from")
    to: LocalDate
    currency: str
    opening: MoneyIO
    operating: SectionOut
    investing: SectionOut
    financing: SectionOut
    net_change: MoneyIO
    closing: MoneyIO


class DifferenceOut(WireModel):
    """Two figures that should be one."""

    check: str
    subject: str
    expected: MoneyIO
    found: MoneyIO


class TieOutOut(WireModel):
    """Where the books disagree with themselves; no differences is the only good answer."""

    checks: list[str]
    differences: list[DifferenceOut]


class TaxRowOut(WireModel):
    """One tax code, category and rate: the documents of these days less their voids; `base` and `tax` are what is left.

    `credit_base` and `credit_tax` are what credit notes took back, `discount_…` what cash discounts took away and
    `bad_debt_…` what bad debts did (relief that some returns, as the British one, ask for apart).
    """

    tax_code: str
    category: str
    rate: Percent
    sales_base: MoneyIO
    sales_tax: MoneyIO
    credit_base: MoneyIO
    credit_tax: MoneyIO
    discount_base: MoneyIO
    discount_tax: MoneyIO
    bad_debt_base: MoneyIO
    bad_debt_tax: MoneyIO
    base: MoneyIO
    tax: MoneyIO


class OutputTaxOut(WireModel):
    """What the account of output tax was credited with in these days, and how much of it the rows explain.

    The difference is what was posted by hand, such as tax paid over.
    """

    account: str
    posted: MoneyIO
    explained: MoneyIO
    difference: MoneyIO


class TaxReportOut(WireModel):
    """Sales and credit notes of these days by tax code, category and rate, as returns ask for them."""

    from_: LocalDate = Field(serialization_alias="from")
    to: LocalDate
    currency: str
    rows: list[TaxRowOut]
    base: MoneyIO
    tax: MoneyIO
    output_tax: OutputTaxOut
