"""The employer's profile over HTTP."""

from services.payroll.profile import actions, queries
from services.payroll.profile.schemas import ProfileChange, ProfileOut
from shared.http.router import CtxDep, IfMatch, Router

router = Router("Payroll profile")


@router.read("/payroll-profile", scope="payroll:read")
async def get_payroll_profile(ctx: CtxDep) -> ProfileOut:
    """The employer: from which account it pays, and under which references it pays over what it withholds."""
    return queries.show_profile(ctx, await queries.get_profile(ctx), reveal=True)


@router.change("/payroll-profile", scope="payroll:write")
async def change_payroll_profile(ctx: CtxDep, body: ProfileChange, version: IfMatch) -> ProfileOut:
    """Change it for runs to come; `gb`, `us` and `nacha` are stated as a whole."""
    return await actions.change_profile(ctx, body, version=version)
