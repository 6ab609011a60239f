"""Reports over HTTP."""

from typing import Annotated

from fastapi import Query

from services.billing.reports import queries
from services.billing.reports.schemas import (
    AgingOut,
    BalanceSheetOut,
    CashFlowOut,
    ProfitAndLossOut,
    TaxReportOut,
    TieOutOut,
    TrialBalanceOut,
)
from shared.http.router import CtxDep, Router
from shared.values.fields import CurrencyCode, LocalDate

router = Router("Reports")
AsOf = Annotated[LocalDate | None, Query(description="The end of this day; today, unless given.")]
From = Annotated[
    LocalDate | None, Query(alias="from", description="The first day of the fiscal year, unless given.")
]
To = Annotated[LocalDate | None, Query(description="Today, unless given.")]
Currency = Annotated[CurrencyCode | None, Query(description="The tenant's own, unless given.")]


@router.read("/reports/trial-balance", scope="billing:read", response_model=TrialBalanceOut)
async def get_trial_balance(
    ctx: CtxDep, as_of: AsOf = None, currency: Currency = None
) -> queries.TrialBalance:
    """Every account's balance at the end of a day, debits equal to credits.

    Income and expenses are those of the fiscal year; results of earlier years stand in retained earnings.
    """
    return await queries.get_trial_balance(ctx, as_of=as_of, currency=currency)


@router.read("/reports/profit-and-loss", scope="billing:read", response_model=ProfitAndLossOut)
async def get_profit_and_loss(
    ctx: CtxDep, from_: From = None, to: To = None, currency: Currency = None
) -> queries.ProfitAndLoss:
    """Income and expenses from one day to another, both included; closing entries are left out."""
    return await queries.get_profit_and_loss(ctx, from_=from_, to=to, currency=currency)


@router.read("/reports/balance-sheet", scope="billing:read", response_model=BalanceSheetOut)
async def get_balance_sheet(
    ctx: CtxDep, as_of: AsOf = None, currency: Currency = None
) -> queries.BalanceSheet:
    """Assets, liabilities and equity at the end of a day; the year's earnings to date stand beside retained ones."""
    return await queries.get_balance_sheet(ctx, as_of=as_of, currency=currency)


@router.read("/reports/cash-flow", scope="billing:read", response_model=CashFlowOut)
async def get_cash_flow(
    ctx: CtxDep, from_: From = None, to: To = None, currency: Currency = None
) -> queries.CashFlow:
    """What came into and left bank and cash accounts, by counter account (direct method)."""
    return await queries.get_cash_flow(ctx, from_=from_, to=to, currency=currency)


@router.read("/reports/tax", scope="billing:read", response_model=TaxReportOut)
async def get_tax_report(
    ctx: CtxDep, from_: From = None, to: To = None, currency: Currency = None
) -> queries.TaxReport:
    """Base and tax of sales and of credit notes by tax code, category and rate, against the account of output tax."""
    return await queries.get_tax_report(ctx, from_=from_, to=to, currency=currency)


@router.read("/reports/aging", scope="billing:read", response_model=AgingOut)
async def get_aging(ctx: CtxDep, as_of: AsOf = None, currency: Currency = None) -> queries.Aging:
    """What each customer owes by days past due, at the end of any day."""
    return await queries.get_aging(ctx, as_of=as_of, currency=currency)


@router.read("/reports/tie-out", scope="billing:read", response_model=TieOutOut)
async def get_tie_out(ctx: CtxDep) -> queries.TieOut:
    """Where sub-ledgers, month totals, entries and documents disagree; an empty list is the only good answer."""
    return await queries.get_tie_out(ctx)
