"""Payslips over HTTP."""

from uuid import UUID

from services.payroll.payslips import queries
from services.payroll.payslips.schemas import PayslipExplainedOut, PayslipOut, PayslipSummaryOut
from shared.http.finding import Where
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, Router

router = Router("Payslips")
READ, READ_PRIVATE = "payroll:read", "payroll.private:read"


@router.read("/payslips", scope=READ)
async def list_payslips(
    ctx: CtxDep, page: PageDep, pay_run_id: UUID | None = None, employment_id: UUID | None = None
) -> Page[PayslipSummaryOut]:
    """Payslips without their amounts, newest first."""
    where = Where(ctx).add("run_id =", pay_run_id).add("employment_id =", employment_id)
    return await queries.list_payslips(ctx, page, where)


@router.read("/payslips/{payslip_id}", scope=READ_PRIVATE)
async def get_payslip(ctx: CtxDep, payslip_id: UUID) -> PayslipOut:
    """One payslip in full; each read leaves an audit row."""
    return await queries.show_payslip(ctx, payslip_id)


@router.read("/payslips/{payslip_id}/explain", scope=READ_PRIVATE)
async def explain_payslip(ctx: CtxDep, payslip_id: UUID) -> PayslipExplainedOut:
    """How each line came about: rule, source, and every step with its inputs and its rounding; audited."""
    return await queries.explain_payslip(ctx, payslip_id)
