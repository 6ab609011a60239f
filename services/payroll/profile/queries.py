"""Reads of the employer's profile."""

from sqlmodel import select

from services.payroll.profile.models import PayrollProfile
from services.payroll.profile.rules import ProfileFacts
from services.payroll.profile.schemas import ProfileOut
from shared.context.ctx import Ctx
from shared.context.sealed_fields import for_caller


async def get_profile(ctx: Ctx, *, lock: bool = False) -> PayrollProfile:
    """The tenant as an employer; a new one, not yet stored, when it has said nothing of itself."""
    statement = select(PayrollProfile).where(PayrollProfile.id == ctx.tenant.id)
    if lock:
        statement = statement.with_for_update()
    found = (await ctx.session.exec(statement)).one_or_none()
    return found or PayrollProfile(
        tenant_id=ctx.tenant.id, id=ctx.tenant.id, created_at=ctx.now, updated_at=ctx.now
    )


def show_profile(ctx: Ctx, profile: PayrollProfile, *, reveal: bool) -> ProfileOut:
    """The profile as the caller may see it; in full at most where it is read."""
    return ProfileOut(
        **profile.model_dump(exclude={"bank_account"}), **for_caller(ctx, ProfileOut, profile, reveal=reveal)
    )


async def find_profile_facts(ctx: Ctx) -> ProfileFacts:
    """The profile as plain values, for runs and files."""
    profile = await get_profile(ctx)
    return ProfileFacts(
        has_bank_account=profile.bank_account is not None,
        bacs_service_user_number=profile.bacs_service_user_number,
        nacha=profile.nacha,
        gb=profile.gb,
        us=profile.us,
    )
