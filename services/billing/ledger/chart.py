"""The standard chart of accounts, which every tenant has from its first minute.

A tenant may add and rename accounts; postings of the suite find theirs by the roles below. Source: the
postings in design/features/billing.md section 4. The numbering (1 assets ... 6-8 expenses) is our own
convention, not a national chart (SKR, PCG, ...): those are for the tenant to map.
"""

from dataclasses import dataclass
from typing import Final, Literal

AccountType = Literal["asset", "liability", "equity", "income", "expense"]
Control = Literal["receivable", "payable", "bank", "tax"]
"""The sub-ledger an account must tie out with; `bank` marks all money, cash in hand too (IAS 7, 6)."""


@dataclass(frozen=True, slots=True)
class AccountSeed:
    """An account to create with a tenant; it takes postings of any currency."""

    code: str
    name: str
    type: AccountType
    control: Control | None = None


ROLE_BANK: Final = "1000"
ROLE_CASH: Final = "1010"
ROLE_RECEIVABLE: Final = "1100"
ROLE_INVENTORY: Final = "1200"
ROLE_INPUT_TAX: Final = "1300"
ROLE_UNBILLED: Final = "1400"
ROLE_CLEARING: Final = "1900"
ROLE_PAYABLE: Final = "2000"
ROLE_GOODS_RECEIVED: Final = "2050"
ROLE_CUSTOMER_CREDITS: Final = "2100"
ROLE_OUTPUT_TAX: Final = "2200"
ROLE_WAGES_PAYABLE: Final = "2300"
ROLE_WITHHOLDING_PAYABLE: Final = "2310"
ROLE_SOCIAL_PAYABLE: Final = "2320"
ROLE_PENSION_PAYABLE: Final = "2330"
ROLE_GARNISHMENTS_PAYABLE: Final = "2340"
ROLE_DEDUCTIONS_PAYABLE: Final = "2350"
ROLE_ACCRUED: Final = "2400"
ROLE_LOANS: Final = "2600"
ROLE_EQUITY: Final = "3000"
ROLE_RETAINED_EARNINGS: Final = "3100"
ROLE_SALES: Final = "4000"
ROLE_SERVICES: Final = "4100"
ROLE_DISCOUNTS: Final = "4800"
ROLE_ROUNDING: Final = "4900"
ROLE_COST_OF_GOODS: Final = "5000"
ROLE_OUTSOURCED: Final = "5100"
ROLE_WAGES: Final = "6000"
ROLE_CONTRACTORS: Final = "6050"
ROLE_EMPLOYER_CONTRIBUTIONS: Final = "6100"
ROLE_REIMBURSED: Final = "6250"
ROLE_OPERATING: Final = "6300"
ROLE_BANK_FEES: Final = "6400"
ROLE_BAD_DEBTS: Final = "6500"
ROLE_INTEREST: Final = "7000"
ROLE_EXCHANGE: Final = "7100"

STANDARD_CHART: Final[tuple[AccountSeed, ...]] = (
    AccountSeed(ROLE_BANK, "Bank", "asset", "bank"),
    AccountSeed(ROLE_CASH, "Cash", "asset", "bank"),
    AccountSeed(ROLE_RECEIVABLE, "Accounts receivable", "asset", "receivable"),
    AccountSeed(ROLE_INVENTORY, "Inventory", "asset"),
    AccountSeed(ROLE_INPUT_TAX, "Input tax recoverable", "asset", "tax"),
    AccountSeed(ROLE_UNBILLED, "Unbilled revenue", "asset"),
    AccountSeed("1500", "Equipment", "asset"),
    AccountSeed("1590", "Accumulated depreciation", "asset"),
    AccountSeed(ROLE_CLEARING, "Payments in clearing", "asset"),
    AccountSeed(ROLE_PAYABLE, "Accounts payable", "liability", "payable"),
    AccountSeed(ROLE_GOODS_RECEIVED, "Goods received, not invoiced", "liability"),
    AccountSeed(ROLE_CUSTOMER_CREDITS, "Customer credits and deposits", "liability"),
    AccountSeed(ROLE_OUTPUT_TAX, "Output tax payable", "liability", "tax"),
    AccountSeed(ROLE_WAGES_PAYABLE, "Wages payable", "liability"),
    AccountSeed(ROLE_WITHHOLDING_PAYABLE, "Wage tax withheld", "liability"),
    AccountSeed(ROLE_SOCIAL_PAYABLE, "Social contributions payable", "liability"),
    AccountSeed(ROLE_PENSION_PAYABLE, "Pension contributions payable", "liability"),
    AccountSeed(ROLE_GARNISHMENTS_PAYABLE, "Garnishments payable", "liability"),
    AccountSeed(ROLE_DEDUCTIONS_PAYABLE, "Other payroll deductions payable", "liability"),
    AccountSeed(ROLE_ACCRUED, "Accrued liabilities", "liability"),
    AccountSeed("2500", "Deferred revenue", "liability"),
    AccountSeed(ROLE_LOANS, "Loans payable", "liability"),
    AccountSeed(ROLE_EQUITY, "Share capital", "equity"),
    AccountSeed(ROLE_RETAINED_EARNINGS, "Retained earnings", "equity"),
    AccountSeed(ROLE_SALES, "Sales revenue", "income"),
    AccountSeed(ROLE_SERVICES, "Service revenue", "income"),
    AccountSeed("4200", "Other income", "income"),
    AccountSeed(ROLE_DISCOUNTS, "Cash discounts given", "income"),
    AccountSeed(ROLE_ROUNDING, "Rounding differences", "income"),
    AccountSeed(ROLE_COST_OF_GOODS, "Cost of goods sold", "expense"),
    AccountSeed(ROLE_OUTSOURCED, "Outsourced services", "expense"),
    AccountSeed(ROLE_WAGES, "Wages and salaries", "expense"),
    AccountSeed(ROLE_CONTRACTORS, "Contractor pay", "expense"),
    AccountSeed(ROLE_EMPLOYER_CONTRIBUTIONS, "Employer contributions", "expense"),
    AccountSeed("6200", "Benefits and severance", "expense"),
    AccountSeed(ROLE_REIMBURSED, "Reimbursed expenses", "expense"),
    AccountSeed(ROLE_OPERATING, "Operating expenses", "expense"),
    AccountSeed(ROLE_BANK_FEES, "Bank fees", "expense"),
    AccountSeed(ROLE_BAD_DEBTS, "Bad debts", "expense"),
    AccountSeed("6600", "Depreciation", "expense"),
    AccountSeed(ROLE_INTEREST, "Interest expense", "expense"),
    AccountSeed(ROLE_EXCHANGE, "Exchange differences", "expense"),
    AccountSeed("8000", "Income taxes", "expense"),
)
"""Every account of a new tenant, in code order; inventory is stated at cost, wages by totals (no names)."""
