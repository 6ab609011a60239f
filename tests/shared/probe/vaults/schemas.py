"""Wire shapes of vaults."""

from typing import Annotated
from uuid import UUID

from pydantic import Secret

from shared.values.bank_fields import BankAccountIn, BankAccountOut
from shared.values.fields import ShortText, WireInput, WireModel
from shared.values.masked import NotMasked, masked


class VaultIn(WireInput):
    name: ShortText
    account: BankAccountIn | None = None
    code: Secret[Annotated[ShortText, NotMasked]] | None = None


class VaultOut(WireModel):
    id: UUID
    name: str
    account: Annotated[BankAccountOut | None, masked(scope="probe.accounts:read")]
    code: Annotated[str | None, masked(scope="probe.codes:read", kind="tax_id")]
    version: int
