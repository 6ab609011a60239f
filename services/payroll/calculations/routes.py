"""Pay calculations over HTTP."""

from services.payroll.calculations import actions
from services.payroll.calculations.schemas import AnyPayCalculationIn, PayCalculationOut
from shared.http.router import CtxDep, Router

router = Router("Pay calculations")


@router.create("/pay-calculations", scope="payroll:read", status=200, response_model=PayCalculationOut)
async def calculate_pay(ctx: CtxDep, body: AnyPayCalculationIn) -> PayCalculationOut:  # noqa: ARG001 - nothing is read
    """What somebody would be paid, by the same engine as pay runs: every line with its rule and source. Stores nothing.

    `pay_on` chooses the tables (422 `missing_pack` for a day without any; last year's are never used in their place).
    """
    return actions.calculate(body)
