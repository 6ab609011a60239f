"""From records to orders: what each row must hold, and how one bad row refuses its order."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from services.orders.imports.rules.model import (
    MAX_CELL,
    MAX_ROWS_PER_ORDER,
    Code,
    FileOrder,
    ParsedFile,
    Problem,
    Reading,
    RefusedRow,
    Row,
    UnreadableFile,
)
from services.orders.imports.rules.records import Record, records_of


def parse_file(content: bytes, reading: Reading) -> ParsedFile:
    """Read a whole file into orders; raises UnreadableFile only when no row can be told from another."""
    parsed = ParsedFile({}, [], 0)
    for number, record in records_of(content, reading):
        parsed.rows += 1
        _take_record(parsed, number, record, reading)
    if parsed.rows == 0:
        raise UnreadableFile("The file has no rows.", code="file_empty")
    for order in parsed.orders.values():
        _judge_order(order)
    return parsed


def _take_record(parsed: ParsedFile, number: int, record: Record, reading: Reading) -> None:
    """Add a record to its order, or its refusal to the order or the orphans."""
    if isinstance(record, RefusedRow):
        _refuse(parsed, number, record.order_ref, record)
        return
    ref = record.get("order_ref", "").strip()
    try:
        _check_texts(record)
        if not ref:
            raise RefusedRow(Code.ORDER_REF, "The row names no order.")
        row = _row(number, record, reading)
        order = parsed.orders.setdefault(ref, FileOrder(ref))
        _head(order, record, reading)
    except RefusedRow as refused:
        _refuse(parsed, number, ref if ref.isprintable() else "", refused)
        return
    order.rows.append(row)
    order.numbers.append(number)


def _refuse(parsed: ParsedFile, number: int, ref: str, refused: RefusedRow) -> None:
    if not ref or len(ref) > 64:
        parsed.orphans.append(Problem(number, refused.code, refused.message))
        return
    order = parsed.orders.setdefault(ref, FileOrder(ref))
    order.numbers.append(number)
    order.problems.append(Problem(number, refused.code, refused.message, ref))


def _check_texts(record: Mapping[str, str]) -> None:
    for name, cell in record.items():
        if len(cell) > MAX_CELL:
            raise RefusedRow(Code.CELL, f"{name} has {len(cell):,} characters; {MAX_CELL:,} are allowed.")
        if any("\ud800" <= character <= "\udfff" for character in cell):
            raise RefusedRow(Code.ENCODING, f"{name} holds bytes that are not of the file's encoding.")
        if name not in ("quantity", "unit_price") and _is_formula(cell.strip()):
            raise RefusedRow(Code.FORMULA, f"{name} looks like a spreadsheet formula.")
        if name in ("order_ref", "sku", "customer_ref") and (
            len(cell.strip()) > 64 or not cell.strip().isprintable()
        ):
            raise RefusedRow(Code.TEXT, f"{name} must be at most 64 printable characters.")
        if "\x00" in cell:
            raise RefusedRow(Code.TEXT, f"{name} holds a NUL character.")


def _is_formula(cell: str) -> bool:
    """What a spreadsheet would execute when somebody opens an export of ours."""
    return cell[:1] in ("=", "@") or (cell[:1] in ("+", "-") and cell[1:2].isalpha())


def _row(number: int, record: Mapping[str, str], reading: Reading) -> Row:
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
        _price(record.get("unit_price", "").strip(), reading.decimals),
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
    if number is None or number != number.quantize(Decimal("0.000001")) or abs(number) > 10**12:
        raise RefusedRow(Code.QUANTITY, "The quantity is not a number of at most six decimals.")
    if number < 0:
        raise RefusedRow(Code.NEGATIVE, "The quantity is negative; a cancellation is not an order.")
    if number == 0:
        raise RefusedRow(Code.QUANTITY, "The quantity is zero.")
    return number


def _price(text: str, decimals: int) -> Decimal | None:
    if not text:
        return None
    number = _number(text)
    if number is None or number < 0 or abs(number) > 10**12:
        raise RefusedRow(Code.PRICE, "The price is not a number of zero or more.")
    if number != number.quantize(Decimal(1).scaleb(-decimals)):
        raise RefusedRow(Code.PRICE, f"The price has more than {decimals} decimals.")
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
    except (ValueError, OverflowError) as error:
        raise RefusedRow(Code.DATE, "The date cannot be read; see the option date_format.") from error


def _judge_order(order: FileOrder) -> None:
    """One bad row refuses its order: its other rows say so."""
    if len(order.numbers) > MAX_ROWS_PER_ORDER:
        order.problems.append(
            Problem(order.numbers[0], Code.TOO_MANY, f"More than {MAX_ROWS_PER_ORDER} rows.", order.order_ref)
        )
    if order.problems:
        refuse_rest(order)


def refuse_rest(order: FileOrder) -> None:
    """Give every row of a refused order that has no reason of its own the general one."""
    known = {problem.row for problem in order.problems}
    order.problems += [
        Problem(number, Code.ORDER, "Another row of this order was refused.", order.order_ref)
        for number in order.numbers
        if number not in known
    ]
