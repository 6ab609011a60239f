"""Rules of invoices, without a database."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from services.billing.invoices.rules import (
    LIFECYCLE,
    InconsistentFigures,
    PricedLine,
    figures_of,
    midnight_after,
    payment_status,
    require_coherent,
)
from shared.context.lifecycle import IllegalTransition
from shared.values.money import Money
from tests.billing.given import shipment


@pytest.mark.parametrize(
    ("state", "gross", "open_", "paid", "credited", "lost", "status"),
    [
        ("draft", 100, 0, 0, 0, 0, "unpaid"),
        ("voided", 100, 0, 0, 0, 0, "unpaid"),
        ("finalized", 0, 0, 0, 0, 0, "paid"),
        ("finalized", 100, 100, 0, 0, 0, "unpaid"),
        ("finalized", 100, 99, 1, 0, 0, "part_paid"),
        ("finalized", 100, 0, 100, 0, 0, "paid"),
        # Credit lowers what is to be paid.
        ("finalized", 100, 60, 0, 40, 0, "unpaid"),
        ("finalized", 100, 0, 0, 100, 0, "credited"),
        ("finalized", 100, 0, 60, 40, 0, "paid"),
        ("finalized", 100, 0, 100, 40, 0, "paid"),
        ("finalized", 100, 0, 100, 100, 0, "credited"),
        # Paid, credited as a whole, and then the payment bounced: the credit is not on the invoice yet.
        ("finalized", 100, 100, 0, 100, 0, "unpaid"),
        # A discount, a fee and a difference are let go; a bad debt is not paid by being lost.
        ("finalized", 100, 0, 97, 0, 0, "paid"),
        ("finalized", 100, 0, 0, 0, 0, "credited"),
        ("finalized", 100, 0, 30, 0, 70, "part_paid"),
        ("finalized", 100, 0, 0, 0, 100, "unpaid"),
    ],
)
def test_payment_status(state: str, gross: int, open_: int, paid: int, credited: int, lost: int, status: str):
    found = payment_status(state, gross=gross, open_=open_, paid=paid, credited=credited, lost=lost)

    assert found == status


@pytest.mark.parametrize("state", LIFECYCLE.states)
@pytest.mark.parametrize("verb", LIFECYCLE.verbs)
def test_every_state_answers_every_verb(state, verb):
    legal = {
        ("draft", "finalize"): "finalized",
        ("finalized", "send"): "finalized",
        ("finalized", "void"): "voided",
        ("finalized", "write_off"): "finalized",
        ("finalized", "reopen"): "finalized",
    }
    if (state, verb) in legal:
        assert LIFECYCLE.target(state, verb) == legal[state, verb]
    else:
        with pytest.raises(IllegalTransition):
            LIFECYCLE.target(state, verb)


def test_tax_is_rounded_once_per_rate_as_en_16931_wants():
    line = PricedLine(Decimal(1), Money(33, "EUR"), Decimal(0), "standard", "S", Decimal(19))

    found = figures_of([line] * 3, prices="net", rounding="document", currency="EUR")

    assert (found.totals.tax.minor, [x.tax.minor for x in found.lines]) == (19, [7, 6, 6])


def test_the_due_date_ends_at_local_midnight_also_when_clocks_change():
    assert midnight_after(date(2026, 3, 28), "Europe/Berlin") == datetime(
        2026, 3, 28, 23, tzinfo=ZoneInfo("UTC")
    )
    assert midnight_after(date(2026, 3, 29), "Europe/Berlin") == datetime(
        2026, 3, 29, 22, tzinfo=ZoneInfo("UTC")
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"net": Money(1001, "GBP")},
        {"tax": Money(1, "GBP")},
        {"gross": Money(1, "GBP")},
        {"lines": []},
        {"tax_breakdown": []},
        {"net": Money(1000, "EUR")},
        {"currency": "EUR"},
    ],
)
def test_figures_that_contradict_each_other_are_refused(changes):
    with pytest.raises(InconsistentFigures):
        require_coherent(shipment("10.00").model_copy(update=changes))


def test_sound_figures_pass():
    require_coherent(shipment("10.00", "0.33", "0.33", "0.33"))
