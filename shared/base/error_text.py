"""What may be written of an error where people read it: dead letters, due work that failed, the log.

The text of an error often shows the value that it failed on, and that may be somebody's wage or bank account. So only
texts that are known to hold none are written: our own refusals, what the operating system says, what a programmer has
said of a state (RuntimeError). Of the database's errors the rule that was broken is named and not the row, of a
value that does not fit its place, of anything else its type alone. Where it happened says the traceback in the log.
"""

import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Final

import asyncpg
from pydantic import ValidationError

from shared.values.faults import Fault

LONGEST: Final = 2000
MOST_PLACES: Final = 5  # of values that do not fit
PLAIN = (Fault, OSError, RuntimeError, asyncpg.InterfaceError)
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def error_text(error: BaseException) -> str:
    """The error in one line, without any value that it met."""
    kind = type(error).__name__
    if isinstance(error, PLAIN):
        said = str(error)
    elif isinstance(error, asyncpg.PostgresError):
        named = (error.sqlstate, error.table_name, error.column_name, error.constraint_name)
        said = " ".join(str(name) for name in named if name)
    elif isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_context=False, include_input=False)
        places = [f"{'/'.join(map(str, each['loc']))} {each['type']}" for each in found[:MOST_PLACES]]
        said = f"{error.error_count()} in {error.title}: {', '.join(places)}"
    else:
        said = ""
    return f"{kind}: {said}"[:LONGEST].replace("\x00", "\ufffd") if said else kind


def traceback_text(exc_info: ExcInfo) -> str:
    """The error with those that led to it, the first one first, and where each was raised; without their values."""
    return "\n".join(_told(error) for error in reversed(list(_chain(exc_info[1]))))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _told(error: BaseException) -> str:
    where = "".join(traceback.format_tb(error.__traceback__))
    parts = [_told(each) for each in error.exceptions] if isinstance(error, BaseExceptionGroup) else []
    return "\n".join((f"{where}{error_text(error)}", *parts))
