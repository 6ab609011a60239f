"""Bank accounts on the wire: taken as secrets, shown masked.

Source: ISO 13616 (IBAN, check digits), ISO 9362 (BIC), ABA routing numbers (check digit) by python-stdnum; Bacs for
sort codes (6 digits), account numbers (8 digits) and the roll numbers of building societies (up to 18 signs). Whether
a sort code and an account number go together only the bank's own tables say, which change; form alone is checked.
"""

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Secret, StringConstraints, model_validator
from pydantic_core import PydanticCustomError
from stdnum import bic as bic_rules
from stdnum import iban as iban_rules
from stdnum.exceptions import ValidationError as BadNumber
from stdnum.us import rtn as routing_rules

from shared.values.fields import WireInput, WireModel
from shared.values.masked import Mask, MaskedIban, NotMasked
from shared.values.text_fields import ShortText


def _iban(text: str) -> str:
    """The number without blanks; refuses one whose country, length or check digits are wrong."""
    try:
        # The check digits guard against slips everywhere; national rules beside them change and lag behind banks.
        found: str = iban_rules.validate(text, check_country=False)
    except BadNumber:
        raise PydanticCustomError("iban_format", "Must be an IBAN with right check digits") from None
    return found


def _bic(text: str) -> str:
    try:
        found: str = bic_rules.validate(text)
    except BadNumber:
        raise PydanticCustomError("bic_format", "Must be a BIC of 8 or 11 signs") from None
    return found


_SORT_CODE: Final = re.compile(r"[0-9]{2}([ -]?)[0-9]{2}\1[0-9]{2}")
_DIGITS: Final = re.compile(r"[0-9]+")
_ROLL_NUMBER: Final = re.compile(r"[A-Z0-9][A-Z0-9/. -]{0,17}")


def _sort_code(text: str) -> str:
    """The six digits alone."""
    if not _SORT_CODE.fullmatch(text):
        raise PydanticCustomError("sort_code_format", "Must be a sort code of 6 digits, such as 20-00-00")
    return "".join(sign for sign in text if sign.isdecimal())


def _account_number(text: str) -> str:
    """Digits without blanks; how many there are the kind of account says."""
    compact = "".join(text.split())
    if not _DIGITS.fullmatch(compact) or not 4 <= len(compact) <= 17:
        raise PydanticCustomError("account_number_format", "Must be an account number of digits")
    return compact


def _roll_number(text: str) -> str:
    found = text.strip().upper()
    if not _ROLL_NUMBER.fullmatch(found):
        raise PydanticCustomError(
            "roll_number_format", "Must be a roll number of at most 18 letters and digits"
        )
    return found


def _routing_number(text: str) -> str:
    try:
        found: str = routing_rules.validate(text)
    except BadNumber:
        raise PydanticCustomError(
            "routing_number_format", "Must be an ABA routing number of 9 digits with the right check digit"
        ) from None
    return found


_LONGEST = 64  # an IBAN has 34 signs at most, and blanks between them
_Number = Annotated[str, NotMasked, StringConstraints(strict=True, max_length=_LONGEST)]
Iban = Annotated[_Number, AfterValidator(_iban)]
"""An IBAN, stored without blanks."""
Bic = Annotated[_Number, AfterValidator(_bic)]
"""A bank's BIC."""
Holder = Annotated[ShortText, NotMasked]
"""The name an account is kept under."""


class BankAccountIn(WireInput):
    """A bank account as it is given."""

    holder: Secret[Holder]
    iban: Secret[Iban]
    bic: Secret[Bic] | None = None

    def clear(self) -> dict[str, Any]:
        """The values themselves, to be sealed at once."""
        given = {"holder": self.holder, "iban": self.iban, "bic": self.bic}
        return {name: secret.get_secret_value() for name, secret in given.items() if secret is not None}


class BankAccountOut(WireModel):
    """A bank account as it is shown: the IBAN's country and last four signs, unless the caller may read it."""

    holder: str
    iban: MaskedIban
    bic: str | None = None


SortCode = Annotated[_Number, AfterValidator(_sort_code)]
"""A UK bank's branch, stored as six digits."""
AccountNumber = Annotated[_Number, AfterValidator(_account_number)]
"""An account's number at a bank of the UK (8 digits) or the US (4 to 17), stored as digits."""
RollNumber = Annotated[_Number, AfterValidator(_roll_number)]
"""By what a UK building society knows the account behind its own."""
RoutingNumber = Annotated[_Number, AfterValidator(_routing_number)]
"""A US bank (ABA routing transit number)."""
AccountKind = Literal["checking", "savings"]

_FORMS: Final[tuple[tuple[frozenset[str], frozenset[str]], ...]] = (
    (frozenset({"iban"}), frozenset({"bic"})),
    (frozenset({"sort_code", "account_number"}), frozenset({"roll_number"})),
    (frozenset({"routing_number", "account_number", "kind"}), frozenset()),
)
_UK_DIGITS: Final = 8


class AnyBankAccountIn(WireInput):
    """A bank account as it is given: `iban` (and `bic`), `sort_code` and `account_number` (and `roll_number`), or
    `routing_number`, `account_number` and `kind`."""

    holder: Secret[Holder]
    iban: Secret[Iban] | None = None
    bic: Secret[Bic] | None = None
    sort_code: Secret[SortCode] | None = None
    account_number: Secret[AccountNumber] | None = None
    roll_number: Secret[RollNumber] | None = None
    routing_number: Secret[RoutingNumber] | None = None
    kind: Secret[Annotated[AccountKind, NotMasked]] | None = None

    @model_validator(mode="after")
    def _of_one_form(self) -> Self:
        """Refuse parts of two forms, and half a form."""
        given = self.clear().keys() - {"holder"}
        if not any(needed <= given <= needed | more for needed, more in _FORMS):
            raise PydanticCustomError(
                "bank_account_form",
                "Must be iban (bic), or sort_code and account_number (roll_number), "
                "or routing_number, account_number and kind",
            )
        number = self.account_number
        if self.sort_code and number and len(number.get_secret_value()) != _UK_DIGITS:
            raise PydanticCustomError(
                "account_number_format", "Beside a sort code the account number has 8 digits"
            )
        return self

    def clear(self) -> dict[str, Any]:
        """The values themselves, to be sealed at once."""
        given: dict[str, Secret[Any] | None] = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: secret.get_secret_value() for name, secret in given.items() if secret is not None}


class AnyBankAccountOut(WireModel):
    """A bank account as it is shown: the last signs of its number, unless the caller may read it."""

    holder: str
    iban: Annotated[str | None, Mask("iban")] = None
    bic: str | None = None
    sort_code: str | None = None
    account_number: Annotated[str | None, Mask("tax_id")] = None
    roll_number: str | None = None
    routing_number: str | None = None
    kind: str | None = None
