"""Wire shapes of positions and the org chart."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, Strict

from services.hr.employees.rules import EmploymentState
from shared.values.fields import (
    LocalDate,
    ShortText,
    Timestamp,
    WireInput,
    WireModel,
    left_out,
)

Headcount = Annotated[int, Strict(), Field(ge=0, le=100_000)]


class PositionIn(WireInput):
    """A position: `code` is what terms of employments name as their position."""

    code: ShortText
    title: ShortText
    department: ShortText | None = None
    reports_to: UUID | None = None
    headcount: Headcount = 1


class PositionChange(WireInput):
    """The fields to change; what is left out stays as it is."""

    title: ShortText = left_out()
    department: ShortText | None = None
    reports_to: UUID | None = None
    headcount: Headcount = left_out()


class PositionOut(WireModel):
    """A position with how many of its places are filled on the day, and how many are vacant."""

    id: UUID
    code: str
    title: str
    department: str | None
    reports_to: UUID | None
    headcount: int
    filled: int
    vacant: int
    as_of: LocalDate
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class OrgNodeOut(WireModel):
    """Somebody in the org chart, with how many report to them directly on the day."""

    employee_id: UUID
    employment_id: UUID
    number: str
    name: str
    position: str
    department: str
    state: EmploymentState
    manager_id: UUID | None
    reports: int


class OrgChartOut(WireModel):
    """One level of the org chart, a page of it; `vacancies` (at most a page) come with its first page."""

    as_of: LocalDate
    manager_id: UUID | None
    items: list[OrgNodeOut]
    vacancies: list[PositionOut]
    next: str | None
