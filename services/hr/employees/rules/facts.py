"""Which fields are a person's and which an employment's, in which columns they are, and what refuses them."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Final, Literal
from uuid import UUID

from shared.values.faults import FieldError, Invalid, Refused

Kind = Literal["employee", "contractor"]
BANK_ACCOUNT: Final = "bank_account"
BANK_CHANGE: Final = "employee.bank_account"
"""What has to be approved: a change of the bank account somebody is paid to."""

PERSON_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "given_name": ("given_name",),
    "family_name": ("family_name",),
    "email": ("email",),
    "birth_date": ("birth_date_id",),
    "gender": ("gender_id",),
    "address": ("address_id",),
    "tax_ids": ("tax_ids_id",),
    "bank_account": ("bank_account_id",),
}
TERMS_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "position": ("position",),
    "department": ("department",),
    "cost_centre": ("cost_centre",),
    "manager_id": ("manager_id",),
    "work_location": ("country", "subdivision"),
    "work_pattern": ("weekly_hours", "work_days"),
    "compensation": ("compensation_id",),
}
SEALED: Final = ("birth_date", "gender", "address", "tax_ids", "bank_account", "compensation")
"""Fields of which rows hold no more than where they are sealed."""


class ManagerCycle(Refused):
    """On some day an employee would be above themselves."""

    code = "manager_cycle"


class UnknownManager(Invalid):
    """The manager is no employee of the company."""

    code = "unknown_manager"


class WhichEmployment(Invalid):
    """An employee has several employments, or none, and the request names none of them."""

    code = "employment_ambiguous"


class OutsideEmployment(Invalid):
    """Terms cannot change on a day on which the employment does not go on."""

    code = "outside_employment"


class EmploymentCancelled(Refused):
    """An employment that never began has no terms to change."""

    code = "employment_cancelled"


def columns_of(fields: Collection[str], of: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The columns of some fields of a person or of an employment."""
    return [column for field, columns in of.items() if field in fields for column in columns]


def fields_of(columns: Collection[str], of: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The fields that have one of these columns."""
    return [field for field, its in of.items() if not set(columns).isdisjoint(its)]


def require_born(birth_date: date, today: date, pointer: str) -> None:
    """Refuse a birth date to come."""
    if birth_date > today:
        raise Invalid.field(pointer, "birth_date_in_future", "Must not be a day to come.")


def require_within(effective_on: date, hire_on: date, last_day: date | None) -> None:
    """Refuse terms before the first or after the last day of their employment."""
    if effective_on < hire_on:
        sentence = f"The employment begins on {hire_on}."
    elif last_day is not None and effective_on > last_day:
        sentence = f"The employment ends on {last_day}."
    else:
        return
    raise OutsideEmployment(sentence, errors=[FieldError("/effective_on", OutsideEmployment.code, sentence)])


def only_of(employments: Iterable[UUID]) -> UUID:
    """The one employment that can be meant; refuses where there are several, or none."""
    found = list(employments)
    if len(found) != 1:
        sentence = (
            "Say which employment is meant." if found else "No employment goes on; say which one is meant."
        )
        raise WhichEmployment(
            sentence,
            errors=[FieldError("/employment_id", WhichEmployment.code, sentence)],
            employments=[str(each) for each in found],
        )
    return found[0]


def unknown_manager(pointer: str, manager_id: UUID) -> UnknownManager:
    """The refusal of a manager who is not there."""
    sentence = f"There is no employee {manager_id}."
    return UnknownManager(sentence, errors=[FieldError(pointer, UnknownManager.code, sentence)])


def manager_cycle(pointer: str, day: date) -> ManagerCycle:
    """The refusal of a manager who would be below the employee on a day."""
    sentence = f"On {day} the employee would be above this manager."
    refusal = ManagerCycle(sentence, on=day.isoformat())
    refusal.errors = (FieldError(pointer, ManagerCycle.code, sentence),)
    return refusal
