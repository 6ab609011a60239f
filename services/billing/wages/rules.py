"""Rules of wages in the books: the account of each role, what a pay run's lines must be, and how a run moves on.

A run is an accrual, dated the last day of its period (Dr wages, employer contributions, contractors, expenses; Cr what
is withheld and net pay). Net pay and what is remitted later leave the bank account.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, get_args

from services.billing.ledger.chart import (
    ROLE_BANK,
    ROLE_CONTRACTORS,
    ROLE_DEDUCTIONS_PAYABLE,
    ROLE_EMPLOYER_CONTRIBUTIONS,
    ROLE_GARNISHMENTS_PAYABLE,
    ROLE_PENSION_PAYABLE,
    ROLE_REIMBURSED,
    ROLE_SOCIAL_PAYABLE,
    ROLE_WAGES,
    ROLE_WAGES_PAYABLE,
    ROLE_WITHHOLDING_PAYABLE,
)
from services.billing.ledger.rules import Posting
from shared.context.lifecycle import Lifecycle
from shared.contracts.payroll import (
    LiabilityRemitted,
    PayRunApproved,
    PayRunFacts,
    PayRunLine,
    PayRunPaid,
    PostingRole,
)
from shared.values.faults import FieldError, Invalid, Refused
from shared.values.money import Money

ACCOUNTS: Final[dict[PostingRole, str]] = {
    "wages": ROLE_WAGES,
    "employer_contribution": ROLE_EMPLOYER_CONTRIBUTIONS,
    "contractor": ROLE_CONTRACTORS,
    "expense": ROLE_REIMBURSED,
    "withholding": ROLE_WITHHOLDING_PAYABLE,
    "social": ROLE_SOCIAL_PAYABLE,
    "pension": ROLE_PENSION_PAYABLE,
    "garnishment": ROLE_GARNISHMENTS_PAYABLE,
    "other_deduction": ROLE_DEDUCTIONS_PAYABLE,
    "net_pay": ROLE_WAGES_PAYABLE,
}
"""The account of each role."""
ROLES: Final[tuple[PostingRole, ...]] = get_args(PostingRole)
NET_PAY: Final = "net_pay"
REMITTED: Final = ("withholding", "social", "pension", "garnishment", "other_deduction")
"""What is owed to authorities, schemes and creditors, cleared when it is remitted; net pay is when its run is paid."""
COST_CENTRE: Final = "cost_centre"
"""The dimension of a posting that names a cost centre."""

APPROVED, PAID, REVERSED = "approved", "paid", "reversed"
"""What payroll tells of a run, each once."""
WAITING, POSTED = "waiting", "posted"
LIFECYCLE = Lifecycle(
    "wage_posting",
    (WAITING, "post", POSTED),
    (POSTED, "pay", PAID),
    (POSTED, "reverse", REVERSED),
    (PAID, "reverse", REVERSED),
    (REVERSED, "pay", REVERSED),
    initial=WAITING,
    internal=("post", "pay", "reverse"),
)
"""A run waits until its approval is posted: it was told of in another order, or the books refuse it for now."""


class UnusablePayRun(Invalid):
    """An event of payroll contradicts itself: nobody can post it as it is."""

    code = "unusable_pay_run"


class PayRunDiffers(Refused):
    """Something else was told of the same run or liability before."""

    code = "pay_run_differs"


class NetPayDiffers(Refused):
    """What was paid is not the net pay of the run."""

    code = "net_pay_differs"


class ReversalDiffers(Refused):
    """A reversal's lines are not those of its run with the sides exchanged."""

    code = "reversal_differs"


@dataclass(frozen=True, slots=True)
class RunLine:
    """What a run says of a role and cost centre on one side, added up; debit positive, credit negative."""

    role: PostingRole
    cost_centre: str | None
    amount: Money

    @property
    def posting(self) -> Posting:
        """The line as it is posted."""
        dimensions = {} if self.cost_centre is None else {COST_CENTRE: self.cost_centre}
        return Posting(ACCOUNTS[self.role], self.amount, None, dimensions)


def run_lines(facts: PayRunFacts) -> list[RunLine]:
    """The lines of a run added up by role, cost centre and side, in the order of roles and cost centres; no line of
    nothing. Raises UnusablePayRun where a line is not exactly one amount above or equal to nothing in the run's
    currency, and where debits and credits differ.
    """
    sums: defaultdict[tuple[int, str, int], int] = defaultdict(int)
    for n, line in enumerate(facts.lines):
        amount = _signed(n, line, facts.currency)
        side = 1 if amount > 0 else -1
        sums[ROLES.index(line.role), line.cost_centre or "", side] += amount
    if off := sum(sums.values()):
        sentence = f"Debits less credits of the run come to {off:+d} minor units of {facts.currency}, not to nothing."
        raise _unusable("/lines", "unbalanced_entry", sentence)
    return [
        RunLine(ROLES[role], cost_centre or None, Money(minor, facts.currency))
        for (role, cost_centre, _), minor in sorted(
            sums.items(), key=lambda item: (*item[0][:2], -item[0][2])
        )
        if minor
    ]


def _signed(n: int, line: PayRunLine, currency: str) -> int:
    """The minor units of a line, debit positive."""
    given = [amount for amount in (line.debit, line.credit) if amount is not None]
    if len(given) != 1:
        raise _unusable(f"/lines/{n}", "debit_or_credit", f"Line {n} is not exactly one of debit and credit.")
    if given[0].currency != currency:
        raise _unusable(
            f"/lines/{n}", "currency", f"Line {n} is in {given[0].currency}, its run in {currency}."
        )
    if given[0].minor < 0:
        raise _unusable(f"/lines/{n}", "amount_negative", f"Line {n} is below nothing.")
    return given[0].minor if line.debit is not None else -given[0].minor


def require_usable(event: PayRunFacts | PayRunPaid | LiabilityRemitted) -> None:
    """Refuse with UnusablePayRun what contradicts itself, whatever the books hold."""
    if isinstance(event, PayRunPaid):
        if event.amount.currency != event.currency or event.amount.minor < 0:
            sentence = (
                f"Net pay of {event.amount.currency} is not an amount in {event.currency}, nothing or above."
            )
            raise _unusable("/amount", "amount", sentence)
    elif isinstance(event, LiabilityRemitted):
        if event.role not in REMITTED:
            raise _unusable("/role", "role", f"{event.role} is nothing that is remitted.")
        if event.amount.minor <= 0:
            raise _unusable("/amount", "amount_not_positive", "What is remitted is above nothing.")
    else:
        if isinstance(event, PayRunApproved) and event.kind == "reversal":
            sentence = (
                "A reversal is told as payroll.pay_run.reversed.v1; posted from here it would count twice."
            )
            raise _unusable("/kind", "reversal_as_approved", sentence)
        run_lines(event)


def net_pay_of(lines: Sequence[RunLine], currency: str) -> Money:
    """What is paid out for a run: its net pay credited, less what is debited."""
    return Money(-sum(line.amount.minor for line in lines if line.role == NET_PAY), currency)


def require_net_pay(paid: Money, lines: Sequence[RunLine], currency: str) -> None:
    """Refuse with NetPayDiffers a payment of another amount than the run's net pay."""
    owed = net_pay_of(lines, currency)
    if paid != owed:
        raise NetPayDiffers(
            f"{paid} were paid, net pay of the run is {owed}.",
            paid={"amount": paid.text, "currency": paid.currency},
            net_pay={"amount": owed.text, "currency": owed.currency},
        )


def require_mirror(reversal: Sequence[RunLine], lines: Sequence[RunLine]) -> None:
    """Refuse with ReversalDiffers lines that do not take back exactly what the run has posted."""
    mirror = {(line.role, line.cost_centre, -line.amount) for line in lines}
    if {(line.role, line.cost_centre, line.amount) for line in reversal} != mirror:
        raise ReversalDiffers("The reversal's lines are not those of its run with the sides exchanged.")


def clearing(role: PostingRole, amount: Money) -> list[Posting]:
    """Dr the role's liability, Cr bank."""
    return [Posting(ACCOUNTS[role], amount), Posting(ROLE_BANK, -amount)]


def _unusable(pointer: str, code: str, sentence: str) -> UnusablePayRun:
    return UnusablePayRun(sentence, errors=[FieldError(pointer, code, sentence)])
