"""Tax codes: which are read, which are refused, always at the field of the code."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.payroll.packs.uk.tax_code import BadTaxCode, CodeKind, TaxCode, read_tax_code
from tests.payroll.packs.uk.given import declared

READ = {
    "1257L": ("rest_of_uk", CodeKind.ALLOWANCE, 1257, None),
    "S1257L": ("scotland", CodeKind.ALLOWANCE, 1257, None),
    "C1257L": ("wales", CodeKind.ALLOWANCE, 1257, None),
    "1L": ("rest_of_uk", CodeKind.ALLOWANCE, 1, None),
    "1383M": ("rest_of_uk", CodeKind.ALLOWANCE, 1383, None),
    "S1131N": ("scotland", CodeKind.ALLOWANCE, 1131, None),
    "999T": ("rest_of_uk", CodeKind.ALLOWANCE, 999, None),
    "C12570T": ("wales", CodeKind.ALLOWANCE, 12570, None),
    "0T": ("rest_of_uk", CodeKind.ALLOWANCE, 0, None),
    "S0T": ("scotland", CodeKind.ALLOWANCE, 0, None),
    "C0T": ("wales", CodeKind.ALLOWANCE, 0, None),
    "K1": ("rest_of_uk", CodeKind.ADDITION, 1, None),
    "K9999": ("rest_of_uk", CodeKind.ADDITION, 9999, None),
    "SK475": ("scotland", CodeKind.ADDITION, 475, None),
    "CK475": ("wales", CodeKind.ADDITION, 475, None),
    "BR": ("rest_of_uk", CodeKind.FLAT, 0, "BR"),
    "SBR": ("scotland", CodeKind.FLAT, 0, "BR"),
    "CBR": ("wales", CodeKind.FLAT, 0, "BR"),
    "D0": ("rest_of_uk", CodeKind.FLAT, 0, "D0"),
    "CD1": ("wales", CodeKind.FLAT, 0, "D1"),
    "SD3": ("scotland", CodeKind.FLAT, 0, "D3"),
    "NT": ("rest_of_uk", CodeKind.NO_TAX, 0, None),
}
MARKED = ["1257L X", "1257LX", "1257L W1", "1257LM1", "1257L W1/M1", "S1257L W1M1", "BR M1", "K475X", "0TX"]
REFUSED = [
    *MARKED, "", " ", "L", "S", "C", "K", "SK", "1257", "S1257", "1257l", "s1257L", "br", "nt", " 1257L", "1257L ",
    "12 57L", "1257 L", "1257L\n", "\t1257L", "1257L\x00", "01257L", "0L", "0M", "0N", "S0L", "K0", "SK0", "K00001",
    "K01", "K10000", "100000L", "SNT", "CNT", "D2", "D3", "CD2", "CD3", "SD4", "SD9", "D", "D00", "SD", "BRX1", "1257P",
    "1257Y", "1257LL", "L1257", "W1257L", "SC1257L", "CS1257L", "SS1257L", "-1257L", "1257.5L", "1e3L", "１２５７L",
    "1257Ｌ",
    "١٢٥٧L", "1257L" * 100, "9" * 1000, "NTNT", "BRBR", "1257L;DROP TABLE", "NT X", "0", "00T",
]  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_a_code_of_hmrc_is_read(text: str):
    country, kind, number, flat = READ[text]

    assert read_tax_code(text) == TaxCode(text, country, kind, number, flat)
    assert declared(tax_code=text).tax_code == text


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_code_is_refused_at_its_field(text: str):
    with pytest.raises(ValidationError) as refused:
        declared(tax_code=text)

    assert [(e["loc"], e["type"]) for e in refused.value.errors()] == [(("tax_code",), "tax_code")]


@pytest.mark.parametrize("text", [*MARKED, "NT X"])
def test_a_marked_code_is_sent_to_the_basis(text: str):
    with pytest.raises(BadTaxCode, match="declare the basis week1_month1"):
        read_tax_code(text)


def test_a_text_that_is_too_long_is_told_how_long_a_code_is():
    with pytest.raises(BadTaxCode, match="at most 7 characters"):
        read_tax_code("S1257L W1/M1XX")


@pytest.mark.parametrize("value", [1257, None, True, ["1257L"], {"code": "1257L"}, b"1257L", 12.57])
def test_a_code_is_a_text(value: object):
    with pytest.raises(ValidationError) as refused:
        declared(tax_code=value)

    assert [e["loc"] for e in refused.value.errors()] == [("tax_code",)]


@given(st.text(max_size=40))
@settings(max_examples=300)
def test_any_text_is_read_as_itself_or_refused(text: str):
    try:
        found = read_tax_code(text)
    except BadTaxCode:
        return
    assert found.text == text
    assert text.isascii()
    assert 1 < len(text) <= 7


def test_a_hostile_text_is_refused_in_no_time():
    begun = time.perf_counter()
    for text in ("9" * 10_000_000, "S" * 10_000_000, "1257L" + " " * 10_000_000 + "X"):
        with pytest.raises(ValidationError):
            declared(tax_code=text)

    assert time.perf_counter() - begun < 1
