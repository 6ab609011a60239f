"""A whole pay: its lines and their order, sums, explanations, what it adds to the year, warnings."""

from decimal import Decimal

from services.payroll.engine.inputs import Earning, EarningKind
from services.payroll.engine.lines import LineKind
from tests.payroll.packs.uk.given import D, amount, deduction, line, paid

ORDER = {"kind": "dea", "issued_on": "2025-06-01", "reference": "R1", "rate": "standard"}
PENSION = {"treatment": "net_pay_arrangement", "employee_percent": "5", "employer_percent": "3"}


def whole():
    earnings = (
        Earning("salary", EarningKind.REGULAR, D("3000.00")),
        Earning("bonus", EarningKind.SUPPLEMENTAL, D("500.00")),
        Earning("travel", EarningKind.REIMBURSEMENT, D("80.00")),
        Earning("late", EarningKind.OVERTIME, D("120.00")),
        Earning("tips", EarningKind.TIPS, D("30.00")),
    )
    return paid(
        earnings=earnings,
        deductions=(
            deduction("cycle", "salary_sacrifice", of="50.00"),
            deduction("union", "post_tax", of="10.00"),
        ),
        student_loans=["plan_2"],
        postgraduate_loan=True,
        pension=PENSION,
        attachment_orders=[ORDER],
    )


def test_lines_stand_in_the_order_of_a_payslip():
    assert [(x.code, x.kind.value) for x in whole().lines] == [
        ("salary", "earning"),
        ("bonus", "earning"),
        ("travel", "reimbursement"),
        ("late", "earning"),
        ("tips", "earning"),
        ("cycle", "sacrifice"),
        ("union", "deduction"),
        ("uk.pension_employee", "deduction"),
        ("uk.student_loan", "deduction"),
        ("uk.postgraduate_loan", "deduction"),
        ("uk.attachment", "deduction"),
        ("uk.paye", "tax"),
        ("uk.ni_employee", "tax"),
        ("uk.ni_employer", "employer"),
        ("uk.pension_employer", "employer"),
    ]


def test_a_whole_pay_comes_to_the_penny():
    found = whole()

    amounts = {x.code: x.amount for x in found.lines}
    assert amounts["uk.pension_employee"] == D("156.50")  # 5 % of 3,650 - 520
    assert amounts["uk.paye"] == D("479.00")  # 3,443.50 - 1,048.26: 2,395 at 20 %
    assert amounts["uk.ni_employee"] == D("204.16")  # 3,600 - 1,048 at 8 %
    assert amounts["uk.ni_employer"] == D("477.45")  # 3,600 - 417 at 15 %
    assert amounts["uk.student_loan"] == D("103.00")  # 3,600 - 2,448.75 at 9 %
    assert amounts["uk.postgraduate_loan"] == D("111.00")  # 3,600 - 1,750 at 6 %
    assert amounts["uk.attachment"] == D("552.07")  # 20 % of 3,600 - 156.50 - 479 - 204.16
    assert amounts["uk.pension_employer"] == D("93.90")
    assert found.gross == D("3650.00")
    assert found.net == D("2064.27")
    assert found.employer_cost == D("4251.35")
    assert found.warnings == ()


def test_what_the_pay_adds_to_the_year_to_date():
    assert whole().year_to_date == (
        ("gross", D("3650.00")),
        ("taxable", D("3443.50")),
        ("tax", D("479.00")),
        ("ni_earnings", D("3600.00")),
        ("ni_employee", D("204.16")),
        ("ni_employer", D("477.45")),
        ("student_loan", D("103.00")),
        ("postgraduate_loan", D("111.00")),
        ("pension_employee", D("156.50")),
        ("pension_employer", D("93.90")),
    )


def test_every_line_of_the_pack_names_its_rule_source_basis_and_steps():
    for each in whole().lines:
        if not each.code.startswith("uk."):
            continue
        assert each.rule.startswith("uk."), each.code
        assert each.source is not None
        assert (each.source.year, bool(each.source.publication), bool(each.source.table)) == (
            "2026-27",
            True,
            True,
        )
        assert each.basis is not None
        assert each.steps
        for step in each.steps:
            assert step.name
            assert Decimal(step.result).is_finite()


def test_income_tax_can_be_redone_by_hand():
    found = line(paid("3456.78", period=7, to_date={"taxable": "20000.00", "tax": "2500.00"}), "uk.paye")

    assert [(s.name, dict(s.inputs), s.result, s.rounding) for s in found.steps] == [
        ("pay_to_date", {"before": "20000.00", "pay": "3456.78"}, "23456.78", None),
        ("free_pay", {"number": "1257", "units": "7", "of_year": "12"}, "7337.82", "up_cent"),
        ("taxable_to_date", {"pay_to_date": "23456.78", "free_pay": "7337.82"}, "16118", "floor_unit"),
        (
            "tax_on_bands",
            {"taxable": "16118", "band_begins": "0", "tax_below": "0.0000", "rate": "0.2"},
            "3223.60",
            "cut_cent",
        ),
        ("tax_due", {"to_date": "3223.60", "paid": "2500.00"}, "723.60", None),
    ]
    assert (found.amount, found.basis, found.rule) == (D("723.60"), D("16118"), "uk.paye.cumulative")


def test_a_pay_by_itself_is_explained_without_what_was_before():
    found = line(paid("2000.00", basis="week1_month1", to_date={"taxable": "70.00"}), "uk.paye")

    assert found.rule == "uk.paye.week1_month1"
    assert found.steps[0].inputs == (("before", "0"), ("pay", "2000.00"))
    assert line(paid("2000.00", tax_code="K100"), "uk.paye").steps[1].result == "-84.09"


def test_no_pay_makes_lines_that_say_so():
    found = paid(earnings=())

    assert [(x.code, x.amount) for x in found.lines] == [
        ("uk.paye", 0), ("uk.ni_employee", 0), ("uk.ni_employer", 0),
    ]  # fmt: skip
    assert (found.net, found.warnings) == (0, ())


def test_net_pay_below_zero_is_warned_of_with_what_was_taken():
    given_up = (
        deduction("cycle", "salary_sacrifice", of="10.00"),
        deduction("loan", "post_tax", of="2000.00"),
    )

    found = paid("1500.00", deductions=given_up)

    net = found.net
    assert net < 0
    assert found.warnings == (
        f"negative_net: net pay is {net}; more than is paid is taken by cycle, loan, uk.paye, uk.ni_employee.",
    )
    assert paid("0.00", deductions=(deduction("loan", "post_tax", of="0.00"),)).warnings == ()


def test_pay_that_is_itself_below_zero_is_warned_of_in_a_whole_sentence():
    alone = paid("-500.00")
    taken = paid("-500.00", deductions=(deduction("loan", "post_tax", of="20.00"),))

    assert alone.warnings == ("negative_net: net pay is -500.00; pay itself comes to -500.00.",)
    assert taken.warnings == (
        "negative_net: net pay is -520.00; pay itself comes to -500.00, and 20.00 more is taken by loan.",
    )


def test_the_same_input_gives_the_same_result():
    assert whole() == whole()


def test_kinds_of_earnings_are_all_taxed_alike():
    for kind in (EarningKind.REGULAR, EarningKind.SUPPLEMENTAL, EarningKind.OVERTIME, EarningKind.TIPS):
        found = paid(earnings=(Earning("x", kind, D("3000.00")),))
        assert (amount(found, "uk.paye"), amount(found, "uk.ni_employee")) == (D("390.20"), D("156.16"))
    expenses = paid(earnings=(Earning("x", EarningKind.REIMBURSEMENT, D("3000.00")),))
    assert (amount(expenses, "uk.paye"), expenses.gross, expenses.net) == (0, 0, D("3000.00"))
    assert line(expenses, "x").kind is LineKind.REIMBURSEMENT


def test_an_earning_names_the_rule_of_its_kind():
    for kind in EarningKind:
        found = line(paid(earnings=(Earning("x", kind, D("3000.00")),)), "x")
        assert found.rule == f"uk.earning.{kind.value}"


def test_every_step_says_what_it_was_made_of():
    assert all(step.inputs for each in whole().lines for step in each.steps)
