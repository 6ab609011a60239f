"""Documents taken in parts: each part's tax is its rate on its base, and all parts are the whole."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.values.money import Money, total
from shared.values.tax import TaxedLine, TaxGroup, TaxInput, TaxMode, tax_document, tax_on
from shared.values.tax_parts import PartlyTaken, cut_part, tax_at_rates, tax_parts

ZERO = Money.zero("GBP")
NOTHING = TaxedLine(ZERO, ZERO, ZERO, ZERO)


class Whole:
    """A document that is taken in parts, as orders and invoices are."""

    def __init__(self, inputs, mode=None):
        self.inputs, self.mode = inputs, mode or TaxMode()
        self.document = tax_document(inputs, self.mode, "GBP")
        self.quantities = [Decimal(0)] * len(inputs)
        self.taken = [NOTHING] * len(inputs)

    def take(self, parts):
        lines = [
            PartlyTaken(
                figures, x.quantity, x.tax_code, x.rate, x.category, self.quantities[n], self.taken[n]
            )
            for n, (x, figures) in enumerate(zip(self.inputs, self.document.lines, strict=True))
        ]
        found = tax_parts(lines, parts, self.mode, "GBP")
        for n, figures in found.items():
            self.quantities[n] += parts[n]
            self.taken[n] = TaxedLine(
                *(
                    getattr(self.taken[n], x) + getattr(figures, x)
                    for x in ("net", "tax", "gross", "discount")
                )
            )
        return found

    def state(self, *numbers):
        """Take lines wholly; returns base and tax."""
        found = self.take({n: self.inputs[n].quantity for n in numbers}).values()
        return total((x.net for x in found), "GBP").text, total((x.tax for x in found), "GBP").text


def line(quantity, price, rate="20", category="S", discount="0", code="standard"):
    return TaxInput(
        Decimal(quantity), Money.parse(price, "GBP"), code, Decimal(rate), category, Decimal(discount)
    )


def test_four_of_ten_lines_state_twenty_per_cent_of_their_base():
    whole = Whole([line(1, "1.02")] * 10)
    assert whole.state(0, 1, 2, 3) == ("4.08", "0.82")
    assert whole.state(*range(4, 10)) == ("6.12", "1.22")


def test_half_of_forty_small_lines_states_half_of_the_tax():
    whole = Whole([line(1, "0.10", rate="5")] * 40)
    assert whole.state(*range(20)) == ("2.00", "0.10")
    assert whole.state(*range(20, 40)) == ("2.00", "0.10")


def test_two_equal_shipments_differ_by_the_cent_that_the_whole_has():
    whole = Whole([line(2, "4.02")])
    first, second = (whole.take({0: Decimal(1)})[0] for _ in range(2))
    assert [(x.net.text, x.tax.text) for x in (first, second)] == [("4.02", "0.80"), ("4.02", "0.81")]


def test_a_third_of_an_inclusive_price_of_thirty_is_ten():
    whole = Whole([line(3, "10.00")], TaxMode("gross"))
    assert {whole.take({0: Decimal(1)})[0].gross.text for _ in range(3)} == {"10.00"}


def test_rates_do_not_mix():
    whole = Whole(
        [
            line(1, "1.02"),
            line(1, "1.02", rate="5", code="reduced"),
            line(1, "1.02", rate="0", category="Z", code="zero"),
        ]
    )
    found = whole.take({0: Decimal(1), 2: Decimal(1)})
    assert {n: x.tax.text for n, x in found.items()} == {0: "0.20", 2: "0.00"}


def test_what_was_stated_too_high_before_is_made_up_for_and_never_negative():
    """Orders shipped in part before this rule stated the prorated tax of their lines."""
    whole = Whole([line(1, "0.10", rate="5")] * 40)
    for n in range(20):
        whole.quantities[n] = Decimal(1)
        one_cent = Money(1, "GBP")
        whole.taken[n] = TaxedLine(Money(10, "GBP"), one_cent, Money(11, "GBP"), ZERO)
    assert whole.state(20) == ("0.10", "0.00")
    assert whole.state(*range(21, 40)) == ("1.90", "0.00")


@pytest.mark.parametrize(("part", "taken"), [("2", "9"), ("-1", "0"), ("11", "0"), ("0", "0")])
def test_more_than_the_line_has_or_nothing_is_refused(part: str, taken: str):
    whole = Whole([line(10, "1.00")])
    whole.quantities[0] = Decimal(taken)
    with pytest.raises(ValueError, match="part"):
        whole.take({0: Decimal(part)})


@st.composite
def shipped(draw):
    """A document, and its lines' quantities in any sequence of parts."""
    rates = st.sampled_from(["20", "5", "19", "7.7", "0"])
    inputs = [
        line(draw(st.integers(1, 9)), f"{draw(st.integers(0, 99999)) / 100:.2f}", rate=draw(rates),
             discount=draw(st.sampled_from(["0", "0", "5", "12.5", "100"])))
        for _ in range(draw(st.integers(1, 8)))
    ]  # fmt: skip
    mode = TaxMode(draw(st.sampled_from(["net", "gross"])), draw(st.sampled_from(["document", "line"])))
    rounds = draw(st.integers(1, 5))
    return inputs, mode, [[draw(st.integers(0, 9)) for _ in inputs] for _ in range(rounds)]


@given(shipped())
def test_each_part_states_its_rate_within_a_cent_and_all_parts_are_the_whole(case):
    inputs, mode, rounds = case
    whole = Whole(inputs, mode)
    everything = [int(x.quantity) for x in inputs]
    for wanted in [*rounds, everything]:
        parts = {
            n: Decimal(min(count, int(x.quantity - whole.quantities[n])))
            for n, (x, count) in enumerate(zip(inputs, wanted, strict=True))
        }
        parts = {n: part for n, part in parts.items() if part}
        found = whole.take(parts)
        for rate in {x.rate for x in inputs}:
            members = [figures for n, figures in found.items() if inputs[n].rate == rate]
            amount = total((x.gross if mode.prices == "gross" else x.net for x in members), "GBP")
            tax = total((x.tax for x in members), "GBP")
            tolerated = len(members) if mode.rounding == "line" else 1
            assert abs(tax.minor - tax_on(amount, rate, mode.prices).minor) <= tolerated
            assert all(x.net + x.tax == x.gross and x.tax.minor >= 0 for x in members)
    for name in ("net", "tax", "gross"):
        stated = total((getattr(x, name) for x in whole.taken), "GBP")
        assert stated == getattr(whole.document.totals, name)


@st.composite
def shipped_over_time(draw):
    """A document in 0, 2 or 3 decimals, its parts, and the rate that holds at each part."""
    currency = draw(st.sampled_from(["JPY", "GBP", "KWD"]))
    quantities = draw(st.lists(st.integers(1, 9), min_size=1, max_size=6))
    inputs = [
        TaxInput(Decimal(q), Money(draw(st.integers(0, 99999)), currency), "standard", Decimal(20),
                 discount_percent=Decimal(draw(st.sampled_from(["0", "5", "12.5"]))))
        for q in quantities
    ]  # fmt: skip
    rates = draw(st.lists(st.sampled_from(["20", "19", "15", "0"]), min_size=1, max_size=6))
    rounds = [(Decimal(rate), [draw(st.integers(0, 9)) for _ in inputs]) for rate in rates]
    last = Decimal(draw(st.sampled_from(["20", "16"])))
    return currency, inputs, draw(st.sampled_from(["net", "gross"])), [*rounds, (last, quantities)]


@given(shipped_over_time())
def test_a_rate_that_changes_begins_a_sum_of_its_own(case):
    currency, inputs, prices, rounds = case
    fixed = "gross" if prices == "gross" else "net"
    document = tax_document(inputs, TaxMode(prices), currency)
    nothing = Money.zero(currency)
    taken = [TaxedLine(nothing, nothing, nothing, nothing)] * len(inputs)
    left = [x.quantity for x in inputs]
    stated: dict[Decimal, TaxGroup] = {}
    for rate, wanted in rounds:
        parts = {n: min(Decimal(q), left[n]) for n, q in enumerate(wanted) if min(q, left[n])}
        lines = [
            PartlyTaken(figures, x.quantity, "standard", rate, "S", x.quantity - left[n], taken[n])
            for n, (x, figures) in enumerate(zip(inputs, document.lines, strict=True))
        ]
        cuts = [cut_part(lines[n], part, prices) for n, part in parts.items()]
        found = dict(zip(parts, tax_at_rates(cuts, stated.values(), prices, currency), strict=True))
        for n, figures in found.items():
            left[n] -= parts[n]
            names = ("net", "tax", "gross", "discount")
            taken[n] = TaxedLine(*(getattr(taken[n], x) + getattr(figures, x) for x in names))
        before = stated.get(rate, TaxGroup("standard", rate, "S", nothing, nothing))
        base = before.base + total((x.net for x in found.values()), currency)
        tax = before.tax + total((x.tax for x in found.values()), currency)
        stated[rate] = TaxGroup("standard", rate, "S", base, tax)
        amount = base + tax if prices == "gross" else base
        assert tax == tax_on(amount, rate, prices)
        assert all(x.net + x.tax == x.gross for x in found.values())
    for n, figures in enumerate(document.lines):
        assert getattr(taken[n], fixed) == getattr(figures, fixed)
        assert taken[n].discount == figures.discount
    if set(stated) == {Decimal(20)}:
        assert total((x.tax for x in taken), currency) == document.totals.tax
