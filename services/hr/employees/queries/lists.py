"""Lists of employees by what holds on a day.

Without `q` a list is read in the order of an index that a filter has (department, manager, state, else the employees
themselves), each candidate is looked at on that day, and it ends with the page: however many people there are, a page
costs what its rows cost. With `q` the kernel finds who answers it (docs/adr/0044), on the same conditions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.hr.employees.queries.facts import Moment, find_facts, laterals, listed
from services.hr.employees.schemas import SummaryOut
from shared.context.ctx import Ctx
from shared.context.search_terms import Parameters, TermIndex
from shared.database.effective_dates import as_known
from shared.http.finding import Listing, Where, list_found
from shared.http.paging import Page, PageQuery, page_of

WORDS = TermIndex("employee_words", "employee_id")
LISTED = Listing("employees", "select t.id from employees t", numbers=("number",), terms=(WORDS, "id"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What narrows a list of employees down; with `top` those who have no manager."""

    q: str | None = None
    ids: Sequence[UUID] | None = None
    number: str | None = None
    states: Sequence[str] | None = None
    department: str | None = None
    position: str | None = None
    manager_id: UUID | None = None
    top: bool = False


async def list_employees(ctx: Ctx, page: PageQuery, moment: Moment, wanted: Wanted) -> Page[dict[str, Any]]:
    """Employees on a day, as known; newest first."""
    found = await (_search(ctx, page, moment, wanted) if wanted.q else _walk(ctx, page, moment, wanted))
    rows = {row["id"]: listed(row) for row in await find_facts(ctx, found.items, moment)}
    return Page(items=[rows[each] for each in found.items], next=found.next)


async def _search(ctx: Ctx, page: PageQuery, moment: Moment, wanted: Wanted) -> Page[UUID]:
    where = Where(ctx).among("id", wanted.ids).add("number =", wanted.number)
    where.that(_holding("t.id", where.parameters, moment, wanted))
    found = await list_found(ctx, page, LISTED, where, wanted.q)
    return Page(items=[row["id"] for row in found.items], next=found.next)


async def _walk(ctx: Ctx, page: PageQuery, moment: Moment, wanted: Wanted) -> Page[UUID]:
    statement, values = walking(ctx, page, moment, wanted)
    rows = await ctx.sql.fetch(statement, *values)
    return page_of([row["id"] for row in rows], page, lambda each: each)


def walking(ctx: Ctx, page: PageQuery, moment: Moment, wanted: Wanted) -> tuple[str, Sequence[object]]:
    """The statement of a page of ids, and its parameters."""
    parameters = Parameters([ctx.tenant.id])
    source = _source(parameters, moment, wanted)
    holding = _holding("c.id", parameters, moment, wanted)
    below = parameters.add(page.below_id)
    statement = (
        f"select c.id from ({source.format(below=below)}) c where {holding} "  # noqa: S608 - our own column names
        f"order by c.id desc limit {page.limit + 1}"
    )
    return statement, parameters.values


def _source(parameters: Parameters, moment: Moment, wanted: Wanted) -> str:
    """The ids of who can be meant, in the order of the list, by the index of one of the filters."""
    if wanted.ids is not None:
        return _own(f"n.id = any({parameters.add(list(wanted.ids))}::uuid[])")
    if wanted.number is not None:
        return _own(f"n.number = {parameters.add(wanted.number)}")
    if wanted.manager_id is not None or wanted.top:
        above = "is null" if wanted.top else f"= {parameters.add(wanted.manager_id)}"
        return _recorded("employment_terms", f"x.manager_id {above}", parameters, moment)
    for column in ("department", "position"):
        if (value := getattr(wanted, column)) is not None:
            return _recorded("employment_terms", f"x.{column} = {parameters.add(value)}", parameters, moment)
    if wanted.states is not None and len(wanted.states) == 1:
        state = parameters.add(str(wanted.states[0]))
        return _recorded("employment_stages", f"x.state = {state}", parameters, moment)
    return _own("true")


def _own(condition: str) -> str:
    return (
        f"select n.id from employees n where n.tenant_id = $1 and {condition} "  # noqa: S608 - our own column names
        "and n.id < {below} order by n.id desc"
    )


def _recorded(table: str, condition: str, parameters: Parameters, moment: Moment) -> str:
    return (
        f"select distinct x.employee_id as id from {table} x where x.tenant_id = $1 and {condition} "  # noqa: S608
        f"and {_known(parameters, moment)} and x.employee_id < {{below}} order by x.employee_id desc"
    )


def _known(parameters: Parameters, moment: Moment) -> str:
    at = moment.known_at
    return as_known(None if at is None else f"{parameters.add(at)}::timestamptz")


def _holding(employee_id: str, parameters: Parameters, moment: Moment, wanted: Wanted) -> str:
    """Whether the filters are met on the day, by the employment that is current then."""
    known_at = None if moment.known_at is None else f"{parameters.add(moment.known_at)}::timestamptz"
    parts = ["t.manager_id is null"] if wanted.top else []
    if wanted.states is not None:
        parts.append(f"m.state = any({parameters.add([str(each) for each in wanted.states])}::text[])")
    for column, value in {
        "t.department": wanted.department,
        "t.position": wanted.position,
        "t.manager_id": wanted.manager_id,
    }.items():
        if value is not None:
            parts.append(f"{column} = {parameters.add(value)}")
    day = f"{parameters.add(moment.day)}::date"
    return (
        f"exists (select from (select 1) as one {laterals(employee_id, day, known_at)} "
        f"where {' and '.join(parts) or 'true'})"
    )


def summarized(page: Page[dict[str, Any]]) -> Page[dict[str, Any]]:
    """The same page with lean rows."""
    names = SummaryOut.model_fields
    return Page(items=[{name: row[name] for name in names} for row in page.items], next=page.next)
