"""Wire shapes of the seller."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, Secret

from shared.values.bank_fields import BankAccountIn, BankAccountOut
from shared.values.fields import (
    Address,
    Code,
    EmailText,
    Flag,
    LongText,
    ShortText,
    Timestamp,
    WireInput,
    WireModel,
)
from shared.values.masked import NotMasked, masked
from shared.values.party_fields import ElectronicAddress

READ_BANK = "billing.bank:read"


class ContactIO(WireInput):
    """Whom to ask about an invoice."""

    name: ShortText | None = None
    phone: ShortText | None = None
    email: EmailText | None = None


class EInvoiceReason(WireModel):
    """A rule that a document breaks as an e-invoice; `pointer` is the fact to mend, in the document."""

    rule: str
    pointer: str
    message: str


class EInvoiceOut(WireModel):
    """Whether a document is a valid e-invoice (EN 16931, or XRechnung where the customer asks for it), or why not."""

    valid: bool
    reasons: list[EInvoiceReason]


class SellerChange(WireInput):
    """The fields to change; what is left out stays as it is. Documents already numbered keep what they say."""

    address: Address | None = None
    tax_id: Code | None = None
    registration_number: Code | None = None
    email: EmailText | None = None
    contact: ContactIO | None = None
    electronic_address: ElectronicAddress | None = None
    payment_terms_text: LongText | None = None
    e_invoice_required: Flag = False
    bank_account: BankAccountIn | None = None
    payment_instructions: Secret[Annotated[LongText, NotMasked]] | None = None


class SellerOut(WireModel):
    """What the tenant's documents say of it beside its name."""

    address: Address | None
    tax_id: str | None
    registration_number: str | None
    email: str | None
    contact: ContactIO | None
    electronic_address: str | None
    payment_terms_text: str | None
    e_invoice_required: Annotated[
        bool, Field(description="Refuse to finalize an invoice that is no valid e-invoice.")
    ]
    bank_account: Annotated[BankAccountOut | None, masked(scope=READ_BANK)]
    payment_instructions: Annotated[str | None, masked(scope=READ_BANK)]
    logo_id: Annotated[
        UUID | None, Field(description="The picture on documents to come; another one has another id.")
    ]
    version: int
    created_at: Timestamp
    updated_at: Timestamp
