"""From records to orders: what each row must hold, and how one bad row refuses its order."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from services.orders.imports.rules.model import (
    MAX_CELL,
    MAX_ROWS_PER_ORDER,
    MOST_PRICE_DECIMALS,
    Code,
    FileOrder,
    Problem,
    Reading,
    RefusedRow,
    Row,
)
from services.orders.imports.rules.records import Record

MAX_REF = 64
HALF = re.compile("[\ud800-\udfff]")  # what a byte of another encoding was read as


def order_ref_of(record: Record) -> str:
    """The order that a record belongs to; none where what it names cannot be an order's reference."""
    ref = record.order_ref if isinstance(record, RefusedRow) else record.get("order_ref", "").strip()
    return ref if len(ref) <= MAX_REF and ref.isprintable() else ""


def add_row(order: FileOrder, number: int, record: Record, reading: Reading) -> None:
    """Add a row to its order, or the reason why it cannot be taken."""
    order.numbers.append(number)
    try:
        if isinstance(record, RefusedRow):
            raise record
        _check_texts(record)
        if not order.order_ref:
            raise RefusedRow(Code.ORDER_REF, "The row names no order.")
        row = _row(number, record)
        _head(order, record, reading)
    except RefusedRow as refused:
        order.problems.append(Problem(number, refused.code, refused.message, order.order_ref or None))
        return
    order.rows.append(row)


def _check_texts(record: Mapping[str, str]) -> None:
    for name, cell in record.items():
        if len(cell) > MAX_CELL:
            raise RefusedRow(Code.CELL, f"{name} has {len(cell):,} characters; {MAX_CELL:,} are allowed.")
        if HALF.search(cell):
            raise RefusedRow(Code.ENCODING, f"{name} holds bytes that are not of the file's encoding.")
        if name not in ("quantity", "unit_price") and _is_formula(cell.strip()):
            raise RefusedRow(Code.FORMULA, f"{name} looks like a spreadsheet formula.")
        if name in ("order_ref", "sku", "customer_ref") and (
            len(cell.strip()) > MAX_REF or not cell.strip().isprintable()
        ):
            raise RefusedRow(Code.TEXT, f"{name} must be at most {MAX_REF} printable characters.")
        if "\x00" in cell:
            raise RefusedRow(Code.TEXT, f"{name} holds a NUL character.")


def _is_formula(cell: str) -> bool:
    """What a spreadsheet would execute when somebody opens an export of ours."""
    return cell[:1] in ("=", "@") or (cell[:1] in ("+", "-") and cell[1:2].isalpha())


def _row(number: int, record: Mapping[str, str]) -> Row:
    sku = record.get("sku", "").strip()
    if not sku:
        raise RefusedRow(Code.SKU, "The row names no product.")
    description = " ".join(
        "".join(c if c.isprintable() else " " for c in record.get("description", "")).split()
    )
    return Row(
        number,
        sku,
        description[:200],
        _quantity(record.get("quantity", "").strip()),
        _price(record.get("unit_price", "").strip()),
    )


def _number(text: str) -> Decimal | None:
    if len(text) > 40 or not text.isascii() or "_" in text or "e" in text.lower():
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _quantity(text: str) -> Decimal:
    number = _number(text)
    if number is None or abs(number) > 10**12 or number != number.quantize(Decimal("0.000001")):
        raise RefusedRow(Code.QUANTITY, "The quantity is not a number of at most six decimals.")
    if number < 0:
        raise RefusedRow(Code.NEGATIVE, "The quantity is negative; a cancellation is not an order.")
    if number == 0:
        raise RefusedRow(Code.QUANTITY, "The quantity is zero.")
    return number


def _price(text: str) -> Decimal | None:
    if not text:
        return None
    number = _number(text)
    if number is None or number < 0 or abs(number) > 10**12:
        raise RefusedRow(Code.PRICE, "The price is not a number of zero or more.")
    if number != number.quantize(Decimal(1).scaleb(-MOST_PRICE_DECIMALS)):
        raise RefusedRow(Code.PRICE, f"The price has more than {MOST_PRICE_DECIMALS} decimals.")
    return number


def _head(order: FileOrder, record: Mapping[str, str], reading: Reading) -> None:
    """What an order has once: its customer, moment and country; rows must agree on the customer."""
    customer = record.get("customer_ref", "").strip()
    if not customer:
        raise RefusedRow(Code.CUSTOMER, "The row names no customer.")
    if order.customer_ref and order.customer_ref != customer:
        raise RefusedRow(
            Code.CUSTOMER_CONFLICT, f"Other rows of this order name customer {order.customer_ref}."
        )
    moment = _moment(record.get("ordered_at", "").strip(), reading)
    order.customer_ref = customer
    order.ordered_at = order.ordered_at or moment
    order.country = order.country or record.get("country", "").strip()


def _moment(text: str, reading: Reading) -> datetime | None:
    if not text:
        return None
    try:
        if reading.date_format:
            found = datetime.strptime(text, reading.date_format)  # noqa: DTZ007 - the zone follows
        else:
            found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=ZoneInfo(reading.time_zone))
        return found.astimezone(UTC)
    except (ValueError, OverflowError, re.error) as error:
        raise RefusedRow(Code.DATE, "The date cannot be read; see the option date_format.") from error


def refuse_too_many(order: FileOrder) -> None:
    """Refuse an order, or a part of one, because of how many rows it has in all."""
    first = order.numbers[0]
    if not order.continued and all(problem.row != first for problem in order.problems):
        text = f"The order has more than {MAX_ROWS_PER_ORDER:,} rows."
        order.problems.append(Problem(first, Code.TOO_MANY, text, order.order_ref))
    refuse_rest(order)


def refuse_rest(order: FileOrder, reason: str = "Another row of this order was refused.") -> None:
    """Give every row of a refused order that has no reason of its own the general one."""
    known = {problem.row for problem in order.problems}
    order.problems += [
        Problem(number, Code.ORDER, reason, order.order_ref or None)
        for number in order.numbers
        if number not in known
    ]
    order.rows.clear()
