"""From a snapshot to a payslip: a pure function, so that the same snapshot gives the same bytes wherever it runs.

Contractors get what they earn: nothing is withheld of it, as they account for their taxes themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from services.payroll.engine.inputs import Deduction, Frequency, PayInput, Treatment, YearToDate
from services.payroll.engine.lines import Line, LineKind, Result, Step
from services.payroll.engine.pack import Pack
from services.payroll.engine.rounding import half_up_cent
from services.payroll.packs import packs
from services.payroll.payslips.rules.documents import Booked, payslip_document
from services.payroll.payslips.rules.garnishing import orders_by, orders_of
from services.payroll.payslips.rules.gross import ZERO, Earned, earnings_of
from services.payroll.payslips.rules.ranges import require_in_range
from services.payroll.payslips.rules.refusals import CannotPay, NotCalculable
from services.payroll.payslips.rules.roles import PENSION_TREATMENTS, role_of, role_of_deduction
from shared.values.faults import Fault
from shared.values.money import MoneyOutOfRange

MEASURES: Final = frozenset(YearToDate.__dataclass_fields__)
HUNDREDTH: Final = Decimal("0.01")
IN_FULL: Final = "sick"
STATUTORY: Final = frozenset(
    {"maternity", "paternity", "adoption", "shared_parental", "neonatal", "bereavement"}
)


def calculate(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a payslip; raises CannotPay."""
    try:
        document = _calculated(snapshot)
    except (ArithmeticError, MoneyOutOfRange):
        raise NotCalculable(snapshot["run"]["pack"]) from None
    require_in_range(document, snapshot)
    return document


def _calculated(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    _require_leave_known(snapshot)
    earned = earnings_of(snapshot)
    deductions = [each for each in snapshot["items"] if each["kind"] == "deduction"]
    contractor = snapshot["payee"]["kind"] == "contractor"
    if contractor:
        result, withheld = _contractor(earned, deductions), list[Booked]()
    else:
        result, withheld = _employee(snapshot, earned, deductions)
    orders = {each["reference"]: each["item_id"] for each in orders_of(snapshot["items"])}
    booked = [*_explained(result, earned, deductions, orders, contractor=contractor), *withheld]
    booked += _contributions(snapshot["items"], result.gross)
    result = replace(result, lines=tuple(each.line for each in booked))
    if result.net < ZERO:
        raise CannotPay(
            "negative_net", f"{_takers(result)} take more than is paid.", "payroll.net_not_negative"
        )
    warnings = [*result.warnings, *_own_warnings(snapshot)]
    return payslip_document(replace(result, warnings=tuple(warnings)), booked, snapshot)


def _require_leave_known(snapshot: Mapping[str, Any]) -> None:
    """Refuse leave whose pay the law sets, in a run that pays salary: what it comes to is not calculated here."""
    codes = {each["pay_code"] for each in snapshot["days_away"]} & STATUTORY
    if codes and snapshot["run"]["basic_pay"]:
        text = f"statutory pay of {', '.join(sorted(codes))} leave is not calculated; pay it as an item."
        raise CannotPay("statutory_leave", text, "payroll.leave.statutory")


def _employee(
    snapshot: Mapping[str, Any], earned: Sequence[Earned], deductions: Sequence[Mapping[str, Any]]
) -> tuple[Result, list[Booked]]:
    """By the pack, then by the orders to withhold; what of these the pack does not know as its own is booked here."""
    run = snapshot["run"]
    try:
        orders = orders_of(snapshot["items"])
        withholding = orders_by(run["pack"], orders)
        pay = _pay_input(snapshot, earned, deductions, withholding.declared(snapshot["declarations"], orders))
        result = packs()[run["pack"]].calculate(pay)
        lines = withholding.lines(pay, result, orders)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
        pointer = "".join(f"/{part}" for part in ("declarations", *wrong["loc"]))
        raise CannotPay(wrong["type"], f"what is declared at {pointer} cannot be used.", pointer) from None
    except Fault as fault:
        pointer = fault.errors[0].pointer if fault.errors else f"{run['pack']}.{fault.code}"
        code = fault.errors[0].code if fault.errors else fault.code
        raise CannotPay(code, f"the pack refuses it at {pointer}.", pointer) from None
    return result, [Booked(line, "garnishment", o["item_id"]) for line, o in zip(lines, orders, strict=False)]


def _pay_input(
    snapshot: Mapping[str, Any],
    earned: Sequence[Earned],
    deductions: Sequence[Mapping[str, Any]],
    declared: Mapping[str, Any],
) -> PayInput:
    run, before = snapshot["run"], snapshot["year_to_date"]
    pack = packs()[run["pack"]]
    return PayInput(
        pay_on=date.fromisoformat(run["tax_on"]),
        frequency=Frequency(run["frequency"]),
        period=run["period_number"],
        period_start=date.fromisoformat(run["period_start"]),
        earnings=tuple(each.earning for each in earned),
        declarations=pack.declarations.model_validate(declared),
        deductions=tuple(_deduction(each) for each in deductions),
        year_to_date=YearToDate(**{n: Decimal(v) for n, v in before.items() if n in MEASURES}),
        employer=_employer(pack, snapshot["employer"]),
    )


def _employer(pack: Pack, told: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - the pack's own model
    model = getattr(pack, "employer", None)
    return None if model is None or told is None else model.model_validate(told)


def _deduction(item: Mapping[str, Any]) -> Deduction:
    amount = None if item["amount"] is None else Decimal(item["amount"])
    percent = None if item["percent"] is None else Decimal(item["percent"])
    return Deduction(item["code"], Treatment(item["treatment"]), amount, percent)


def _contractor(earned: Sequence[Earned], deductions: Sequence[Mapping[str, Any]]) -> Result:
    """What is earned, less agreed deductions: per cent of gross."""
    lines = [
        Line(
            each.earning.code,
            LineKind.REIMBURSEMENT if each.earning.kind == "reimbursement" else LineKind.EARNING,
            each.earning.amount,
        )
        for each in earned
    ]
    gross = sum((line.amount for line in lines if line.kind is LineKind.EARNING), ZERO)
    for item in deductions:
        amount, basis, rate, steps = _share(item, gross)
        rule = "payroll.contractor.deduction"
        lines.append(Line(item["code"], LineKind.DEDUCTION, amount, basis, rate, rule, None, steps))
    return Result(tuple(lines), (("gross", gross),))


def _share(
    item: Mapping[str, Any], gross: Decimal
) -> tuple[Decimal, Decimal | None, Decimal | None, tuple[Step, ...]]:
    """An item's amount, or its per cent of gross pay with what it is made of."""
    if item["amount"] is not None:
        return Decimal(item["amount"]), None, None, ()
    rate = Decimal(item["percent"]) * HUNDREDTH
    amount = half_up_cent(max(gross, ZERO) * rate)
    step = Step(
        "per cent of gross", (("gross", str(gross)), ("rate", str(rate))), str(amount), "half_up_cent"
    )
    return amount, gross, rate, (step,)


def _explained(
    result: Result,
    earned: Sequence[Earned],
    deductions: Sequence[Mapping[str, Any]],
    orders: Mapping[str, str],
    *,
    contractor: bool,
) -> Iterator[Booked]:
    """The lines with their roles: first those of earnings, which get our explanations, then those of deductions."""
    for place, line in enumerate(result.lines):
        if place < len(earned):
            own = earned[place]
            told = replace(line, basis=own.basis, rate=own.rate, rule=own.rule, steps=own.steps)
            yield Booked(told, role_of(line.code, line.kind, contractor=contractor), own.item_id)
        elif place < len(earned) + len(deductions):
            item = deductions[place - len(earned)]
            yield Booked(line, role_of_deduction(Treatment(item["treatment"]), line.kind), item["id"])
        else:
            item_id = orders.get(_order_named(line))
            yield Booked(line, role_of(line.code, line.kind, contractor=contractor), item_id)


def _order_named(line: Line) -> str:
    """The reference of the order that a line withholds for, as its steps name it."""
    named = (dict(step.inputs) for step in line.steps if step.name == "order")
    return next((inputs["reference"] for inputs in named if "reference" in inputs), "")


def _contributions(items: Sequence[Mapping[str, Any]], gross: Decimal) -> Iterator[Booked]:
    """The employer's contributions: owed to the pension scheme where a pension deduction has the same code."""
    pensions = {
        item["code"]
        for item in items
        if item["treatment"] and Treatment(item["treatment"]) in PENSION_TREATMENTS
    }
    for item in items:
        if item["kind"] == "employer_contribution":
            amount, basis, rate, steps = _share(item, gross)
            rule = "payroll.item.employer_contribution"
            line = Line(item["code"], LineKind.EMPLOYER, amount, basis, rate, rule, None, steps)
            yield Booked(line, "pension" if item["code"] in pensions else "other_deduction", item["id"])


def _own_warnings(snapshot: Mapping[str, Any]) -> Iterator[str]:
    run = snapshot["run"]
    if run["basic_pay"] and any(each["pay_code"] == IN_FULL for each in snapshot["days_away"]):
        yield "sick_pay_in_full: salary is paid for days of sickness; statutory sick pay is part of it."
    if run["basic_pay"] and _leaves_with_leave(snapshot["payee"], run):
        yield "unused_leave: leave that was not taken is not paid out by the run; add it as an item."
    if snapshot["payee"]["kind"] == "contractor":
        return
    if getattr(packs()[run["pack"]], "employer", None) is not None and snapshot["employer"] is None:
        yield "no_unemployment_rate: the employer's rates of state unemployment tax are not known; none is calculated."
    if run["pack"] == "uk" and run["kind"] in ("off_cycle", "correction"):
        yield "earnings_period_apart: National Insurance is calculated on this pay alone, not with the period's other."


def _leaves_with_leave(payee: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
    """Whether somebody's employment ends in the period with leave that was not taken; days compare as ISO texts."""
    last, hours = payee["last_day"], payee["unused_leave_hours"]
    return last is not None and run["period_start"] <= last <= run["period_end"] and Decimal(hours or 0) > 0


def _takers(result: Result) -> str:
    taking = (LineKind.DEDUCTION, LineKind.SACRIFICE, LineKind.TAX)
    codes = dict.fromkeys(line.code for line in result.lines if line.kind in taking and line.amount > ZERO)
    return ", ".join(codes) or "the deductions"
