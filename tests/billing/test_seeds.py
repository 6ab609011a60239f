"""What a new tenant starts with: tax codes of its country and the standard chart of accounts."""

from datetime import date
from decimal import Decimal

import pytest

from services.billing.ledger import chart
from services.billing.ledger.chart import STANDARD_CHART
from shared.values.fields import COUNTRIES
from shared.values.tax_codes import _RATES, tax_codes_for

EU = {
    "AT",
    "BE",
    "BG",
    "CY",
    "CZ",
    "DE",
    "DK",
    "EE",
    "ES",
    "FI",
    "FR",
    "GR",
    "HR",
    "HU",
    "IE",
    "IT",
    "LT",
    "LU",
    "LV",
    "MT",
    "NL",
    "PL",
    "PT",
    "RO",
    "SE",
    "SI",
    "SK",
}


def rates(country: str) -> dict[str, str]:
    return {seed.code: str(seed.rate) for seed in tax_codes_for(country)}


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_every_country_gets_the_four_codes_with_en_16931_categories(country):
    seeds = tax_codes_for(country)
    taxed = "S" if country in _RATES else "O"
    assert [(seed.code, seed.category) for seed in seeds] == [
        ("standard", taxed),
        ("reduced", taxed),
        ("zero", "Z"),
        ("exempt", "E"),
    ]
    assert all((seed.rate > 0) == (seed.category == "S") for seed in seeds), "BR-S-05 of EN 16931"
    assert all(0 <= seed.rate <= 30 and seed.valid_from <= date(2026, 11, 1) for seed in seeds)
    assert seeds[1].rate <= seeds[0].rate
    assert all(0 < len(seed.name) <= 200 for seed in seeds)


def test_the_eu_and_its_neighbours_have_rates_within_the_vat_directive():
    assert EU | {"GB", "CH", "NO", "CA", "AU", "NZ", "JP", "IN"} <= set(_RATES) <= COUNTRIES
    for country in EU:
        seeds = tax_codes_for(country)
        assert seeds[0].rate >= 15, "article 97 of Directive 2006/112/EC"
        assert seeds[1].rate >= 5, "article 99 of Directive 2006/112/EC"


@pytest.mark.parametrize(
    ("country", "standard", "reduced"),
    [
        ("DE", "19", "7"),
        ("FR", "20", "5.5"),
        ("FI", "25.5", "13.5"),
        ("LT", "21", "12"),
        ("EE", "24", "9"),
        ("RO", "21", "11"),
        ("SK", "23", "19"),
        ("CH", "8.1", "2.6"),
        ("JP", "10", "8"),
        ("GB", "20", "5"),
    ],
)
def test_rates_in_force_in_november_2026(country, standard, reduced):
    assert (rates(country)["standard"], rates(country)["reduced"]) == (standard, reduced)


def test_where_no_reduced_rate_exists_nothing_is_undertaxed():
    assert rates("DK")["reduced"] == rates("DK")["standard"] == "25"
    assert "no general reduced rate" in tax_codes_for("DK")[1].name


def test_a_country_without_a_known_rate_says_so():
    assert tax_codes_for("BR")[0].rate == Decimal(0)
    assert "rate not known: set it" in tax_codes_for("BR")[0].name
    assert "set state tax" in tax_codes_for("US")[0].name


@pytest.mark.parametrize("country", ["de", "DEU", "", "D\n", "12"])
def test_what_is_not_a_country_code_is_refused(country):
    with pytest.raises(ValueError, match="alpha-2"):
        tax_codes_for(country)


def test_the_chart_has_unique_codes_in_order_and_names():
    codes = [seed.code for seed in STANDARD_CHART]
    assert codes == sorted(set(codes))
    assert len({seed.name for seed in STANDARD_CHART}) == len(STANDARD_CHART)


def test_every_role_is_an_account_of_the_chart():
    roles = {name: value for name, value in vars(chart).items() if name.startswith("ROLE_")}
    assert set(roles.values()) <= {seed.code for seed in STANDARD_CHART}
    assert len(set(roles.values())) == len(roles)


def test_control_accounts_are_those_with_a_sub_ledger():
    controls = {seed.code: seed.control for seed in STANDARD_CHART if seed.control}
    assert controls == {
        "1000": "bank",
        "1010": "bank",
        "1100": "receivable",
        "1300": "tax",
        "2000": "payable",
        "2200": "tax",
    }


def test_types_follow_the_first_digit():
    types = {"1": "asset", "2": "liability", "3": "equity", "4": "income"}
    assert all(seed.type == types.get(seed.code[0], "expense") for seed in STANDARD_CHART)
