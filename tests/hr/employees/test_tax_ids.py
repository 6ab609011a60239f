"""Numbers of tax authorities: their form, and check digits where there are some."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.hr.employees.schemas.private import TaxIds


def kept(**ids: str) -> dict[str, str]:
    return TaxIds.model_validate(ids).model_dump(exclude_none=True)


@pytest.mark.parametrize(
    ("name", "text", "stored"),
    [
        ("nino", "ab 12 34 56 c", "AB123456C"),
        ("nino", "JY000000A", "JY000000A"),
        ("ssn", "536-90-4399", "536904399"),
        ("itin", "912-90-3456", "912903456"),
        ("ein", "91-1144442", "911144442"),
        ("utr", "1955839661", "1955839661"),
    ],
)
def test_a_number_is_kept_compact(name: str, text: str, stored: str):
    assert kept(**{name: text}) == {name: stored}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("nino", f"{prefix}123456A") for prefix in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")),
        *(("nino", f"{letter}A123456A") for letter in "DFIQUV"),
        *(("nino", f"A{letter}123456A") for letter in "DFIOQUV"),
        ("nino", "AB123456E"),
        ("nino", "AB12345C"),
        ("nino", "AB١٢٣٤٥٦C"),
        ("nino", "AB123456C\n" * 2),
        ("ssn", "000-12-3456"),
        ("ssn", "666-12-3456"),
        ("ssn", "912-12-3456"),
        ("ssn", "078-05-1120"),
        ("itin", "123-45-6789"),
        ("itin", "900-93-0000"),
        ("ein", "07-1144442"),
        ("utr", "1955839662"),
        ("ssn", "536904399" + "0" * 40),
    ],
)
def test_a_number_that_cannot_be_is_refused_without_being_repeated(name: str, text: str):
    with pytest.raises(ValidationError) as refused:
        kept(**{name: text})

    (error,) = refused.value.errors()
    assert error["loc"] == (name,)
    assert text not in error["msg"]


@given(st.text(max_size=12))
def test_whatever_is_taken_for_a_national_insurance_number_has_its_form(text: str):
    try:
        found = kept(nino=text)
    except ValidationError:
        return
    assert re.fullmatch("[A-Z]{2}[0-9]{6}[A-D]", found["nino"])
