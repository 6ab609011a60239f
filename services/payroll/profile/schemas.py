"""Wire shapes of the employer's profile.

Sources of the formats: Bacs service user number, six digits; employer PAYE reference (three digits of the office, a
slash, the reference) and Accounts Office reference of 13 signs (123PA00012345), HMRC CWG2 and RTI data items; EIN, IRS
Publication 1635, checked by python-stdnum; routing number, ABA policy; NACHA company and origin ids of ten signs.
"""

import re
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError
from stdnum.exceptions import ValidationError as BadNumber
from stdnum.us import ein as ein_rules

from shared.values.bank_fields import AnyBankAccountIn, AnyBankAccountOut, RoutingNumber
from shared.values.fields import (
    Entries,
    Flag,
    LocalDate,
    MoneyIO,
    Percent,
    ShortText,
    Timestamp,
    WireInput,
    WireModel,
)
from shared.values.masked import masked

READ_BANK: Final = "payroll.bank:read"
_PAYE: Final = re.compile(r"[0-9]{3}/[A-Z0-9]{1,10}")
_ACCOUNTS_OFFICE: Final = re.compile(r"[0-9]{3}P[A-Z][0-9]{7}[0-9X]")


def _paye(text: str) -> str:
    found = text.upper().replace(" ", "")
    if not _PAYE.fullmatch(found):
        raise PydanticCustomError("paye_reference_format", "Must be like 123/AB456")
    return found


def _accounts_office(text: str) -> str:
    found = text.upper().replace(" ", "")
    if not _ACCOUNTS_OFFICE.fullmatch(found):
        raise PydanticCustomError("accounts_office_reference_format", "Must be like 123PA00012345")
    return found


def _ein(text: str) -> str:
    try:
        found: str = ein_rules.format(ein_rules.validate(text))
    except BadNumber:
        raise PydanticCustomError("ein_format", "Must be an EIN like 12-3456789") from None
    return found


_Short = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=32)]
PayeReference = Annotated[_Short, AfterValidator(_paye)]
"""An employer's PAYE reference."""
AccountsOfficeReference = Annotated[_Short, AfterValidator(_accounts_office)]
"""An Accounts Office reference."""
Ein = Annotated[_Short, AfterValidator(_ein)]
"""An Employer Identification Number."""
ServiceUserNumber = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{6}$")]
"""A Bacs service user number."""
NachaId = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z0-9]{9,10}$")]
"""Who originates a NACHA file."""
State = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{2}$")]
"""A state's postal code."""


class NachaIO(WireInput):
    """Who is named in a NACHA file: the bank that takes it in, who sends it, and the company whose entries it has."""

    immediate_destination: RoutingNumber
    immediate_origin: NachaId
    company_id: NachaId
    company_name: Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z0-9][A-Z0-9 .&/-]{0,15}$")]


class GbIO(WireInput):
    """The employer in the United Kingdom. `apprenticeship_levy_allowance` is this scheme's share of the year's."""

    paye_reference: PayeReference | None = None
    accounts_office_reference: AccountsOfficeReference | None = None
    employment_allowance: Flag = False
    apprenticeship_levy_allowance: MoneyIO | None = None
    small_employer_relief: Flag = False


class StateIdIO(WireInput):
    """The employer's id with a state."""

    state: State
    id: ShortText


class UnemploymentRateIO(WireInput):
    """The employer's unemployment rate (per cent) in a state, from a day on until the next one of the state."""

    state: State
    rate: Percent
    valid_from: LocalDate


class UsIO(WireInput):
    """The employer in the United States."""

    ein: Ein | None = None
    state_ids: Annotated[list[StateIdIO], Entries(most=60)] = Field(default_factory=list)
    unemployment_rates: Annotated[list[UnemploymentRateIO], Entries(most=600)] = Field(default_factory=list)


class ProfileChange(WireInput):
    """The fields to change; what is left out stays as it is. `gb`, `us` and `nacha` are stated as a whole."""

    bank_account: AnyBankAccountIn | None = None
    bacs_service_user_number: ServiceUserNumber | None = None
    nacha: NachaIO | None = None
    gb: GbIO | None = None
    us: UsIO | None = None


class ProfileOut(WireModel):
    """The employer: from which account it pays, and under which references it pays over what it withholds."""

    id: UUID
    bank_account: Annotated[AnyBankAccountOut | None, masked(scope=READ_BANK)]
    bacs_service_user_number: str | None
    nacha: NachaIO | None
    gb: GbIO | None
    us: UsIO | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp
