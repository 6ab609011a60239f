"""Rows that HMRC publishes for the makers of payroll software come out to the penny."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.payroll.packs.uk.given import ni, tax

ROWS = Path(__file__).parent / "rows"


def rows(name: str) -> list[list[str]]:
    document = json.loads((ROWS / name).read_text())
    assert document["source"].startswith("HMRC")
    return document["rows"]


def test_the_rows_are_all_there():
    assert (len(rows("hmrc_paye_2025_26.json")), len(rows("hmrc_ni_2025_26.json"))) == (36, 112)


@pytest.mark.parametrize("row", rows("hmrc_paye_2025_26.json"), ids=lambda row: row[0])
def test_income_tax_is_that_of_the_official_row(row: list):
    _, frequency, period, code, basis, pay, to_date, due, due_to_date = row
    before = {
        "taxable": str(Decimal(to_date) - Decimal(pay)),
        "tax": str(Decimal(due_to_date) - Decimal(due)),
    }

    found = tax(
        pay, year="2025-26", frequency=frequency, period=period, tax_code=code, basis=basis, to_date=before
    )

    assert found == Decimal(due)


@pytest.mark.parametrize("row", rows("hmrc_ni_2025_26.json"), ids=lambda row: row[0])
def test_national_insurance_is_that_of_the_official_row(row: list):
    _, frequency, category, pay, employee, employer = row

    found = ni(pay, year="2025-26", frequency=frequency, ni_category=category)

    assert found == (Decimal(employee), Decimal(employer))
