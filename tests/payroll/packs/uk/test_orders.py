"""Attachment orders: every table on both sides of every limit, protected earnings, priority, two orders at once."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from services.payroll.engine.inputs import Earning, EarningKind, Frequency
from services.payroll.engine.lines import LineKind
from services.payroll.packs.uk.orders import Attached, Order, OrderKind, attach
from services.payroll.packs.uk.periods import tax_period
from shared.values.faults import Invalid
from tests.payroll.packs.uk.given import NEW, OLD, D, amount, deduction, paid

DAY = date(2025, 6, 1)
ZERO = D("0.00")


def order(kind: str, **facts: Any) -> Order:
    facts = {"issued_on": DAY, "reference": kind} | facts
    return Order(OrderKind(kind), **facts)


def attached(net: Decimal | str, *orders: Order, frequency: str = "monthly") -> list[Attached]:
    return list(attach(NEW.orders, orders, D(net), tax_period(Frequency(frequency), 1)))


def amounts(net: Decimal | str, *orders: Order, frequency: str = "monthly") -> list[Decimal]:
    return [found.amount for found in attached(net, *orders, frequency=frequency)]


DEA = {
    "weekly": [
        (100, 0, 5),
        (160, 3, 6),
        (220, 5, 10),
        (270, 7, 14),
        (375, 11, 22),
        (520, 15, 30),
        (None, 20, 40),
    ],
    "monthly": [
        (430, 0, 5),
        (690, 3, 6),
        (950, 5, 10),
        (1160, 7, 14),
        (1615, 11, 22),
        (2240, 15, 30),
        (None, 20, 40),
    ],
}


@pytest.mark.parametrize("frequency", DEA)
@pytest.mark.parametrize("higher", [False, True], ids=["standard", "higher"])
def test_a_direct_earnings_attachment_takes_the_rate_of_its_band(frequency: str, higher: bool):
    bands = DEA[frequency]
    for (limit, *rates), (_, *above) in pairwise(bands):
        assert amounts(limit, order("dea", higher_rate=higher), frequency=frequency) == [
            limit * D(rates[higher]) / 100
        ]
        beside = D(limit) + 1
        assert amounts(beside, order("dea", higher_rate=higher), frequency=frequency) == [
            beside * D(above[higher]) / 100
        ]


def test_published_examples_of_direct_earnings_attachments():
    assert amounts("385.00", order("dea"), frequency="weekly") == [D("57.75")]
    assert amounts("385.00", order("dea", higher_rate=True), frequency="weekly") == [D("115.50")]
    maintenance = order("child_maintenance", amount=D("60.00"))
    assert amounts("250.00", order("dea"), maintenance, frequency="weekly") == [D("60.00"), D("17.50")]
    fine = order("aeo_priority", amount=D("486.00"))
    assert amounts("1620.00", fine, order("dea")) == [D("486.00"), D("162.00")]


def test_half_a_penny_is_dropped():
    assert amounts("450.50", order("dea")) == [D("13.51")]  # 13.515
    assert amounts("450.51", order("dea")) == [D("13.52")]  # 13.5153


def test_pay_of_several_weeks_or_months_is_looked_up_by_one():
    assert amounts("770.00", order("dea"), frequency="biweekly") == [D("115.50")]
    assert amounts("1540.00", order("dea"), frequency="four_weekly") == [D("231.00")]
    assert amounts("4845.00", order("dea"), frequency="quarterly") == [D("532.95")]
    assert amounts("600.00", order("earnings_arrestment"), frequency="biweekly") == [
        D("38.22")
    ]  # 2 * 19.1085
    assert amounts("200.00", order("council_tax", country="england"), frequency="biweekly") == [D("6.00")]
    top = order("council_tax", country="england")
    assert amounts("2000.00", top, frequency="biweekly") == [D("666.70")]  # 2 * (85.85 + 247.50)


ARRESTMENT = {
    "weekly": [("172.61", "0.00"), ("172.62", "2.30"), ("187.94", "2.30"), ("188.00", "2.31"), ("345.22", "25.89"),
               ("345.28", "25.90"), ("575.37", "71.92"), ("575.43", "71.93"),
               ("863.06", "143.84"), ("863.10", "143.86")],
    "monthly": [("750.00", "0.00"), ("750.01", "10.00"), ("816.66", "10.00"), ("816.80", "10.02"),
                ("1500.00", "112.50"),
                ("1500.10", "112.52"), ("2500.00", "312.50"), ("2500.10", "312.52"), ("3750.00", "625.00"),
                ("3750.10", "625.05"), ("5000.00", "1250.00")],
}  # fmt: skip


@pytest.mark.parametrize("frequency", ARRESTMENT)
def test_an_earnings_arrestment_takes_its_fixed_amount_and_a_share_of_the_rest(frequency: str):
    for net, taken in ARRESTMENT[frequency]:
        assert amounts(net, order("earnings_arrestment"), frequency=frequency) == [D(taken)], net


def test_both_years_have_the_scottish_table_of_april_2025():
    arrested = attach(OLD.orders, [order("earnings_arrestment")], D(900), tax_period(Frequency.MONTHLY, 1))

    assert arrested[0].amount == D("22.50")


RATES = [0, 3, 5, 7, 12, 17]
COUNCIL_TAX = {
    ("england", "2015-01-01", "weekly"): [75, 135, 185, 225, 355, 505],
    ("england", "2015-01-01", "monthly"): [300, 550, 740, 900, 1420, 2020],
    ("wales", "2022-03-31", "weekly"): [75, 135, 185, 225, 355, 505],
    ("wales", "2022-03-31", "monthly"): [300, 550, 740, 900, 1420, 2020],
    ("wales", "2022-04-01", "weekly"): [105, 190, 260, 320, 505, 715],
    ("wales", "2022-04-01", "monthly"): [430, 780, 1050, 1280, 2010, 2860],
}


@pytest.mark.parametrize(("country", "made", "frequency"), COUNCIL_TAX)
def test_a_council_tax_order_takes_one_rate_of_all_net_earnings(country: str, made: str, frequency: str):
    limits = COUNCIL_TAX[country, made, frequency]
    tax = order("council_tax", country=country, issued_on=date.fromisoformat(made))
    for place, limit in enumerate(limits):
        assert amounts(limit, tax, frequency=frequency) == [limit * D(RATES[place]) / 100]
        if place < 5:
            assert amounts(limit + 1, tax, frequency=frequency) == [(limit + 1) * D(RATES[place + 1]) / 100]
    assert amounts(limits[-1] + 1, tax, frequency=frequency) == [limits[-1] * D("0.17") + D("0.50")]
    assert amounts(limits[-1] + 100, tax, frequency=frequency) == [limits[-1] * D("0.17") + 50]


def test_a_council_tax_order_says_where_its_last_band_ends_and_what_is_taken_above():
    tax = order("council_tax", country="wales", issued_on=date(2022, 4, 1))

    (above,) = attached("6000.00", tax, frequency="monthly")
    (within,) = attached("900.00", tax, frequency="monthly")

    assert dict(above.steps[0].inputs) == {
        "net_earnings": "6000.00", "units": "1", "band_up_to": "2860", "rate": "0.17",
        "above_last_band": "3140.00", "rate_above": "0.5",
    }  # fmt: skip
    assert dict(within.steps[0].inputs) == {
        "net_earnings": "900.00", "units": "1", "band_up_to": "1050", "rate": "0.05",
    }  # fmt: skip


def test_a_second_council_tax_order_is_worked_out_on_what_the_first_left():
    first = order("council_tax", country="england", reference="first")
    second = order("council_tax", country="england", reference="second", issued_on=date(2025, 6, 2))

    found = attached("1000.00", second, first)

    assert [(a.order.reference, a.amount) for a in found] == [("first", D("120.00")), ("second", D("61.60"))]


def test_a_council_tax_order_from_before_the_tables_is_refused():
    with pytest.raises(Invalid, match="made before 2007-04-01") as refused:
        attached("1000.00", order("council_tax", country="wales", issued_on=date(2007, 3, 31), place=4))

    assert refused.value.errors[0].pointer == "/declarations/attachment_orders/4/issued_on"
    assert amounts("1000.00", order("council_tax", country="wales", issued_on=date(2007, 4, 1))) == [
        D("120.00")
    ]


def test_a_court_order_stops_at_protected_earnings():
    facts = {"amount": D("100.00"), "protected": D("900.00")}
    for kind in ("aeo_priority", "aeo_non_priority"):
        for net, taken, short in (("1000.00", "100.00", "0.00"), ("950.00", "50.00", "50.00"),
                                  ("900.00", "0.00", "100.00"),
                                  ("899.00", "0.00", "100.00"), ("-5.00", "0.00", "100.00")):  # fmt: skip
            found = attached(net, order(kind, **facts))[0]
            assert (found.amount, found.shortfall) == (D(taken), D(short))


def test_arrears_of_a_priority_order_are_taken_on_top():
    found = attached(
        "1010.00", order("aeo_priority", amount=D("30.00"), arrears=D("20.00"), protected=D("975.00"))
    )[0]

    assert (found.amount, found.shortfall) == (D("35.00"), D("15.00"))


def test_published_examples_of_child_maintenance():
    assert amounts("1200.00", order("child_maintenance", amount=D("150.00"))) == [D("150.00")]
    found = attached("900.00", order("child_maintenance", amount=D("400.00")))[0]
    assert (found.amount, found.shortfall, found.fee) == (D("360.00"), D("40.00"), ZERO)


def test_the_fee_of_a_maintenance_order_may_cut_into_protected_earnings_but_not_below_nothing():
    full = attached("900.00", order("child_maintenance", amount=D("360.00"), fee=True))[0]
    none = attached("0.00", order("child_maintenance", amount=D("360.00"), fee=True))[0]

    assert (full.amount, full.fee) == (D("360.00"), D("1.00"))
    assert (none.amount, none.fee) == (ZERO, ZERO)


def test_the_employers_fee_leaves_less_for_later_orders():
    maintenance = order("child_maintenance", amount=D("100.00"), fee=True)

    assert amounts("1000.00", maintenance, order("aeo_non_priority", amount=D("5000.00"))) == [
        D("100.00"),
        D("899.00"),
    ]


def test_orders_are_worked_out_by_priority_and_within_it_by_date():
    days = {"aeo_non_priority": 1, "dea": 2, "child_maintenance": 3, "council_tax": 4, "aeo_priority": 5}
    orders = [
        order(
            kind,
            issued_on=date(2025, 1, day),
            amount=D("10.00"),
            country="england" if kind == "council_tax" else None,
        )
        for kind, day in days.items()
    ]

    found = attached("1000.00", *orders)

    assert [a.order.kind.value for a in found] == [
        "child_maintenance",
        "council_tax",
        "aeo_priority",
        "dea",
        "aeo_non_priority",
    ]
    assert [a.amount for a in found] == [D("10.00"), D("118.80"), D("10.00"), D("70.00"), D("10.00")]


def test_orders_of_one_day_are_worked_out_as_declared():
    orders = [order("aeo_priority", reference=name, place=place) for place, name in enumerate("ab")]

    assert [a.order.reference for a in attached("100.00", *orders)] == ["a", "b"]


def test_earlier_orders_leave_less_for_later_ones():
    first = order("aeo_priority", amount=D("300.00"), reference="first")
    second = order("aeo_priority", amount=D("300.00"), protected=D("600.00"), reference="second", place=1)
    maintenance = order("child_maintenance", amount=D("500.00"), place=2)
    debt = order("aeo_non_priority", amount=D("50.00"), protected=D("560.00"))

    assert amounts("1000.00", first, second, maintenance, debt) == [
        D("300.00"),
        D("100.00"),
        ZERO,
        D("40.00"),
    ]


def test_an_arrestment_takes_no_more_than_there_is():
    assert amounts("752.00", order("aeo_priority", amount=D("1.00")), order("earnings_arrestment", place=1)) == [
        D("1.00"), D("10.00"),
    ]  # fmt: skip
    assert amounts("0.00", order("earnings_arrestment")) == [ZERO]


def declared(kind: str, **facts: Any) -> dict[str, Any]:
    return {"kind": kind, "issued_on": "2025-06-01", "reference": "R1"} | facts


def pounds(text: str) -> dict[str, str]:
    return {"amount": text, "currency": "GBP"}


def test_net_earnings_are_pay_less_tax_insurance_and_pension_without_parental_pay():
    earnings = (
        Earning("salary", EarningKind.REGULAR, D("2000.00")),
        Earning("uk.ssp", EarningKind.REGULAR, D("100.00")),
        Earning("uk.smp", EarningKind.REGULAR, D("500.00")),
        Earning("travel", EarningKind.REIMBURSEMENT, D("70.00")),
    )
    pension = {"treatment": "relief_at_source", "employee_percent": "5", "employer_percent": "3"}
    orders = [declared("dea", rate="standard")]

    found = paid(earnings=earnings, attachment_orders=orders, pension=pension, student_loans=["plan_2"])

    net = (
        D("2100.00")
        - amount(found, "uk.paye")
        - amount(found, "uk.ni_employee")
        - amount(found, "uk.pension_employee")
    )
    assert amount(found, "uk.student_loan") > 0
    taken = next(x for x in found.lines if x.code == "uk.attachment")
    assert (taken.basis, taken.amount) == (net, (net * D("0.11")).quantize(D("0.01")))
    assert taken.rule == "uk.attachment.dea"
    assert taken.steps[0].inputs == (("reference", "R1"),)
    assert (taken.steps[1].name, taken.steps[1].result) == ("net_earnings", str(net))
    assert dict(taken.steps[1].inputs) == {
        "earnings": "2100.00",
        "income_tax": str(amount(found, "uk.paye")),
        "national_insurance": str(amount(found, "uk.ni_employee")),
        "pension": str(amount(found, "uk.pension_employee")),
        "salary_sacrifice": "0.00",
    }


@pytest.mark.parametrize("treatment", ["net_pay_arrangement", "salary_sacrifice", "relief_at_source"])
def test_pension_contributions_are_no_net_earnings(treatment: str):
    taken = deduction("pension", treatment, of="100.00")
    found = paid("2000.00", deductions=(taken,), attachment_orders=[declared("dea", rate="standard")])

    basis = next(x for x in found.lines if x.code == "uk.attachment").basis
    assert basis == 1900 - amount(found, "uk.paye") - amount(found, "uk.ni_employee")


def test_an_order_issued_after_the_day_of_pay_is_refused_by_its_place():
    on_the_day = declared("dea", rate="standard", issued_on="2026-04-30")
    later = declared("dea", rate="standard", issued_on="2026-05-01")

    assert (
        paid("1000.00", pay_on=date(2026, 4, 30), attachment_orders=[on_the_day]).total(LineKind.DEDUCTION)
        > 0
    )
    with pytest.raises(Invalid) as refused:
        paid("1000.00", pay_on=date(2026, 4, 30), attachment_orders=[on_the_day, later, later])
    assert [(e.pointer, e.code) for e in refused.value.errors] == [
        (f"/declarations/attachment_orders/{place}/issued_on", "issued_after_pay") for place in (1, 2)
    ]


def test_what_an_order_falls_short_by_is_said_with_what_becomes_of_it():
    protected = {"amount": pounds("100.00"), "protected_earnings": pounds("5000.00")}
    orders = [
        declared("aeo_priority", **protected),
        declared("aeo_non_priority", **protected, reference="R2"),
    ]

    found = paid("1000.00", attachment_orders=orders)

    assert found.warnings == (
        "attachment_shortfall: order R1 falls short by 100.00; carry it forward as arrears.",
        "attachment_shortfall: order R2 falls short by 100.00; it is not carried forward.",
    )


def test_the_employers_fee_is_a_line_of_its_own():
    orders = [declared("child_maintenance", amount=pounds("50.00"), employer_fee=True)]

    found = paid("1000.00", attachment_orders=orders)

    taken = [(x.rule, x.amount) for x in found.lines if x.code == "uk.attachment"]
    assert taken == [
        ("uk.attachment.child_maintenance", D("50.00")),
        ("uk.attachment.employer_fee", D("1.00")),
    ]
    assert found.net == D("1000.00") - 51


def test_the_table_carried_to_northern_ireland_is_marked():
    here, there = (
        attached("500.00", order("dea", country=country))[0].source for country in (None, "northern_ireland")
    )

    assert (here.unconfirmed, "Northern Ireland" in (there.unconfirmed or "")) == (None, True)
