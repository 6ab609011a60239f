"""Wire shapes of the seller."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, Secret

from shared.values.bank_fields import BankAccountIn, BankAccountOut
from shared.values.fields import Address, Code, EmailText, LongText, Timestamp, WireInput, WireModel
from shared.values.masked import NotMasked, masked

READ_BANK = "billing.bank:read"


class SellerChange(WireInput):
    """The fields to change; what is left out stays as it is. Documents already numbered keep what they say."""

    address: Address | None = None
    tax_id: Code | None = None
    registration_number: Code | None = None
    email: EmailText | None = None
    bank_account: BankAccountIn | None = None
    payment_instructions: Secret[Annotated[LongText, NotMasked]] | None = None


class SellerOut(WireModel):
    """What the tenant's documents say of it beside its name."""

    address: Address | None
    tax_id: str | None
    registration_number: str | None
    email: str | None
    bank_account: Annotated[BankAccountOut | None, masked(scope=READ_BANK)]
    payment_instructions: Annotated[str | None, masked(scope=READ_BANK)]
    logo_id: Annotated[
        UUID | None, Field(description="The picture on documents to come; another one has another id.")
    ]
    version: int
    created_at: Timestamp
    updated_at: Timestamp
