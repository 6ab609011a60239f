"""The pack behind `POST /v1/pay-calculations`: official figures come out, refusals point into the body."""

from typing import Any

import httpx
import pytest

DECLARED = {"tax_code": "1257L", "ni_category": "A"}


def request(declarations: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A pay of 3,000 pounds in the first month."""
    pay = {"pack": "uk", "pay_on": "2026-04-30", "frequency": "monthly", "period": 1}
    return pay | {"gross": {"amount": "3000.00", "currency": "GBP"}, "declarations": declarations} | facts


async def test_a_pay_comes_out_with_its_lines(payroll: httpx.AsyncClient):
    order = {"kind": "dea", "issued_on": "2025-06-01", "reference": "R1", "rate": "standard"}
    more = {"student_loans": ["plan_5"], "attachment_orders": [order]}

    answer = await payroll.post("/v1/pay-calculations", json=request(DECLARED | more))

    assert answer.status_code == 200, answer.text
    lines = {each["code"]: each for each in answer.json()["lines"]}
    assert {code: each["amount"]["amount"] for code, each in lines.items()} == {
        "gross": "3000.00",
        "uk.student_loan": "82.00",
        "uk.attachment": "490.73",
        "uk.paye": "390.20",
        "uk.ni_employee": "156.16",
        "uk.ni_employer": "387.45",
    }
    assert lines["uk.paye"]["source"]["year"] == "2026-27"
    assert answer.json()["warnings"] == []


@pytest.mark.parametrize(
    ("declarations", "facts", "pointer"),
    [
        ({"tax_code": "SNT"}, {}, "/declarations/tax_code"),
        ({"tax_code": "1257L W1"}, {}, "/declarations/tax_code"),
        ({"tax_code": None}, {}, "/declarations/tax_code"),
        ({"ni_category": "X"}, {}, "/declarations/ni_category"),
        ({"ni_category": "a"}, {}, "/declarations/ni_category"),
        ({"student_loans": ["plan_5"]}, {"pay_on": "2025-04-30"}, "/declarations/student_loans"),
        ({"director": {"method": "annual", "appointed_on": "2026-06-01"}}, {}, "/declarations/director/appointed_on"),
        ({"attachment_orders": [{"kind": "dea"}]}, {}, "/declarations/attachment_orders/0/issued_on"),
        ({"attachment_orders": [{"kind": "dea", "issued_on": "2026-05-01", "reference": "R", "rate": "higher"}]}, {},
         "/declarations/attachment_orders/0/issued_on"),
        ({}, {"period": 13}, "/period"),
        ({}, {"frequency": "semimonthly"}, "/frequency"),
    ],
)  # fmt: skip
async def test_a_refusal_points_into_the_body(
    payroll: httpx.AsyncClient, declarations: dict, facts: dict, pointer: str
):
    answer = await payroll.post("/v1/pay-calculations", json=request(DECLARED | declarations, **facts))

    assert answer.status_code == 422, answer.text
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]
