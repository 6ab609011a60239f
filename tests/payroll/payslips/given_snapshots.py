"""Snapshots of payees: thirty thousand pounds a year, paid for April 2026."""

from typing import Any

from services.payroll.payslips.rules.snapshots import ENGINE

PERIODS = {
    "weekly": ("2026-04-06", "2026-04-12"),
    "biweekly": ("2026-04-06", "2026-04-19"),
    "four_weekly": ("2026-04-06", "2026-05-03"),
    "semimonthly": ("2026-04-01", "2026-04-15"),
    "monthly": ("2026-04-01", "2026-04-30"),
}
SALARY = {"kind": "salary", "amount": "30000.00", "per": "year"}


def stretch(**facts: Any) -> dict[str, Any]:
    """Days that the same terms hold for; those of the period where none are said."""
    return {"first": None, "last": None, "weekly_hours": "37.50", "compensation": SALARY} | facts


def snapshot(*, run: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    """A snapshot with other terms of the run, or other parts."""
    wanted = run or {}
    first, last = PERIODS[wanted.get("frequency", "monthly")]
    terms = {
        "kind": "regular", "basic_pay": True, "pack": "uk", "frequency": "monthly", "period_number": 1,
        "period_start": first, "period_end": last, "tax_year": 2026, "pay_on": "2026-04-30", "tax_on": "2026-04-30",
    } | wanted  # fmt: skip
    found = {
        "engine": ENGINE,
        "tables": "",
        "run": terms,
        "payee": {
            "id": "",
            "kind": "employee",
            "first_day": "2020-01-01",
            "last_day": None,
            "unused_leave_hours": None,
        },
        "stretches": [stretch()],
        "days_away": [],
        "items": [],
        "declarations": {"tax_code": "1257L", "ni_category": "A"},
        "employer": None,
        "year_to_date": {},
        "lines_before": {},
    } | parts
    found["stretches"] = [
        each | {"first": each["first"] or first, "last": each["last"] or last} for each in found["stretches"]
    ]
    return found
