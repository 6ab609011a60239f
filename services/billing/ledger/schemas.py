"""Wire shapes of the ledger."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, computed_field, model_validator
from pydantic_core import PydanticCustomError

from services.billing.ledger.chart import AccountType, Control
from services.billing.ledger.rules import LIFECYCLE, EntryKind
from shared.values.fields import (
    Code,
    CurrencyCode,
    Entries,
    Flag,
    LocalDate,
    MoneyIO,
    ShortText,
    Timestamp,
    WholeNumber,
    WireInput,
    WireModel,
    left_out,
)
from shared.values.money import Money

MOST_LINES = 1000


class AccountIn(WireInput):
    """An account to add; without a currency it takes postings of any."""

    code: Code
    name: ShortText
    type: AccountType
    currency: CurrencyCode | None = None
    control: Control | None = None


class AccountChange(WireInput):
    """The account's new name."""

    name: ShortText


class AccountOut(WireModel):
    """An account."""

    id: UUID
    code: str
    name: str
    type: str
    currency: str | None
    control: str | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class BooksChange(WireInput, validate_default=False):
    """When the books open (null: any day since 1990), and the month in which their fiscal years begin."""

    opened_on: LocalDate | None = None
    fiscal_year_starts: Annotated[WholeNumber, Field(ge=1, le=12)] = left_out()


class BooksOut(WireModel):
    """What holds for all of the tenant's books."""

    opened_on: LocalDate | None
    fiscal_year_starts: int
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class LineIn(WireInput):
    """One line: an account and either a debit or a credit."""

    account: Code
    debit: MoneyIO | None = None
    credit: MoneyIO | None = None
    dimensions: Annotated[dict[Code, ShortText], Entries(most=20)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.debit is None) == (self.credit is None):
            raise PydanticCustomError("debit_or_credit", "Give exactly one of debit and credit")
        if (self.debit or self.credit or Money.zero("EUR")).minor <= 0:
            raise PydanticCustomError("amount_not_positive", "The amount must be above zero")
        return self

    @property
    def signed(self) -> Money:
        """The amount as posted: debit positive, credit negative."""
        if self.debit is not None:
            return self.debit
        assert self.credit is not None
        return -self.credit


class EntryIn(WireInput):
    """An entry to post by hand."""

    effective_on: LocalDate
    memo: ShortText
    kind: EntryKind = "ordinary"
    lines: Annotated[list[LineIn], Entries(2, MOST_LINES)]


class ReverseIn(WireInput):
    """When the reversal takes effect (today, unless said) and why."""

    effective_on: LocalDate | None = None
    memo: ShortText | None = None


class CloseIn(WireInput):
    """Whether the open months before it close along."""

    through: Flag = False


class ReopenIn(WireInput):
    """Why a closed month is posted to again."""

    reason: ShortText


class LineOut(WireModel):
    """One line of an entry."""

    line: int
    account: str
    debit: MoneyIO | None
    credit: MoneyIO | None
    open_item_id: UUID | None
    dimensions: dict[str, str]


class EntryOut(WireModel):
    """An entry; `created_at` is when it was recorded. Its version never changes, for it never does.

    The memo of an invoice's or credit note's entry begins with the document's number.

    `source_number` is the number of what `source_id` names: the invoice or credit note it belongs to (their voids,
    too), or the entry it reverses.
    """

    id: UUID
    number: str | None
    effective_on: LocalDate
    period: LocalDate
    kind: EntryKind
    memo: str
    source: str
    source_id: UUID | None
    source_number: str | None
    reverses_id: UUID | None
    reversed_by_id: UUID | None
    actor_id: str
    lines: list[LineOut]
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class PeriodOut(WireModel):
    """A month of the books."""

    id: UUID
    starts_on: LocalDate
    ends_on: LocalDate
    state: Literal["open", "closed"]
    version: int
    created_at: Timestamp
    updated_at: Timestamp

    @computed_field  # type: ignore[prop-decorator]
    @property
    def allowed_actions(self) -> list[str]:
        """What may be done with it now."""
        return LIFECYCLE.allowed(self.state)
