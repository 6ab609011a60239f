"""What an order has once, and how each of its rows says it: customer, date, currency, addresses, shipping charge."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from services.orders.imports.rules.model import (
    BILLING_FIELDS,
    CUSTOMER_FIELDS,
    ORDER_FIELDS,
    SHIP_TO_FIELDS,
    Code,
    FileOrder,
    Moment,
    Number,
    Problem,
    Reading,
    RefusedRow,
)
from services.orders.imports.rules.numbers import read_number
from shared.values.texts import folded_email, is_email

MAX_CODE, MAX_LINE = 64, 200
MOST_CHARGE = 10**12
# How a spreadsheet shows a long number (1.23457E+11), a column that is too narrow (####), or an error (#REF!).
MANGLED = re.compile(r"[+-]?[0-9]([.,][0-9]+)?E\+[0-9]{1,3}|#+|#(N/A|NV|DIV/0!|[A-Z]+[!?])", re.IGNORECASE)
CONFLICTS = (
    dict.fromkeys(CUSTOMER_FIELDS, Code.CUSTOMER_CONFLICT)
    | dict.fromkeys(SHIP_TO_FIELDS, Code.SHIP_TO_CONFLICT)
    | {"currency": Code.CURRENCY_CONFLICT, "shipping_charge": Code.CHARGE_CONFLICT}
)
PLAIN = tuple(name for name in ORDER_FIELDS if name in CONFLICTS)
NEEDED = ("line1", "city", "country")


def reference(name: str, cell: str) -> str:
    """What names an order, a product or a customer; refuses what a spreadsheet has made of it."""
    text = cell.strip()
    if MANGLED.fullmatch(text):
        raise RefusedRow(
            Code.MANGLED,
            f"{name} is {text}, which a spreadsheet has made of something else. Format the column as text there, "
            "enter the values anew, and export again.",
        )
    if len(text) > MAX_CODE or not text.isprintable():
        raise RefusedRow(Code.TEXT, f"{name} must be at most {MAX_CODE} printable characters.")
    return text


def add_head(order: FileOrder, record: Mapping[str, str], reading: Reading) -> None:
    """Take up what a row says of its order; refuses what another row has said otherwise."""
    customer = reference("customer_ref", record.get("customer_ref", ""))
    if not customer and "customer_ref" not in record:  # without such a column the address is the name
        customer = reference("customer_email", folded_email(record.get("customer_email", "")))
    if not customer:
        raise RefusedRow(Code.CUSTOMER, "The row names no customer: customer_ref is empty.")
    if order.customer_ref and order.customer_ref != customer:
        raise RefusedRow(
            Code.CUSTOMER_CONFLICT,
            f"Other rows of this order name customer {order.customer_ref}. Give each order a reference of its own.",
        )
    moment = _moment(record.get("ordered_at", ""), reading)
    known = order.ordered_at
    if known and moment and moment != known and _day(known, reading) != _day(moment, reading):
        raise RefusedRow(
            Code.DATE_CONFLICT,
            f"Other rows of this order are of {_day(known, reading)}; an order has one date.",
        )
    found = {name: READ[name](name, cell, reading) for name in PLAIN if (cell := _cell(record, name))}
    for name, value in found.items():
        if not _same(name, order.head.setdefault(name, value), value):
            raise RefusedRow(
                CONFLICTS[name],
                f"Other rows of this order say {order.head[name][:50]} for {name}; an order has one.",
            )
    order.customer_ref = customer
    order.ordered_at = order.ordered_at or moment


def _cell(record: Mapping[str, str], name: str) -> str:
    cell = record.get(name, "")
    return cell if type(cell) is Number else cell.strip()  # a number keeps its mark


def _same(name: str, known: str, value: str) -> bool:
    if name == "customer_email":
        return folded_email(known) == folded_email(value)
    return known == value


def check_head(order: FileOrder, reading: Reading) -> None:
    """Refuse an order whose rows together leave an address half said, or a charge that its currency cannot say."""
    charge = Decimal(order.head.get("shipping_charge", "0"))
    currency = order.head.get("currency", reading.currency)
    if charge != charge.quantize(Decimal(1).scaleb(-reading.digits[currency])):
        text = f"shipping_charge has more decimals than {currency} has."
        order.problems.append(Problem(order.numbers[0], Code.CHARGE, text, order.order_ref))
        return
    ship_to = order.address(SHIP_TO_FIELDS)
    billing = order.address(BILLING_FIELDS)
    if billing and "country" in order.head:
        billing["country"] = order.head["country"]
    for what, address, country in (("ship_to", ship_to, "ship_to_country"), ("billing", billing, "country")):
        lacking = [name for name in NEEDED if name not in address]
        if address and lacking:
            names = ", ".join(country if name == "country" else f"{what}_{name}" for name in lacking)
            text = f"An address has a street, a city and a country; of this one {names} is missing."
            order.problems.append(Problem(order.numbers[0], Code.ADDRESS, text, order.order_ref))
            return


def _day(moment: datetime, reading: Reading) -> str:
    return moment.astimezone(ZoneInfo(reading.time_zone)).date().isoformat()


def _moment(cell: str, reading: Reading) -> datetime | None:
    text = cell.strip()
    if not text:
        return None
    try:
        if reading.date_format and type(cell) is not Moment:
            found = datetime.strptime(text, reading.date_format)  # noqa: DTZ007 - the zone follows
        else:
            found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=ZoneInfo(reading.time_zone))
        return found.astimezone(UTC)
    except (ValueError, OverflowError, re.error) as error:
        wanted = reading.date_format or "ISO 8601 (2026-03-31)"
        raise RefusedRow(
            Code.DATE,
            f"ordered_at cannot be read as {wanted}; name the file's format in the option date_format.",
        ) from error


def _line(name: str, text: str, _reading: Reading) -> str:
    if len(text) > MAX_LINE or not text.isprintable():
        raise RefusedRow(Code.TEXT, f"{name} must be one line of at most {MAX_LINE} characters.")
    return text


def _code(name: str, text: str, _reading: Reading) -> str:
    if len(text) > MAX_CODE or not text.isprintable():
        raise RefusedRow(Code.TEXT, f"{name} must be at most {MAX_CODE} printable characters.")
    return text


def _email(name: str, text: str, _reading: Reading) -> str:
    if not is_email(text):
        raise RefusedRow(Code.EMAIL, f"{name} is no e-mail address; leave it empty where there is none.")
    return text


def _country(name: str, text: str, reading: Reading) -> str:
    found = reading.countries.get(text.casefold())
    if found is None:
        raise RefusedRow(
            Code.COUNTRY, f"{name} is no country that we know; write its ISO 3166 code, such as GB."
        )
    return found


def _charge(name: str, cell: str, reading: Reading) -> str:
    sentence = f"{name} is not an amount of zero or more; write it like 4.95, or set the option decimal."
    refused = RefusedRow(Code.CHARGE, sentence)
    number = read_number(name, cell, reading.decimal, refused)
    if not 0 <= number <= MOST_CHARGE:
        raise refused
    return f"{number.normalize():f}"


def _currency(name: str, text: str, reading: Reading) -> str:
    found = text.upper()
    if found not in reading.digits:
        raise RefusedRow(Code.CURRENCY, f"{name} is no currency; write its ISO 4217 code, such as GBP.")
    return found


READ: dict[str, Callable[[str, str, Reading], str]] = dict.fromkeys(PLAIN, _line) | {
    "currency": _currency,
    "shipping_charge": _charge,
    "customer_email": _email,
    "customer_phone": _code,
    "country": _country,
    "billing_postal_code": _code,
    "ship_to_postal_code": _code,
    "ship_to_country": _country,
}
