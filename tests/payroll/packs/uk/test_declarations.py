"""Declarations: what is read, what is refused and at which field, hostile shapes included."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from services.payroll.packs.uk import PACK
from services.payroll.packs.uk.declarations import Basis, DirectorMethod, UkDeclarations
from tests.payroll.packs.uk.given import declared


def refused(**fields: Any) -> list[tuple[str, str]]:
    """Where and how declarations are refused."""
    with pytest.raises(ValidationError) as found:
        declared(**fields)
    return [("/".join(map(str, e["loc"])), e["type"]) for e in found.value.errors()]


def test_what_everybody_declares_is_enough():
    found = UkDeclarations.model_validate({"tax_code": "1257L", "ni_category": "A"})

    assert (found.basis, found.director, found.student_loans) == (Basis.CUMULATIVE, None, [])
    assert (found.postgraduate_loan, found.pension, found.attachment_orders) == (False, None, [])
    assert PACK.declarations is UkDeclarations


def test_all_of_the_contract_is_read():
    found = declared(
        basis="week1_month1",
        director={"method": "alternative", "appointed_on": "2026-05-01"},
        student_loans=["plan_1", "plan_2", "plan_4", "plan_5"],
        postgraduate_loan=True,
    )

    assert found.basis is Basis.WEEK1_MONTH1
    assert found.director is not None
    assert found.director.method is DirectorMethod.ALTERNATIVE
    assert len(found.student_loans) == 4


def test_declarations_come_out_as_they_went_in():
    order = {
        "kind": "aeo_priority", "issued_on": "2025-06-01", "reference": "R1",
        "amount": {"amount": "10.00", "currency": "GBP"}, "protected_earnings": {"amount": "0.00", "currency": "GBP"},
    }  # fmt: skip
    given = declared(attachment_orders=[order], student_loans=["plan_2"])

    again = UkDeclarations.model_validate(json.loads(given.model_dump_json()))

    assert again == given
    assert UkDeclarations.model_json_schema()["properties"]["tax_code"]["anyOf"][0]["maxLength"] == 7


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"tax_code": None}, [("tax_code", "missing")]),
        ({"tax_code": None, "basis": "week1_month1"}, [("tax_code", "missing")]),
        ({"starter": {"statement": "A"}}, [("starter", "tax_code_known")]),
        (
            {"tax_code": None, "starter": {"statement": "A"}, "basis": "week1_month1"},
            [("basis", "starter_has_basis")],
        ),
        ({"tax_code": None, "starter": {"statement": "D"}}, [("starter/statement", "enum")]),
        ({"tax_code": None, "starter": {"statement": "a"}}, [("starter/statement", "enum")]),
        (
            {"tax_code": None, "starter": {"statement": "A", "country": "england"}},
            [("starter/country", "literal_error")],
        ),
        ({"basis": "weekly"}, [("basis", "enum")]),
        ({"basis": None}, [("basis", "enum")]),
        ({"basis": True}, [("basis", "enum")]),
        ({"ni_category": "a"}, [("ni_category", "ni_category")]),
        ({"ni_category": ""}, [("ni_category", "ni_category")]),
        ({"ni_category": "AA"}, [("ni_category", "ni_category")]),
        ({"ni_category": "A\n"}, [("ni_category", "ni_category")]),
        ({"ni_category": "Ä"}, [("ni_category", "ni_category")]),
        ({"ni_category": "A" * 1_000_000}, [("ni_category", "ni_category")]),
        ({"ni_category": 1}, [("ni_category", "string_type")]),
        ({"director": {}}, [("director/method", "missing")]),
        ({"director": True}, [("director", "model_type")]),
        ({"director": {"method": "yearly"}}, [("director/method", "enum")]),
        ({"director": {"method": "annual", "since": "2020-01-01"}}, [("director/since", "extra_forbidden")]),
        ({"student_loans": ["plan_3"]}, [("student_loans/0", "enum")]),
        ({"student_loans": ["plan_1", "plan_1"]}, [("student_loans", "declared_twice")]),
        ({"student_loans": ["plan_1"] * 5}, [("student_loans", "too_long")]),
        ({"student_loans": "plan_1"}, [("student_loans", "list_type")]),
        ({"student_loans": None}, [("student_loans", "list_type")]),
        ({"unknown": 1}, [("unknown", "extra_forbidden")]),
        ({"birth_date": "1990-01-01"}, [("birth_date", "extra_forbidden")]),
        ({"minimum_wage": {"worker": "intern", "hours": "1"}}, [("minimum_wage/worker", "literal_error")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_at_its_field(fields: dict[str, Any], at: list):
    assert refused(**fields) == at


def test_who_was_employed_before_was_appointed_on_a_day():
    amounts = {
        name: {"amount": "1.00", "currency": "GBP"} for name in ("ni_earnings", "ni_employee", "ni_employer")
    }

    assert refused(director={"method": "annual", "employed_before": amounts}) == [
        ("director/appointed_on", "missing")
    ]
    assert (
        refused(director={"method": "annual", "employed_before": {}})[0][0]
        == "director/employed_before/ni_earnings"
    )


@pytest.mark.parametrize("value", ["yes", 1, "true", None, []])
def test_a_flag_is_true_or_false(value: object):
    assert refused(postgraduate_loan=value)[0][0] == "postgraduate_loan"


@pytest.mark.parametrize("day", ["2026-02-30", "01/05/2026", "2026-05-01T00:00:00Z", 20260501, ""])
def test_a_day_is_a_day(day: object):
    assert refused(director={"method": "annual", "appointed_on": day})[0][0] == "director/appointed_on"


@pytest.mark.parametrize("percent", ["-1", "100.01", 5.5, "5%", "NaN", "1e1"])
def test_a_percentage_is_a_decimal_text_from_0_to_100(percent: object):
    pension = {"treatment": "net_pay_arrangement", "employer_percent": "3", "employee_percent": percent}

    assert refused(pension=pension)[0][0] == "pension/employee_percent"


def test_a_pension_has_a_treatment_of_this_country():
    pension = {"treatment": "pretax_401k", "employer_percent": "3", "employee_percent": "5"}

    assert refused(pension=pension) == [("pension/treatment", "literal_error")]


def pounds(text: str, currency: str = "GBP") -> dict[str, str]:
    return {"amount": text, "currency": currency}


def order(kind: str, **facts: Any) -> dict[str, Any]:
    return {"kind": kind, "issued_on": "2025-06-01", "reference": "R1"} | facts


@pytest.mark.parametrize(
    ("facts", "at"),
    [
        (order("aeo_priority"), [("amount", "missing"), ("protected_earnings", "missing")]),
        (order("aeo_non_priority", amount=pounds("1.00")), [("protected_earnings", "missing")]),
        (order("council_tax"), [("country", "missing")]),
        (order("council_tax", country="scotland"), [("country", "no_table_of_that_country")]),
        (order("council_tax", country="northern_ireland"), [("country", "no_table_of_that_country")]),
        (order("council_tax", country="england", amount=pounds("1.00")), [("amount", "not_of_this_kind")]),
        (order("child_maintenance"), [("amount", "missing")]),
        (order("child_maintenance", amount=pounds("1.00"), rate="higher"), [("rate", "not_of_this_kind")]),
        (order("dea"), [("rate", "missing")]),
        (order("dea", rate="standard", employer_fee=True), [("employer_fee", "not_of_this_kind")]),
        (order("dea", rate="standard", arrears=pounds("1.00")), [("arrears", "not_of_this_kind")]),
        (order("earnings_arrestment", country="scotland"), [("country", "not_of_this_kind")]),
        (order("fine"), [("kind", "enum")]),
        (order("dea", rate="max"), [("rate", "literal_error")]),
        (order("child_maintenance", amount=pounds("-1.00")), [("amount", "pounds")]),
        (order("child_maintenance", amount=pounds("1.00", "EUR")), [("amount", "pounds")]),
        (order("child_maintenance", amount=pounds("1.0")), [("amount/amount", "money_format")]),
        (order("child_maintenance", amount="1.00"), [("amount", "model_type")]),
    ],
)
def test_an_order_states_what_its_kind_has_and_nothing_else(facts: dict[str, Any], at: list):
    found = [
        (where.removeprefix("attachment_orders/0/"), kind)
        for where, kind in refused(attachment_orders=[facts])
    ]

    assert found == at


def test_an_order_has_a_day_and_a_reference():
    found = refused(attachment_orders=[{"kind": "earnings_arrestment"}])

    assert {where for where, _ in found} == {"attachment_orders/0/issued_on", "attachment_orders/0/reference"}


def test_what_an_order_protects_may_be_nothing():
    free = order("aeo_non_priority", amount=pounds("1.00"), protected_earnings=pounds("0.00"))

    assert declared(attachment_orders=[free]).attachment_orders[0].protected_earnings.text == "0.00"


def test_two_arrestments_are_one_conjoined_order():
    one, two = order("earnings_arrestment"), order("earnings_arrestment", reference="R2")

    assert refused(attachment_orders=[one, two]) == [("attachment_orders", "second_arrestment")]


def test_orders_are_counted_before_they_are_read():
    assert len(declared(attachment_orders=[order("dea", rate="standard")] * 20).attachment_orders) == 20
    assert refused(attachment_orders=[order("earnings_arrestment")] * 21) == [
        ("attachment_orders", "too_long")
    ]
    assert refused(attachment_orders=[{}] * 1_000_000) == [("attachment_orders", "too_long")]


def test_many_unknown_fields_are_not_all_looked_at():
    assert len(refused(**{f"x{n}": 1 for n in range(10_000)})) <= 50
