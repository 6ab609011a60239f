"""Wire shapes of customers."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.values.fields import (
    Address,
    Code,
    CountryCode,
    EmailText,
    ShortText,
    Timestamp,
    WireInput,
    WireModel,
    left_out,
)
from shared.values.party_fields import Delivery, EInvoice, ElectronicAddress, LanguageCode, TermsDays

Country = Annotated[
    CountryCode | None, Field(description="Where there is a billing address its country, and no other.")
]


class CustomerIn(WireInput):
    """A customer as a client company gives it. What it leaves open is the tenant's: language, 30 days to pay."""

    name: ShortText
    email: EmailText | None = None
    phone: Code | None = None
    tax_id: Code | None = None
    external_ref: Code | None = None
    country: Country = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    language: LanguageCode | None = None
    registration_number: Code | None = None
    buyer_reference: ShortText | None = None
    electronic_address: ElectronicAddress | None = None
    payment_terms_days: TermsDays | None = None
    e_invoice: EInvoice = "none"
    delivery: Delivery = "none"


class CustomerChange(WireInput):
    """The fields to change; what is left out stays as it is."""

    name: ShortText = left_out()
    email: EmailText | None = None
    phone: Code | None = None
    tax_id: Code | None = None
    country: Country = None
    external_ref: Code | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    language: LanguageCode | None = None
    registration_number: Code | None = None
    buyer_reference: ShortText | None = None
    electronic_address: ElectronicAddress | None = None
    payment_terms_days: TermsDays | None = None
    e_invoice: EInvoice = left_out()
    delivery: Delivery = left_out()


class CustomerOut(WireModel):
    """A customer."""

    id: UUID
    name: str
    email: str | None
    phone: str | None
    tax_id: str | None
    external_ref: str | None
    country: str | None
    billing_address: Address | None
    shipping_address: Address | None
    language: str | None
    registration_number: str | None
    buyer_reference: str | None
    electronic_address: str | None
    payment_terms_days: int | None
    e_invoice: EInvoice
    delivery: Delivery
    version: int
    created_at: Timestamp
    updated_at: Timestamp
