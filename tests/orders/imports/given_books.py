"""Workbooks for tests: good ones by openpyxl, hostile ones part by part."""

import io
from collections.abc import Callable, Sequence
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook

HEADER = (
    "order_ref",
    "sku",
    "description",
    "quantity",
    "unit_price",
    "customer_ref",
    "ordered_at",
    "country",
)
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
CELLS = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in HEADER)
GOOD_CELLS = "".join(
    f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in ("G1", "S1", "x", "1", "1", "C1")
)
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
    '<Override PartName="/xl/sharedStrings.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
BOOK = f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>'
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
)

ENTITY = "<!DOCTYPE x [{}]>"
LAUGHS = ENTITY.format('<!ENTITY a "ha"><!ENTITY b "&a;&a;">' + "".join(
    f'<!ENTITY {chr(c + 1)} "{f"&{chr(c)};" * 10}">' for c in range(98, 110)))  # fmt: skip


def book_of(
    *rows: Sequence[Any], header: Sequence[str] = HEADER, change: Callable[[Any], None] | None = None
) -> bytes:
    """A workbook of one sheet with these rows."""
    book = Workbook()
    book.active.append(list(header))
    for row in rows:
        book.active.append(list(row))
    if change is not None:
        change(book)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def sheet_of(rows: str, *, before: str = "", head: str = "") -> str:
    return f"{head}<worksheet {MAIN}>{before}<sheetData><row>{CELLS}</row>{rows}</sheetData></worksheet>"


def packed(sheet: str | bytes, *, more: int = 0, **parts: str | bytes) -> bytes:
    """A workbook whose sheet is this; other parts by their names with `_` for the point, `more` MB nobody reads."""
    texts = {
        "sharedStrings_xml": f"<sst {MAIN}/>",
        "workbook_xml": BOOK,
        "styles_xml": f"<styleSheet {MAIN}/>",
    }
    content = io.BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, part in (texts | parts).items():
            archive.writestr(f"xl/{name.replace('_', '.')}", part)
        if more:
            with archive.open("xl/media/picture.png", "w") as picture:
                for _ in range(more):
                    picture.write(bytes(1024 * 1024))
    return content.getvalue()
