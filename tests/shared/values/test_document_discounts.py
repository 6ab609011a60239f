"""A discount on a whole document is shared over its lines to the last unit of the currency."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.values.money import Money, total
from shared.values.prices import UnitPrice
from shared.values.tax import DiscountTooLarge, DocumentDiscount, TaxInput, TaxMode, tax_document, tax_on


def line(price, quantity="1", rate="20", discount="0", **facts):
    return TaxInput(
        Decimal(quantity), UnitPrice.parse(price, "GBP"), f"r{rate}", Decimal(rate),
        discount_percent=Decimal(discount), **facts,
    )  # fmt: skip


def shared(lines, discount, prices="net"):
    document = tax_document(lines, TaxMode(prices), "GBP", discount)
    return [x.text for x in document.shared], document


def test_ten_per_cent_of_three_thirds_is_shared_by_largest_remainder():
    shares, document = shared([line("3.35")] * 3, DocumentDiscount(percent=Decimal(10)))
    assert shares == ["0.34", "0.34", "0.33"]
    assert [x.net.text for x in document.lines] == ["3.01", "3.01", "3.02"]
    assert (document.totals.net.text, document.totals.tax.text) == ("9.04", "1.81")


def test_an_amount_lowers_each_rates_base_by_its_share():
    lines = [line("30.00"), line("10.00", rate="5"), line("60.00", discount="50")]
    shares, document = shared(lines, DocumentDiscount(amount=Money(700, "GBP")))
    assert shares == ["3.00", "1.00", "3.00"]
    assert document.lines[2].discount.text == "33.00"
    assert [(g.base.text, g.tax.text) for g in document.tax_breakdown] == [
        ("54.00", "10.80"),
        ("9.00", "0.45"),
    ]


def test_what_is_not_discountable_and_what_is_negative_keeps_its_amount():
    lines = [line("10.00"), line("5.00", discountable=False), line("-2.00")]
    shares, document = shared(lines, DocumentDiscount(percent=Decimal(50)))
    assert shares == ["5.00", "0.00", "0.00"]
    assert document.totals.net.text == "8.00"


@pytest.mark.parametrize(
    "discount", [DocumentDiscount(amount=Money(1000, "GBP")), DocumentDiscount(Decimal(100))]
)
def test_everything_may_be_taken_off_and_no_more(discount):
    assert shared([line("4.00"), line("6.00")], discount)[1].totals.gross.is_zero
    with pytest.raises(DiscountTooLarge):
        tax_document([line("9.99")], TaxMode(), "GBP", DocumentDiscount(amount=Money(1000, "GBP")))


@st.composite
def documents(draw):
    currency = draw(st.sampled_from(["JPY", "GBP", "KWD"]))
    rates = st.sampled_from(["20", "5", "19", "0"])
    lines = []
    for _ in range(draw(st.integers(1, 8))):
        price = UnitPrice(Decimal(draw(st.integers(0, 10**7))) / 1000, currency)
        rate = draw(rates)
        lines.append(
            TaxInput(Decimal(draw(st.integers(1, 99))) / 4, price, f"r{rate}", Decimal(rate),
                     discount_percent=Decimal(draw(st.sampled_from(["0", "3", "12.5"]))))
        )  # fmt: skip
    return currency, lines, draw(st.sampled_from(["net", "gross"])), draw(st.integers(0, 1000))


@given(documents(), st.booleans())
def test_shares_add_up_and_no_line_becomes_negative(case, by_amount):
    currency, lines, prices, permille = case
    mode = TaxMode(prices)
    fixed = "gross" if prices == "gross" else "net"
    plain = tax_document(lines, mode, currency)
    base = total((getattr(x, fixed) for x in plain.lines), currency)
    wanted = base.share(Decimal(permille), Decimal(1000))
    discount = DocumentDiscount(amount=wanted) if by_amount else DocumentDiscount(Decimal(permille) / 10)

    document = tax_document(lines, mode, currency, discount)

    assert total(document.shared, currency) == wanted
    for before, after, off in zip(plain.lines, document.lines, document.shared, strict=True):
        assert getattr(after, fixed) == getattr(before, fixed) - off >= Money.zero(currency)
        assert after.discount == before.discount + off
        assert after.net + after.tax == after.gross
    for group in document.tax_breakdown:
        amount = group.base + group.tax if prices == "gross" else group.base
        assert group.tax == tax_on(amount, group.rate, prices)
    assert document.totals.net == total((x.net for x in document.lines), currency)
