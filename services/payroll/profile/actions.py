"""What can be done with the employer's profile."""

from services.payroll.profile import queries
from services.payroll.profile.rules import require_one_rate_a_day
from services.payroll.profile.schemas import ProfileChange, ProfileOut
from shared.context.ctx import Ctx
from shared.context.sealed_fields import seal
from shared.database.tables import touch
from shared.http.router import require_version


async def change_profile(ctx: Ctx, change: ProfileChange, *, version: int) -> ProfileOut:
    """Say what the tenant is as an employer, based on the version the caller has seen."""
    row = await queries.get_profile(ctx, lock=True)
    require_version(row, version)
    if change.us is not None:
        require_one_rate_a_day([(rate.state, rate.valid_from) for rate in change.us.unemployment_rates])
    given = change.model_dump(mode="json", exclude_unset=True, exclude={"bank_account"})
    for name, value in given.items():
        setattr(row, name, value)
    if "bank_account" in change.model_fields_set:
        account = change.bank_account
        await seal(ctx, row, bank_account=account.clear() if account else None)
    touch(row, ctx.now)
    ctx.session.add(row)
    await ctx.tx.flush()
    return queries.show_profile(ctx, row, reveal=False)
