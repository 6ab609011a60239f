"""Declarations as they come over the wire: accepted in every documented form, refused by the name of the field."""

import time
from decimal import Decimal

import pytest
from pydantic import ValidationError

from services.payroll.packs.us.certificates import CERTIFICATES
from services.payroll.packs.us.declarations import UsDeclarations, UsEmployer
from tests.payroll.packs.us.given import state_tax

AMOUNTS = ("step3", "step4a", "step4b", "step4c")


def refused(**declared: object) -> list[tuple[str, str]]:
    """Pointers (within the declarations) and codes of what is wrong."""
    with pytest.raises(ValidationError) as found:
        UsDeclarations.model_validate(declared)
    return [("/".join(map(str, error["loc"])), error["type"]) for error in found.value.errors()]


def test_nothing_declared_is_a_single_person_with_no_entries():
    form = UsDeclarations.model_validate({})

    assert (form.filing_status, form.w4, form.exempt, form.step2, form.allowances) == (
        "single",
        "2020",
        False,
        False,
        0,
    )
    assert form.step3 == form.step4a == form.step4b == form.step4c == 0
    assert form.state is form.state_declaration is None


@pytest.mark.parametrize("name", AMOUNTS)
def test_an_amount_is_money_a_decimal_string_or_a_whole_number(name: str):
    for value in ({"amount": "1234.00", "currency": "USD"}, "1234", "1234.0", "1234.00", 1234, Decimal(1234)):
        form = UsDeclarations.model_validate({name: value})
        assert getattr(form, name) == 1234
        assert form.model_dump(mode="json")[name] == "1234.00"
        assert UsDeclarations.model_validate_json(form.model_dump_json()) == form


@pytest.mark.parametrize("name", AMOUNTS)
@pytest.mark.parametrize(
    "value",
    ["-1", "1.234", "1e3", "0x10", " 5", "5 ", "05", "", ".5", "5.", "+5", "NaN", "Infinity", "٣", "1,000", "9" * 500,
     10_000_000_000, -1, 1.5, True, None, [], Decimal("NaN"), Decimal("-1"), Decimal("1.001"),
     {"amount": "-5.00", "currency": "USD"}],
)  # fmt: skip
def test_anything_else_is_no_amount(name: str, value: object):
    assert refused(**{name: value}) == [(name, "dollars_format")]


def test_money_of_another_currency_or_shape_is_no_amount():
    assert refused(step3={"amount": "5.00", "currency": "EUR"}) == [("step3", "currency_mismatch")]
    assert refused(step3={"amount": "5", "currency": "USD"}) == [("step3/amount", "money_format")]
    assert refused(step3={"amount": "5.00"}) == [("step3/currency", "missing")]


@pytest.mark.parametrize(
    ("declared", "where", "code"),
    [
        ({"filing_status": "married"}, "filing_status", "literal_error"),
        ({"filing_status": None}, "filing_status", "literal_error"),
        ({"w4": "2021"}, "w4", "literal_error"),
        ({"w4": 2018}, "w4", "literal_error"),
        ({"w4": True}, "w4", "literal_error"),
        ({"w4": 10**6}, "w4", "literal_error"),
        ({"w4": 2020.0}, "w4", "literal_error"),
        ({"exempt": "yes"}, "exempt", "bool_type"),
        ({"exempt": 1}, "exempt", "bool_type"),
        ({"step2": "true"}, "step2", "bool_type"),
        ({"w4": "2019", "allowances": "2"}, "allowances", "int_type"),
        ({"w4": "2019", "allowances": -1}, "allowances", "greater_than_equal"),
        ({"w4": "2019", "allowances": 100}, "allowances", "less_than_equal"),
        ({"step5": "1"}, "step5", "extra_forbidden"),
        ({"state": "OH"}, "state", "unsupported_state"),
        ({"state": "ca"}, "state", "unsupported_state"),
        ({"state": "XX"}, "state", "unsupported_state"),
        ({"state": ""}, "state", "unsupported_state"),
        ({"state": "CA" * 100_000}, "state", "unsupported_state"),
        ({"state": 5}, "state", "unsupported_state"),
        ({"state": ["CA"]}, "state", "unsupported_state"),
        ({"state": "TX", "state_declaration": {"status": "single"}}, "state_declaration", "no_certificate"),
        ({"state_declaration": {"status": "single"}}, "state_declaration", "no_certificate"),
        ({"state": "CA", "state_declaration": {"status": "dual"}}, "state_declaration/status", "literal_error"),
        ({"state": "CA", "state_declaration": {"line1": 1}}, "state_declaration/line1", "extra_forbidden"),
        ({"state": "CA", "state_declaration": {"regular": "1"}}, "state_declaration/regular", "int_type"),
        ({"state": "CA", "state_declaration": {"annualised": 1}}, "state_declaration/annualised", "bool_type"),
        ({"state": "CA", "state_declaration": []}, "state_declaration", "model_type"),
        ({"state": "AZ", "state_declaration": {"rate": "2"}}, "state_declaration/rate", "rate_format"),
        ({"state": "AZ", "state_declaration": {"rate": 0.02}}, "state_declaration/rate", "rate_format"),
        ({"state": "AZ", "state_declaration": {"rate": "1"}}, "state_declaration/rate", "rate_format"),
        ({"state": "AZ", "state_declaration": {"rate": "0." + "0" * 90}}, "state_declaration/rate", "rate_format"),
        ({"state": "IN", "state_declaration": {"countyRate": "0.06"}}, "state_declaration/countyRate",
         "less_than_equal"),
        ({"state": "MI", "state_declaration": {"city": "LANSING"}}, "state_declaration/city", "literal_error"),
        ({"state": "MI", "state_declaration": {"city": "DETROIT"}}, "state_declaration/resident", "city_and_resident"),
        ({"state": "MI", "state_declaration": {"resident": True}}, "state_declaration/city", "city_and_resident"),
        ({"state": "NY", "state_declaration": {"city": "YONKERS"}}, "state_declaration/city", "literal_error"),
        ({"state": "PA", "state_declaration": {"philadelphia": "yes"}}, "state_declaration/philadelphia",
         "literal_error"),
        ({"state": "KY", "state_declaration": {"additional": "-5"}}, "state_declaration/additional", "dollars_format"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_its_field(declared: dict, where: str, code: str):
    assert refused(**declared) == [(where, code)]


def test_a_state_that_is_refused_does_not_accuse_its_certificate():
    assert refused(state="OH", state_declaration={"anything": 1}) == [("state", "unsupported_state")]


@pytest.mark.parametrize(
    "declared",
    [
        {"w4": "2020", "allowances": 1},
        {"w4": "2019", "step2": True},
        {"w4": "2019", "step3": "2000"},
        {"w4": "2019", "step4a": "1"},
        {"w4": "2019", "step4b": "1"},
        {"w4": "2019", "filing_status": "head_of_household"},
    ],
)
def test_an_entry_that_the_form_does_not_have_is_refused(declared: dict):
    wrong = next(name for name in declared if name != "w4")

    assert refused(**declared) == [(wrong, "not_on_form")]


def test_a_form_of_before_2020_may_be_exempt_and_have_extra_withholding():
    form = UsDeclarations.model_validate({"w4": 2019, "exempt": True, "allowances": 99, "step4c": "12.34"})

    assert (form.w4, form.allowances, form.step4c) == ("2019", 99, Decimal("12.34"))


@pytest.mark.parametrize("state", sorted(CERTIFICATES))
def test_a_state_without_a_certificate_has_the_forms_defaults(state: str):
    explicit = UsDeclarations.model_validate({"state": state, "state_declaration": {}})
    left_out = UsDeclarations.model_validate({"state": state})

    assert explicit.certificate() == left_out.certificate() == CERTIFICATES[state]()
    assert type(explicit.certificate()) is CERTIFICATES[state]
    assert state_tax(state, "1000.00") >= 0


def test_a_certificate_survives_being_stored():
    declared = {
        "state": "IN",
        "state_declaration": {
            "personal": 2,
            "firstTimeDependent": 1,
            "adopted_child": 1,
            "countyRate": "0.0125",
        },
    }
    form = UsDeclarations.model_validate(declared)
    again = UsDeclarations.model_validate_json(form.model_dump_json())

    assert again == form
    assert again.certificate() == form.certificate()
    for state in ("IL", "CO"):
        form = UsDeclarations.model_validate({"state": state, "state_declaration": {"line3": "7"}})
        assert UsDeclarations.model_validate_json(form.model_dump_json()) == form


def test_a_million_unknown_entries_are_refused_at_once():
    many = {f"field{n}": n for n in range(100_000)}
    started = time.perf_counter()
    with pytest.raises(ValidationError):
        UsDeclarations.model_validate({"state": "CA", "state_declaration": many})
    with pytest.raises(ValidationError):
        UsDeclarations.model_validate(many)
    with pytest.raises(ValidationError):
        UsDeclarations.model_validate({"step3": "1" * 10_000_000})

    assert time.perf_counter() - started < 5


def test_the_schema_of_declarations_can_be_documented():
    schema = UsDeclarations.model_json_schema()

    assert {"filing_status", "w4", "state", "state_declaration", *AMOUNTS} <= set(schema["properties"])
    assert {"Arizona", "Utah"} <= set(schema["$defs"])


def test_an_employers_unemployment_rate_is_a_fraction_and_a_wage_base():
    good = {"state_unemployment": {"CA": {"rate": "0.034", "wage_base": "7000"}}}

    assert UsEmployer.model_validate(good).unemployment("CA").rate == Decimal("0.034")
    assert UsEmployer.model_validate(good).unemployment("NY") is None
    assert UsEmployer.model_validate({}).unemployment(None) is None
    for bad in ({"rate": "3.4", "wage_base": "7000"}, {"rate": "0.034"}, {"rate": "0.034", "wage_base": "x"}):
        with pytest.raises(ValidationError):
            UsEmployer.model_validate({"state_unemployment": {"CA": bad}})


def test_a_county_rate_is_at_most_five_per_cent():
    form = UsDeclarations.model_validate({"state": "IN", "state_declaration": {"countyRate": "0.05"}})

    assert form.certificate().county_rate == Decimal("0.05")
    assert refused(state="IN", state_declaration={"countyRate": "0.050001"})[0][1] == "less_than_equal"


def test_a_refused_county_rate_is_told_in_plain_text():
    with pytest.raises(ValidationError) as wrong:
        UsDeclarations.model_validate({"state": "IN", "state_declaration": {"countyRate": "0.06"}})

    assert [e["msg"] for e in wrong.value.errors()] == ['Must be at most 0.05, a fraction: "0.02" is 2 %']


def test_the_largest_amount_and_the_smallest_rate_are_accepted():
    assert UsDeclarations.model_validate({"step4a": 9_999_999_999}).step4a == 9_999_999_999
    assert UsDeclarations.model_validate({"step4a": "9999999999.99"}).step4a == Decimal("9999999999.99")
    assert UsDeclarations.model_validate({"step4a": 0}).step4a == 0
    certificate = {"state": "AZ", "state_declaration": {"rate": Decimal(0)}}
    assert UsDeclarations.model_validate(certificate).certificate().rate == 0
    assert refused(state="AZ", state_declaration={"rate": Decimal(1)})[0][1] == "rate_format"


def test_an_employer_has_a_rate_in_each_state_at_most():
    many = {f"S{n}": {"rate": "0.01", "wage_base": 7000} for n in range(61)}
    with pytest.raises(ValidationError):
        UsEmployer.model_validate({"state_unemployment": many})
    many.popitem()
    assert len(UsEmployer.model_validate({"state_unemployment": many}).state_unemployment) == 60


def test_the_documented_bound_of_an_amount_is_the_one_that_holds():
    shapes = UsDeclarations.model_json_schema()["properties"]["step3"]["anyOf"]

    assert {"type": "integer", "minimum": 0, "maximum": 9_999_999_999} in shapes
