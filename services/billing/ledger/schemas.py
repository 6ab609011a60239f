"""Wire shapes of the ledger."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, computed_field, model_validator
from pydantic_core import PydanticCustomError

from services.billing.ledger.chart import AccountType, Control
from services.billing.ledger.rules import LIFECYCLE
from shared.values.fields import (
    Code,
    CurrencyCode,
    Entries,
    LocalDate,
    MoneyIO,
    ShortText,
    Timestamp,
    WireInput,
    WireModel,
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
    lines: Annotated[list[LineIn], Entries(2, MOST_LINES)]


class ReverseIn(WireInput):
    """When the reversal takes effect (today, unless said) and why."""

    effective_on: LocalDate | None = None
    memo: ShortText | None = None


class LineOut(WireModel):
    """One line of an entry."""

    line: int
    account: str
    debit: MoneyIO | None
    credit: MoneyIO | None
    open_item_id: UUID | None
    dimensions: dict[str, str]


class EntryOut(WireModel):
    """An entry; `created_at` is when it was recorded. Its version never changes, for it never does."""

    id: UUID
    number: str | None
    effective_on: LocalDate
    period: LocalDate
    memo: str
    source: str
    source_id: UUID | None
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
