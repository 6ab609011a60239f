"""The one tax function: lines, breakdown and totals agree to the cent, whatever the mode."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.values.money import CurrencyMismatch, Money, MoneyOutOfRange, total
from shared.values.tax import TaxInput, TaxMode, tax_document

RATES = {"standard": "20", "reduced": "5.5", "odd": "8.875", "exempt": "0"}
MODES = [TaxMode(p, r) for p in ("net", "gross") for r in ("document", "line")]


def line(quantity, price, rate="20", discount="0", code="standard", currency="EUR", category="S"):
    price = Money.parse(price, currency)
    return TaxInput(Decimal(quantity), price, code, Decimal(rate), category, Decimal(discount))


@st.composite
def inputs(draw):
    code = draw(st.sampled_from(sorted(RATES)))
    return TaxInput(
        quantity=draw(st.decimals(-500, 500, places=draw(st.integers(0, 6)))),
        unit_price=Money(draw(st.integers(-(10**6), 10**6)), "EUR"),
        tax_code=code,
        rate=Decimal(RATES[code]),
        category="E" if code == "exempt" else "S",
        discount_percent=draw(st.decimals(0, 100, places=2)),
    )


documents = st.lists(inputs(), max_size=20)
modes = st.sampled_from(MODES)


@given(documents, modes)
def test_lines_sum_exactly_to_breakdown_and_totals(lines, mode):
    document = tax_document(lines, mode, "EUR")
    for figure in ("net", "tax", "gross"):
        summed = total((getattr(taxed, figure) for taxed in document.lines), "EUR")
        assert summed == getattr(document.totals, figure)
    assert total((group.base for group in document.tax_breakdown), "EUR") == document.totals.net
    assert total((group.tax for group in document.tax_breakdown), "EUR") == document.totals.tax
    assert all(taxed.net + taxed.tax == taxed.gross for taxed in document.lines)
    assert document.totals.net + document.totals.tax == document.totals.gross


@given(documents, modes)
def test_a_credit_with_negated_quantities_mirrors_the_invoice(lines, mode):
    credit = [
        TaxInput(-x.quantity, x.unit_price, x.tax_code, x.rate, x.category, x.discount_percent) for x in lines
    ]
    invoiced, credited = tax_document(lines, mode, "EUR"), tax_document(credit, mode, "EUR")
    assert [-x.tax for x in invoiced.lines] == [x.tax for x in credited.lines]
    assert [-x.net for x in invoiced.lines] == [x.net for x in credited.lines]
    assert -invoiced.totals.gross == credited.totals.gross


@given(documents)
def test_document_tax_is_the_rate_on_the_sum_of_rounded_nets(lines):
    document = tax_document(lines, TaxMode(), "EUR")
    for group in document.tax_breakdown:
        assert group.tax == group.base.share(group.rate, Decimal(100))
    for taxed, asked in zip(document.lines, lines, strict=True):
        assert abs(taxed.tax.minor - taxed.net.minor * Fraction(asked.rate) / 100) < 1
        assert asked.rate != 0 or taxed.tax.is_zero


@given(documents)
def test_inclusive_prices_fix_the_gross_and_round_the_net_once_per_rate(lines):
    document = tax_document(lines, TaxMode("gross"), "EUR")
    for group in document.tax_breakdown:
        gross = group.base + group.tax
        assert group.base == gross.share(Decimal(100), 100 + group.rate)


@given(documents, st.sampled_from(["document", "line"]))
def test_inclusive_gross_never_depends_on_the_rate(lines, rounding):
    untaxed = [TaxInput(x.quantity, x.unit_price, "none", Decimal(0), "Z", x.discount_percent) for x in lines]
    taxed = tax_document(lines, TaxMode("gross", rounding), "EUR")
    plain = tax_document(untaxed, TaxMode("gross", rounding), "EUR")
    assert [x.gross for x in taxed.lines] == [x.gross for x in plain.lines]


@pytest.mark.parametrize("rounding", ["document", "line"])
@pytest.mark.parametrize("rate", ["5", "6", "7.7", "8.1", "10", "15", "19", "20", "21", "25.5", "27"])
def test_an_inclusive_price_of_8_01_stays_8_01_as_in_odoo_34842(rate, rounding):
    document = tax_document([line(1, "8.01", rate)], TaxMode("gross", rounding), "EUR")
    assert document.totals.gross.text == "8.01"


def test_the_peppol_base_example_comes_out():
    # Peppol BIS Billing 3.0 base-example.xml: 7 × 400, -3 × 500, a charge of 25; VAT 25 %.
    lines = [line(7, "400.00", "25"), line(-3, "500.00", "25"), line(1, "25.00", "25")]
    document = tax_document(lines, TaxMode(), "EUR")
    assert [x.net.text for x in document.lines] == ["2800.00", "-1500.00", "25.00"]
    totals = document.totals
    assert (totals.net.text, totals.tax.text, totals.gross.text) == ("1325.00", "331.25", "1656.25")


def test_document_rounding_taxes_once_and_line_rounding_taxes_each_line():
    lines = [line(1, "0.33")] * 3
    once = tax_document(lines, TaxMode(), "EUR")
    each = tax_document(lines, TaxMode(rounding="line"), "EUR")
    assert once.totals.tax.text == "0.20"
    assert [x.tax.text for x in once.lines] == ["0.07", "0.07", "0.06"]
    assert each.totals.tax.text == "0.21"
    assert {x.tax.text for x in each.lines} == {"0.07"}


def test_nets_are_rounded_before_they_are_summed_as_br_co_10_asks():
    document = tax_document([line("0.5", "0.01"), line("0.5", "0.01")], TaxMode(), "EUR")
    assert document.totals.net.text == "0.02"


def test_a_discount_is_rounded_once_and_leaves_the_line():
    taxed = tax_document([line(3, "9.99", discount="12.5")], TaxMode(), "EUR").lines[0]
    assert (taxed.discount.text, taxed.net.text) == ("3.75", "26.22")
    taxed = tax_document([line(10, "30.75", discount="5")], TaxMode(), "EUR").lines[0]
    assert (taxed.net.text, taxed.discount.text) == ("292.13", "15.37")  # 292.125, not 307.50 less 15.38
    free = tax_document([line(3, "9.99", discount="100")], TaxMode("gross"), "EUR")
    assert free.totals.gross.is_zero
    assert free.lines[0].discount.text == "29.97"


@pytest.mark.parametrize(
    ("currency", "price", "rate", "tax"),
    [
        ("JPY", "1005", "10", "101"),
        ("KWD", "1.005", "5", "0.050"),
        ("KWD", "0.010", "5", "0.001"),
    ],
)
def test_tax_is_rounded_at_the_currencys_own_decimals(currency, price, rate, tax):
    document = tax_document([line(1, price, rate, currency=currency)], TaxMode(), currency)
    assert document.totals.tax.text == tax


def test_the_breakdown_is_per_code_rate_and_category_in_order_of_appearance():
    lines = [
        line(1, "10.00", "5.5", code="reduced"),
        line(1, "10.00"),
        line(2, "10.00", "5.5", code="reduced"),
        line(1, "10.00", "0", code="exempt", category="E"),
    ]
    groups = tax_document(lines, TaxMode(), "EUR").tax_breakdown
    assert [(g.tax_code, str(g.rate), g.category, g.base.text, g.tax.text) for g in groups] == [
        ("reduced", "5.5", "S", "30.00", "1.65"),
        ("standard", "20", "S", "10.00", "2.00"),
        ("exempt", "0", "E", "10.00", "0.00"),
    ]


def test_opposite_lines_keep_their_own_taxes():
    document = tax_document([line(1, "100.00"), line(-1, "100.00")], TaxMode(), "EUR")
    assert [x.tax.text for x in document.lines] == ["20.00", "-20.00"]


def test_an_empty_document_is_nothing():
    document = tax_document([], TaxMode(), "EUR")
    assert document.totals.gross == Money.zero("EUR")
    assert document.tax_breakdown == ()


def test_impossible_figures_are_refused():
    for bad in (
        {"rate": "-1"},
        {"rate": "NaN"},
        {"discount": "101"},
        {"discount": "-1"},
        {"quantity": "Infinity"},
        {"rate": "5", "category": "E"},
    ):
        with pytest.raises(ValueError):
            line(**{"quantity": 1, "price": "1.00", **bad})
    with pytest.raises(CurrencyMismatch):
        tax_document([line(1, "1.00")], TaxMode(), "USD")
    with pytest.raises(MoneyOutOfRange):
        tax_document([line(10**12, "1000000.00")], TaxMode(), "EUR")
