"""Rules of credit notes, without a database."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.credit_notes.rules import (
    Creditable,
    NothingToCredit,
    OverCredited,
    UnknownLine,
    breakdown_of,
    credit,
    parts_of,
    totals_of,
)
from shared.values.faults import Invalid
from shared.values.ids import new_id
from shared.values.money import Money
from shared.values.tax import TaxedLine, TaxMode


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def creditable(quantity: str, net: int, tax: int) -> Creditable:
    nought = TaxedLine(eur(0), eur(0), eur(0), eur(0))
    figures = TaxedLine(eur(net), eur(tax), eur(net + tax), eur(0))
    return Creditable(new_id(), Decimal(quantity), figures, Decimal(0), nought, "standard", "S", Decimal(20))


def after(line: Creditable, part: TaxedLine, quantity: Decimal) -> Creditable:
    taken = TaxedLine(
        line.credited.net + part.net,
        line.credited.tax + part.tax,
        line.credited.gross + part.gross,
        line.credited.discount + part.discount,
    )
    return Creditable(
        line.line_id,
        line.quantity,
        line.figures,
        line.credited_quantity + quantity,
        taken,
        "standard",
        "S",
        Decimal(20),
    )


def test_thirds_of_a_euro_sum_to_it():
    line, nets = creditable("3", 100, 20), []

    for _ in range(3):
        (part,) = credit([line], parts_of([line], [(line.line_id, Decimal(1))]), TaxMode(), "EUR")
        nets.append((part.figures.net.minor, part.figures.tax.minor))
        line = after(line, part.figures, Decimal(1))

    assert nets == [(33, 7), (34, 6), (33, 7)]
    with pytest.raises(OverCredited):
        parts_of([line], [(line.line_id, Decimal("0.000001"))])


@given(
    net=st.integers(0, 10_000),
    tax=st.integers(0, 2_000),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    prices=st.sampled_from(["net", "gross"]),
)
def test_parts_of_any_size_sum_exactly_and_are_never_negative(net, tax, cuts, prices):
    line = creditable(str(sum(cuts)), net, tax)
    sums = [0, 0, 0]

    for cut in cuts:
        parts = parts_of([line], [(line.line_id, Decimal(cut))])
        (part,) = credit([line], parts, TaxMode(prices), "EUR")
        got = (part.figures.net.minor, part.figures.tax.minor, part.figures.gross.minor)
        assert got[0] + got[1] == got[2]
        sums = [a + b for a, b in zip(sums, got, strict=True)]
        line = after(line, part.figures, Decimal(cut))

    assert sums == [net, tax, net + tax]
    assert parts_of([line], None) == []


def test_the_whole_is_one_row_per_tax_rate():
    whole = [creditable("1", 33, 7), creditable("2", 66, 13)]
    lines = credit(whole, parts_of(whole, None), TaxMode(), "EUR")

    (row,) = breakdown_of(lines, "EUR")
    assert (row.base, row.tax) == (eur(99), eur(20))
    assert totals_of(lines, "EUR").gross == eur(119)


def test_what_cannot_be_credited_is_refused():
    line = creditable("1", 100, 20)

    with pytest.raises(UnknownLine):
        parts_of([line], [(new_id(), Decimal(1))])
    with pytest.raises(Invalid, match="once"):
        parts_of([line], [(line.line_id, Decimal("0.5"))] * 2)
    with pytest.raises(OverCredited):
        parts_of([line], [(line.line_id, Decimal("1.5"))])
    with pytest.raises(NothingToCredit):
        totals_of([], "EUR")
