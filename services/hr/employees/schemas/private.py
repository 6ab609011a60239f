"""Wire shapes of what is sealed: taken as secrets, shown masked but to who may read it."""

from datetime import date
from typing import Annotated, Any, Final, Literal, Self

from pydantic import ConfigDict, Secret, model_validator
from pydantic_core import PydanticCustomError

from services.hr.employees.rules.tax_ids import Ein, Itin, Nino, Ssn, Utr
from shared.values.bank_fields import AnyBankAccountIn, AnyBankAccountOut
from shared.values.bounded import KnownKeys
from shared.values.fields import Code, CountryCode, LocalDate, MoneyIO, ShortText, WireModel
from shared.values.masked import Mask, NotMasked, masked

READ_PRIVATE: Final = "hr.private:read"
"""Birth date, gender, home address and tax ids."""
READ_PAY: Final = "hr.pay:read"
"""Compensation and bank account."""


class Compensation(KnownKeys):
    """What somebody is paid: a salary by year or month, or an hourly rate; above zero."""

    kind: Literal["salary", "hourly"]
    amount: MoneyIO
    per: Literal["year", "month", "hour"]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse a salary by the hour, an hourly rate by anything else, and what is no pay."""
        if (self.kind == "hourly") != (self.per == "hour"):
            raise PydanticCustomError("compensation_period", "hourly is per hour, a salary per year or month")
        if self.amount.minor <= 0:
            raise PydanticCustomError("compensation_amount", "Must be above zero")
        return self


class HomeAddress(KnownKeys):
    """Where somebody lives."""

    model_config = ConfigDict(frozen=True)

    line1: Annotated[ShortText, NotMasked]
    line2: Annotated[ShortText, NotMasked] | None = None
    city: Annotated[ShortText, NotMasked]
    region: Annotated[ShortText, NotMasked] | None = None
    postal_code: Annotated[Code, NotMasked] | None = None
    country: Annotated[CountryCode, NotMasked]


class TaxIds(KnownKeys):
    """The numbers by which tax authorities know somebody; at least one."""

    nino: Nino | None = None
    ssn: Ssn | None = None
    itin: Itin | None = None
    ein: Ein | None = None
    utr: Utr | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        """Refuse an empty object: null says that there is none."""
        if not self.model_dump(exclude_none=True):
            raise PydanticCustomError("tax_ids_missing", "Name at least one number")
        return self


BirthDateIn = Secret[Annotated[LocalDate, NotMasked]]
GenderIn = Secret[Annotated[ShortText, NotMasked]]
AddressIn = Secret[Annotated[HomeAddress, NotMasked]]
TaxIdsIn = Secret[Annotated[TaxIds, NotMasked]]
CompensationIn = Secret[Annotated[Compensation, NotMasked]]


def clear(value: Secret[Any] | AnyBankAccountIn | None) -> object:
    """The value itself as JSON can say it, to be sealed at once."""
    if isinstance(value, AnyBankAccountIn):
        return value.clear()
    secret = None if value is None else value.get_secret_value()
    if isinstance(secret, KnownKeys):
        return secret.model_dump(mode="json", exclude_none=True)
    return secret.isoformat() if isinstance(secret, date) else secret


class AddressOut(WireModel):
    """Where somebody lives, as it is shown."""

    line1: str
    line2: str | None = None
    city: str
    region: str | None = None
    postal_code: str | None = None
    country: str


class TaxIdsOut(WireModel):
    """Numbers of tax authorities, as they are shown: the last three signs, unless the caller may read them."""

    nino: Annotated[str | None, Mask("tax_id")] = None
    ssn: Annotated[str | None, Mask("tax_id")] = None
    itin: Annotated[str | None, Mask("tax_id")] = None
    ein: Annotated[str | None, Mask("tax_id")] = None
    utr: Annotated[str | None, Mask("tax_id")] = None


class EmployeeCompensationOut(WireModel):
    """What somebody is paid; without the amount unless the caller may read it."""

    kind: str
    amount: MoneyIO | None = None
    per: str


class BirthDateShown(WireModel):
    """The birth date, `YYYY-MM-DD`."""

    birth_date: Annotated[str | None, masked(scope=READ_PRIVATE)]


class GenderShown(WireModel):
    """The gender as the person states it."""

    gender: Annotated[str | None, masked(scope=READ_PRIVATE)]


class AddressShown(WireModel):
    """The home address."""

    address: Annotated[AddressOut | None, masked(scope=READ_PRIVATE)]


class TaxIdsShown(WireModel):
    """The tax ids."""

    tax_ids: Annotated[TaxIdsOut | None, masked(scope=READ_PRIVATE)]


class BankAccountShown(WireModel):
    """The account that is paid to."""

    bank_account: Annotated[AnyBankAccountOut | None, masked(scope=READ_PAY)]


class CompensationShown(WireModel):
    """The compensation."""

    compensation: Annotated[EmployeeCompensationOut | None, masked(scope=READ_PAY)]


SHOWN: Final[dict[str, type[WireModel]]] = {
    "birth_date": BirthDateShown,
    "gender": GenderShown,
    "address": AddressShown,
    "tax_ids": TaxIdsShown,
    "bank_account": BankAccountShown,
    "compensation": CompensationShown,
}
"""Each sealed field alone, since each may be sealed in another row."""
