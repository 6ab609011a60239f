"""Texts, codes, instants, dates and numbers of the wire; part of `shared.values.fields`, which offers them all.

Whatever is compared is brought into form NFC here (docs/adr/0043): a new field that has one of these types cannot
forget it. Source: api.md section 1; ISO 3166-1, ISO 4217, IANA time zones, RFC 3339 (instants).
"""

import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Final

from babel import Locale
from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

from shared.values.money import CURRENCY_DIGITS
from shared.values.texts import LONGEST_EMAIL, MOST_DECOMPOSED, composed, is_email

# CLDR's territories that are not officially assigned in ISO 3166-1: exceptional reservations, groupings and
# pseudo-codes. XK (Kosovo) stays: user-assigned, but what the EU, SWIFT and CLDR use for it.
_NOT_COUNTRIES: Final = frozenset(
    ("AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ")
)
_TWO_LETTERS: Final = re.compile("[A-Z]{2}")
COUNTRIES: Final = frozenset(
    code for code in map(str, Locale("en").territories) if _TWO_LETTERS.fullmatch(code)
).difference(_NOT_COUNTRIES)
"""Accepted ISO 3166-1 alpha-2 country codes, and XK."""
_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Unicode's categories Cc, Cc without tab and line ends, Zl and Zp; searched for, as a body may hold a million letters.
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_CONTROLS_IN_LINES: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LINE_BREAKS: Final = re.compile("[\u2028\u2029]")
_DIRECTIONS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")  # embeddings, overrides and isolates (UAX 9)


def _without_controls(text: str, controls: re.Pattern[str]) -> str:
    """Refuse control characters (NUL, escape, ...)."""
    found = controls.search(text)
    if found is not None:
        facts = {"codepoint": f"U+{ord(found[0]):04X}"}
        raise PydanticCustomError("control_character", "Contains the control character {codepoint}", facts)
    return text


def _one_line(text: str) -> str:
    """Refuse control characters, line separators, and what turns the direction of a text round: it forges names."""
    if _LINE_BREAKS.search(text):
        raise PydanticCustomError("line_break", "Must be a single line")
    if not text.isascii() and _DIRECTIONS.search(text):
        raise PydanticCustomError("direction_control", "Must not turn the direction of the text round")
    return _without_controls(text, _CONTROLS)


def _code(text: str) -> str:
    """Refuse what is not printable and blanks at either end, which no one would see."""
    if not text.isprintable():
        raise PydanticCustomError("not_printable", "Must have printable characters only")
    if text != text.strip():
        raise PydanticCustomError("outer_blank", "Must not begin or end with a blank")
    return text


def _email(text: str) -> str:
    """Refuse what can't be an address."""
    if not is_email(text):
        raise PydanticCustomError("email_format", "Must be an e-mail address")
    return text


@dataclass(frozen=True, slots=True)
class Compared:
    """Annotation of a text that is compared: composed (NFC), then of at most so many characters, then `check`ed."""

    most: int
    check: Callable[[str], str]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The text's own schema, and what is read of it."""
        return core_schema.no_info_after_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The text's own schema with the bound."""
        return {**handler(core), "maxLength": self.most}

    def read(self, text: str) -> str:
        """The composed text; what is too long by far is refused before it costs anything."""
        if len(text) <= self.most * MOST_DECOMPOSED:
            text = composed(text)
        if len(text) > self.most:
            raise PydanticKnownError("string_too_long", {"max_length": self.most})
        return self.check(text)


def _listed(code: str, codes: frozenset[str], kind: str) -> str:
    """Refuse a code that its list lacks, with error type `unknown_<kind>`."""
    if code not in codes:
        # The code is not echoed: it may hold a lone surrogate, which no message can carry.
        text = "Unknown {kind}"
        raise PydanticCustomError(f"unknown_{kind}", text, {"kind": kind.replace("_", " ")})
    return code


_CURRENCIES: Final = frozenset(CURRENCY_DIGITS)
CurrencyCode = Annotated[
    str,
    Strict(),
    AfterValidator(lambda code: _listed(code, _CURRENCIES, "currency")),
    Field(json_schema_extra={"enum": sorted(_CURRENCIES)}, description="ISO 4217 currency code"),
]
CountryCode = Annotated[
    str,
    Strict(),
    AfterValidator(lambda code: _listed(code, COUNTRIES, "country")),
    Field(json_schema_extra={"enum": sorted(COUNTRIES)}, description="ISO 3166-1 alpha-2 country code"),
]


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    """Names of the IANA time zones, without the machine-dependent and placeholder ones."""
    return frozenset(zoneinfo.available_timezones() - {"Factory", "localtime"})


TimeZoneName = Annotated[
    str,
    StringConstraints(strict=True, max_length=64),
    AfterValidator(lambda name: _listed(name, _zones(), "time_zone")),
    Field(description="IANA time zone name", examples=["Europe/Paris"]),
]

ShortText = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1), Compared(200, _one_line)
]
"""One line of text: 1..200 characters after outer blanks are removed, composed (NFC), no control characters."""
LongText = Annotated[
    str,
    StringConstraints(strict=True, max_length=10_000),
    AfterValidator(lambda text: _without_controls(text, _CONTROLS_IN_LINES)),
]
"""Text of up to 10,000 characters, kept as sent and never compared; newlines and tabs are allowed, other controls are
not."""
Code = Annotated[str, StringConstraints(strict=True, min_length=1), Compared(64, _code)]
"""A code such as a SKU: 1..64 printable characters, composed (NFC), case-sensitive, no blank at either end."""
EmailText = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=3, max_length=LONGEST_EMAIL),
    AfterValidator(_email),
    Field(json_schema_extra={"format": "email"}),
]
"""An e-mail address, checked by form only (ASCII; international domains as punycode). Kept as given, compared without
case: `lower(email)` in SQL, `shared.values.texts.folded_email` here."""


YEARS: Final = range(2, 9999)
"""All years but the first and the last: the database driver takes the first and the last day there is for infinite
ones, and no local time can be told at either end."""
OUT_OF_YEARS: Final = f"Must be in the years {YEARS[0]} to {YEARS[-1]}"


def read_timestamp(value: object) -> datetime:
    """An RFC 3339 text with an offset (or an aware datetime of our own) to UTC."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str) and _TIMESTAMP.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value.upper())
        except ValueError:
            raise PydanticCustomError("timestamp_format", "No such date or time") from None
    else:
        raise PydanticCustomError("timestamp_format", "Must be an RFC 3339 timestamp with an offset")
    if moment.utcoffset() is None:
        raise PydanticCustomError("timestamp_offset", "Must have an offset from UTC")
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("timestamp_format", "No such date or time") from None
    if utc.year not in YEARS:
        raise PydanticCustomError("timestamp_out_of_range", OUT_OF_YEARS)
    return utc


def timestamp_text(moment: datetime) -> str:
    """RFC 3339 in UTC with Z; a fraction only when there is one: milliseconds if exact, else microseconds."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    if utc.microsecond == 0:
        return utc.isoformat("T", "seconds") + "Z"
    return utc.isoformat("T", "microseconds" if utc.microsecond % 1000 else "milliseconds") + "Z"


def read_date(value: object) -> date:
    """A `YYYY-MM-DD` text (or a date of our own) to a date; a timestamp is not a date."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise PydanticCustomError("date_format", "Must be a date, YYYY-MM-DD")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("date_format", "No such date") from None
    if day.year not in YEARS:
        raise PydanticCustomError("date_out_of_range", OUT_OF_YEARS)
    return day


WholeNumber = Annotated[int, Strict(), Field(ge=-(2**63), le=2**63 - 1)]
"""A JSON integer that fits a bigint; `"5"`, `5.0` and `true` are refused."""
Flag = Annotated[bool, Strict()]
"""A JSON boolean; `1` and `"yes"` are refused."""
