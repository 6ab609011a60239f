"""Numbers in an explanation are plain decimal texts."""

from decimal import Decimal

import pytest

from services.payroll.engine.rounding import half_up_cent
from services.payroll.packs.us.steps import Steps, exact_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("0.0145"), "0.0145"),
        (Decimal("-12.30"), "-12.30"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0E-8"), "0.00000000"),
        (Decimal("1E-7"), "0.0000001"),
        (52, "52"),
    ],
)
def test_a_number_never_has_an_exponent(value: Decimal | int, text: str):
    assert exact_text(value) == text


def test_a_step_has_its_inputs_its_result_and_the_name_of_its_rounding():
    steps = Steps()

    assert steps.take("wages of a year", Decimal(5200), wages=Decimal(100), periods=52) == 5200
    assert steps.round("tax", half_up_cent, Decimal("0.005"), rate=Decimal("0.1")) == Decimal("0.01")
    exact, rounded = steps.done()
    assert (exact.inputs, exact.result, exact.rounding) == (
        (("wages", "100"), ("periods", "52")),
        "5200",
        None,
    )
    assert (rounded.inputs, rounded.result, rounded.rounding) == ((("rate", "0.1"),), "0.01", "half_up_cent")
