"""Storing calculated payslips: some at once, in one statement, with their lines and their sealed records."""

from uuid import UUID

from services.payroll.payslips.models import PAYSLIP_LINES, Payslip
from services.payroll.payslips.rules.chunks import Made
from services.payroll.payslips.rules.rows import LineRow, PayslipRow
from shared.context.ctx import Ctx
from shared.context.sealed_fields import keyring_of, register_key
from shared.database.sealing import Place
from shared.database.table_sql import TableSql

SLIPS, LINES = TableSql(Payslip, PayslipRow), TableSql(PAYSLIP_LINES, LineRow)
GIVEN = {"created_at": "$2", "updated_at": "$2", "record": "sealed.record"}
RECORDS = (
    "join unnest($4::uuid[], $5::bytea[]) as sealed(id, record) on sealed.id = new.id order by new.payee_id"
)
# Who has a payslip for the period already is left out; who makes one at this moment is waited for.
STORE = f"""
with stored as ({SLIPS.insert(3, given=GIVEN, rest=RECORDS)} on conflict do nothing returning id),
lined as ({LINES.insert(6, rest="join stored on stored.id = new.payslip_id")})
select id from stored
"""  # noqa: S608 - our own column names
FORGET_LINES = """
delete from payslip_lines l using payslips p
where l.tenant_id = $1 and p.tenant_id = $1 and p.run_id = $2 and l.payslip_id = p.id
"""
FORGET = "delete from payslips where tenant_id = $1 and run_id = $2"


async def store_payslips(ctx: Ctx, made: Made) -> set[UUID]:
    """Store payslips; returns the ids of those that were stored, which leaves out whose period is paid already."""
    if not made.records:
        return set()
    keyring = keyring_of(ctx)
    await register_key(ctx, keyring)
    ids = [payslip_id for payslip_id, _ in made.records]
    sealed = [
        keyring.seal(Place(ctx.tenant.id, "payslips", "record", payslip_id), text)
        for payslip_id, text in made.records
    ]
    rows = await ctx.sql.fetch(STORE, ctx.tenant.id, ctx.now, made.rows, ids, sealed, made.lines)
    return {row["id"] for row in rows}


async def forget_payslips(ctx: Ctx, run_id: UUID) -> None:
    """Remove what an earlier calculation of a run has left; refused by the database once it was approved."""
    await ctx.sql.execute(FORGET_LINES, ctx.tenant.id, run_id)
    await ctx.sql.execute(FORGET, ctx.tenant.id, run_id)
