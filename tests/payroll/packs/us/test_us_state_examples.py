"""Every worked example of the states' guides that was found, by its name: printed by the state, or computed by hand."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from services.payroll.engine.lines import Line, Result
from shared.values.faults import Invalid
from tests.payroll.packs.us.given import line, pay

EXAMPLES = json.loads((Path(__file__).parent / "state_examples.json").read_text())
LOCAL = {"PHILADELPHIA", "county"}
INTERMEDIATE = {
    "taxable": "taxable wages",
    "allowance": "allowance of the period",
    "annualTaxable": "annual taxable wages",
    "annualTax": "tax less credit",
}


def calculated(example: dict) -> Result:
    given = dict(example["pay"])
    wages, frequency = given.pop("wages"), given.pop("frequency")
    given.setdefault("pay_on", given.get("period_start", "2026-03-06"))
    return pay(wages, frequency, state=example["state"], state_declaration=example["certificate"], **given)


def step_result(taxed: Line, name: str) -> Decimal:
    return Decimal(next(step.result for step in taxed.steps if step.name == name))


@pytest.mark.parametrize("example", EXAMPLES, ids=[each["name"] for each in EXAMPLES])
def test_the_example_comes_out_to_the_cent(example: dict):
    expected = dict(example["expect"])
    if "error" in expected:
        with pytest.raises(Invalid) as refused:
            calculated(example)
        assert refused.value.errors[0].pointer == "/declarations/state_declaration/rate"
        return
    result = calculated(example)
    of_city = "city" in example["certificate"]
    taxed = line(result, "us.local_income_tax" if of_city else "us.state_income_tax")

    for what, amount in expected.items():
        if what in LOCAL:
            assert line(result, "us.local_income_tax").amount == Decimal(amount)
        elif what == "tax":
            assert taxed.amount == Decimal(amount)
        elif what == "deduction":
            exemptions = [s.result for s in taxed.steps if s.name.startswith("exemptions")]
            assert sum(map(Decimal, exemptions)) == Decimal(amount)
        elif what == "annualTax" and example["state"] == "KY":
            annual = step_result(taxed, "annual taxable wages") * Decimal("0.035")
            assert annual == Decimal(amount)
        else:
            assert step_result(taxed, INTERMEDIATE[what]) == Decimal(amount)


def test_all_twelve_states_have_examples():
    assert {each["state"] for each in EXAMPLES} == {
        "AZ", "CA", "CO", "GA", "IL", "IN", "KY", "MI", "NC", "NY", "PA", "UT",
    }  # fmt: skip
