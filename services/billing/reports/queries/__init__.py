"""Reads behind the reports: statements from month totals, aging from open items, tie-out from everything."""

from services.billing.reports.queries.aging import Aging, AgingRow, get_aging
from services.billing.reports.queries.statements import (
    BalanceSheet,
    CashFlow,
    ProfitAndLoss,
    TrialBalance,
    get_balance_sheet,
    get_cash_flow,
    get_profit_and_loss,
    get_trial_balance,
)
from services.billing.reports.queries.tax import TaxReport, get_tax_report
from services.billing.reports.queries.tie_out import Difference, TieOut, get_tie_out

__all__ = [
    "Aging",
    "AgingRow",
    "BalanceSheet",
    "CashFlow",
    "Difference",
    "ProfitAndLoss",
    "TaxReport",
    "TieOut",
    "TrialBalance",
    "get_aging",
    "get_balance_sheet",
    "get_cash_flow",
    "get_profit_and_loss",
    "get_tax_report",
    "get_tie_out",
    "get_trial_balance",
]
