"""From records to orders: what each row must hold, and how one bad row refuses its order."""

import re
from collections.abc import Mapping
from decimal import Decimal

from services.orders.imports.rules.heads import MAX_CODE, add_head, reference
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
from services.orders.imports.rules.numbers import read_number
from services.orders.imports.rules.records import Record

HALF = re.compile("[\ud800-\udfff]")  # what a byte of another encoding was read as
NUMBERS = ("quantity", "unit_price", "discount_percent", "shipping_charge")
FINEST = Decimal("0.000001")


def order_ref_of(record: Record) -> str:
    """The order that a record belongs to; none where what it names cannot be an order's reference."""
    ref = record.order_ref if isinstance(record, RefusedRow) else record.get("order_ref", "").strip()
    return ref if len(ref) <= MAX_CODE and ref.isprintable() else ""


def add_row(order: FileOrder, number: int, record: Record, reading: Reading) -> None:
    """Add a row to its order, or the reason why it cannot be taken."""
    order.numbers.append(number)
    try:
        if isinstance(record, RefusedRow):
            raise record
        _check_texts(record)
        if not reference("order_ref", record.get("order_ref", "")):
            raise RefusedRow(Code.ORDER_REF, "The row names no order: order_ref is empty.")
        row = _row(number, record, reading)
        add_head(order, record, reading)
    except RefusedRow as refused:
        order.problems.append(Problem(number, refused.code, refused.message, order.order_ref or None))
        return
    order.rows.append(row)


def _check_texts(record: Mapping[str, str]) -> None:
    for name, cell in record.items():
        if len(cell) > MAX_CELL:
            raise RefusedRow(Code.CELL, f"{name} has {len(cell):,} characters; {MAX_CELL:,} are allowed.")
        if HALF.search(cell):
            raise RefusedRow(
                Code.ENCODING,
                f"{name} holds bytes that are not of the file's encoding; name it in the option encoding.",
            )
        if name not in NUMBERS and _is_formula(cell.strip()):
            raise RefusedRow(Code.FORMULA, f"{name} looks like a spreadsheet formula; send its value.")
        if "\x00" in cell:
            raise RefusedRow(Code.TEXT, f"{name} holds a NUL character; remove it.")


def _is_formula(cell: str) -> bool:
    """What a spreadsheet would execute when somebody opens an export of ours."""
    return cell[:1] in ("=", "@") or (cell[:1] in ("+", "-") and cell[1:2].isalpha())


def _row(number: int, record: Mapping[str, str], reading: Reading) -> Row:
    sku = reference("sku", record.get("sku", ""))
    if not sku:
        raise RefusedRow(Code.SKU, "The row names no product: sku is empty.")
    description = " ".join(
        "".join(c if c.isprintable() else " " for c in record.get("description", "")).split()
    )
    return Row(
        number,
        sku,
        description[:200],
        _quantity(record.get("quantity", ""), reading.decimal),
        _price(record.get("unit_price", ""), reading.decimal),
        _discount(record.get("discount_percent", ""), reading.decimal),
    )


def _quantity(cell: str, decimal: str) -> Decimal:
    sentence = (
        "quantity is not a number of at most six decimals; write it like 1.5, or set the option decimal."
    )
    number = read_number("quantity", cell, decimal, RefusedRow(Code.QUANTITY, sentence))
    if abs(number) > 10**12 or number != number.quantize(FINEST):
        raise RefusedRow(Code.QUANTITY, sentence)
    if number < 0:
        raise RefusedRow(Code.NEGATIVE, "quantity is negative; a cancellation is not an order, leave it out.")
    if number == 0:
        raise RefusedRow(Code.QUANTITY, "quantity is zero; leave the row out.")
    return number


def _price(cell: str, decimal: str) -> Decimal | None:
    if not cell.strip():
        return None
    sentence = (
        "unit_price is not a number of zero or more with at most six decimals; write it like 1.50, or set the option "
        "decimal."
    )
    number = read_number("unit_price", cell, decimal, RefusedRow(Code.PRICE, sentence))
    if not 0 <= number <= 10**12 or number != number.quantize(FINEST):
        raise RefusedRow(Code.PRICE, sentence)
    if number != number.quantize(Decimal(1).scaleb(-MOST_PRICE_DECIMALS)):
        raise RefusedRow(Code.PRICE, f"unit_price has more than {MOST_PRICE_DECIMALS} decimals.")
    return number


def _discount(cell: str, decimal: str) -> Decimal:
    if not cell.strip():
        return Decimal(0)
    sentence = "discount_percent is not a number from 0 to 100 of at most six decimals."
    bare = cell.strip()
    text = bare[:-1] if bare.endswith("%") else cell
    number = read_number("discount_percent", text, decimal, RefusedRow(Code.DISCOUNT, sentence))
    if not 0 <= number <= 100 or number != number.quantize(FINEST):
        raise RefusedRow(Code.DISCOUNT, sentence)
    return number


def refuse_too_many(order: FileOrder) -> None:
    """Refuse an order, or a part of one, because of how many rows it has in all."""
    first = order.numbers[0]
    if not order.continued and all(problem.row != first for problem in order.problems):
        text = f"The order has more than {MAX_ROWS_PER_ORDER:,} rows; divide it."
        order.problems.append(Problem(first, Code.TOO_MANY, text, order.order_ref))
    refuse_rest(order)


def refuse_rest(
    order: FileOrder, reason: str = "Another row of this order was refused; mend that one."
) -> None:
    """Give every row of a refused order that has no reason of its own the general one."""
    known = {problem.row for problem in order.problems}
    order.problems += [
        Problem(number, Code.ORDER, reason, order.order_ref or None)
        for number in order.numbers
        if number not in known
    ]
    order.rows.clear()
