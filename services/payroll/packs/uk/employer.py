"""What an employer owes or keeps in a tax year: employment allowance, apprenticeship levy, recovery of statutory pay.

Sources: National Insurance Contributions Act 2014, sections 1 to 4; Finance Act 2016, part 6, and Apprenticeship Levy
Manual ALM08300 and ALM09200; Statutory Maternity Pay (Compensation of Employers) Regulations 1994.
"""

from decimal import Decimal

from services.payroll.engine.lines import Line, LineKind
from services.payroll.engine.rounding import half_up_cent
from services.payroll.packs.uk.amounts import ZERO, step
from services.payroll.packs.uk.tables import Tables


def employment_allowance(tables: Tables, employer_contributions: Decimal, used_before: Decimal) -> Decimal:
    """What of the employer's contributions of a period need not be paid: as much as is left of the year's allowance."""
    left = max(tables.employer.employment_allowance - used_before, ZERO)
    return min(max(employer_contributions, ZERO), left)


def apprenticeship_levy(
    tables: Tables,
    tax_month: int,
    pay_bill_to_date: Decimal,
    paid_before: Decimal,
    allowance_share: Decimal | None = None,
) -> Line:
    """The levy of a tax month (1 to 12), negative where earlier months paid too much.

    The rate on the pay bill of the tax year to date, less a twelfth of the allowance for each month, less what was
    paid. `allowance_share` is what of the allowance this scheme was given among connected employers (None: all of it).
    Rounded to the nearest penny (no publication names a rounding).
    """
    employer = tables.employer
    share = employer.levy_allowance if allowance_share is None else allowance_share
    allowance = half_up_cent(share * tax_month / 12)
    charge = half_up_cent(pay_bill_to_date * employer.levy_rate)
    due = max(charge - allowance, ZERO)
    amount = due - paid_before
    steps = (
        step("charge", charge, "half_up_cent", pay_bill=pay_bill_to_date, rate=employer.levy_rate),
        step("allowance", allowance, "half_up_cent", share=share, month=tax_month),
        step("levy", amount, None, due_to_date=due, paid=paid_before),
    )
    return Line(
        "uk.apprenticeship_levy",
        LineKind.EMPLOYER,
        amount,
        basis=pay_bill_to_date,
        rate=employer.levy_rate,
        rule="uk.apprenticeship_levy.cumulative",
        source=employer.source,
        steps=steps,
    )


def is_small_employer(tables: Tables, class_1_of_last_year: Decimal) -> bool:
    """Whether small employers' relief applies: Class 1 contributions of both sides at most the limit."""
    return class_1_of_last_year <= tables.employer.small_employer_limit


def statutory_recovery(tables: Tables, parental_pay: Decimal, small_employer: bool) -> Decimal:
    """What of statutory parental pay the employer recovers from HMRC, to the nearest penny; sick pay: nothing."""
    employer = tables.employer
    rate = employer.small_employer_recovery if small_employer else employer.recovery
    return half_up_cent(parental_pay * rate)
