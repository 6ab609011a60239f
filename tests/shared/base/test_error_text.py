"""What is written of errors: enough to mend them, and never a value that they met."""

from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from pydantic import BaseModel, ValidationError

from shared.base.error_text import LONGEST, error_text, traceback_text
from shared.contracts.event import UnreadableEvent
from shared.values.faults import Fault

SECRET = "DE02120300000000202051"


class Wage(BaseModel):
    """A model."""

    amount: Decimal
    paid_to: dict[str, int]


def database_error() -> asyncpg.PostgresError:
    error = asyncpg.UniqueViolationError(f'duplicate key value: Key (iban)=("{SECRET}") already exists')
    error.sqlstate, error.constraint_name, error.table_name = "23505", "accounts_iban_key", "accounts"
    error.detail = f"Key (iban)=({SECRET}) already exists."
    return error


def validation_error() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Wage.model_validate({"amount": SECRET, "paid_to": {"x": SECRET}})
    return caught.value


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Fault("This invoice is voided.", code="voided"), "Fault: This invoice is voided."),
        (ConnectionRefusedError(111, "Connection refused"), "ConnectionRefusedError: [Errno 111] Connection refused"),
        (RuntimeError("the process died"), "RuntimeError: the process died"),
        (ValueError(f"invalid literal: {SECRET}"), "ValueError"),
        (KeyError(SECRET), "KeyError"),
        (UnreadableEvent(SECRET), "UnreadableEvent"),
        (database_error(), "UniqueViolationError: 23505 accounts accounts_iban_key"),
        (validation_error(), "ValidationError: 2 in Wage: amount decimal_parsing, paid_to/x int_parsing"),
        (RuntimeError("a\x00b" + "x" * 5000), f"RuntimeError: a\ufffdb{'x' * 5000}"[:LONGEST]),
    ],
)  # fmt: skip
def test_an_error_is_told_without_what_it_met(error: BaseException, told: str):
    assert error_text(error) == told


def fails(value: Any) -> None:
    try:
        Wage.model_validate({"amount": value, "paid_to": {}})
    except ValidationError as error:
        raise ExceptionGroup(value, [KeyError(value), database_error()]) from error


def test_a_traceback_tells_each_error_and_where_it_was_raised_and_no_value():
    with pytest.raises(ExceptionGroup) as caught:
        fails(SECRET)

    told = traceback_text((type(caught.value), caught.value, caught.value.__traceback__))

    assert SECRET not in told
    assert told.index("ValidationError: 1 in Wage: amount decimal_parsing") < told.index("ExceptionGroup")
    assert "in fails" in told
    assert "UniqueViolationError: 23505" in told
