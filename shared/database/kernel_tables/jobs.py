"""Version 6: where a job goes on, what it leaves, why it failed; and indexes by which jobs are taken in turn."""

from shared.database.rls import over_all_tenants, worker_role

# `given_back` counts the tries that do not count: attempts only ever grow, since they tell one run from another.
COLUMNS = """
alter table jobs
  add column checkpoint text,
  add column result_id uuid,
  add column error_code text,
  add column given_back integer not null default 0,
  add column started_at timestamptz;
"""
INDEXES = """
drop index jobs_open;
create index jobs_pending on jobs (tenant_id, created_at, id) where state = 'pending';
create index jobs_running on jobs (tenant_id, lease_until) where state = 'running';
create index jobs_started on jobs (tenant_id, started_at) where started_at is not null;
create index jobs_finished on jobs (finished_at) where state in ('done', 'failed', 'cancelled');
"""
# Texts of exceptions may hold a company's data, and jobs can be read over the API from now on.
FORGET_TEXTS = "update jobs set error = null where error is not null;"


def create(service: str) -> str:
    """The columns and indexes; housekeeping, under the worker role, takes finished jobs out."""
    grant = f"grant delete on jobs to {worker_role(service)};"
    return "\n".join([COLUMNS, INDEXES, over_all_tenants("jobs", FORGET_TEXTS), grant])
