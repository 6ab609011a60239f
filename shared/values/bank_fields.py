"""Bank accounts on the wire: taken as secrets, shown masked.

Source: ISO 13616 (IBAN, check digits), ISO 9362 (BIC), by python-stdnum.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Secret, StringConstraints
from pydantic_core import PydanticCustomError
from stdnum import bic as bic_rules
from stdnum import iban as iban_rules
from stdnum.exceptions import ValidationError as BadNumber

from shared.values.fields import WireInput, WireModel
from shared.values.masked import MaskedIban, NotMasked
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
