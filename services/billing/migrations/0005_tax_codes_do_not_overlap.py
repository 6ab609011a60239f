"""A tax code has one rate on any day.

So far a later rate simply took precedence over one that went on until further notice. Such a row now ends the day
before its successor begins, which changes no day's rate. Where a rate lies within the time of another one, the other
one held again after it; that cannot be said in one row, so the migration stops and lists them.
"""

from shared.database.alembic import run
from shared.database.effective_dates import no_overlap
from shared.database.rls import over_all_tenants

revision = "billing_0005"
down_revision = "billing_0004"

SHORTENED = """
do $$
declare nested text;
begin
  select string_agg(format('tenant %s: %s %s..%s (%s) lies within %s..%s (%s)', b.tenant_id, b.code, b.valid_from,
      b.valid_to, b.id, a.valid_from, coalesce(a.valid_to::text, 'further notice'), a.id), E'\\n'
      order by b.tenant_id, b.code, b.valid_from)
    into nested
    from tax_codes a join tax_codes b on (b.tenant_id, b.code) = (a.tenant_id, a.code)
    where a.valid_from < b.valid_from and b.valid_to < coalesce(a.valid_to, 'infinity');
  if nested is not null then
    raise exception using message = E'tax codes overlap:\\n' || nested,
      hint = 'With the program before this one: end the longer one before the shorter one begins, and add its rate '
        'anew after it.';
  end if;
end $$;
update tax_codes a set valid_to = n.starts - 1, version = a.version + 1, updated_at = now()
from (select tenant_id, id, lead(valid_from) over (partition by tenant_id, code order by valid_from) as starts
      from tax_codes) n
where (a.tenant_id, a.id) = (n.tenant_id, n.id) and coalesce(a.valid_to, 'infinity') >= n.starts;
"""


def upgrade() -> None:
    """Shorten what goes on beside its successor, then have the database refuse overlaps."""
    run(over_all_tenants("tax_codes", SHORTENED))
    run(no_overlap("tax_codes", key={"code": "text"}))
