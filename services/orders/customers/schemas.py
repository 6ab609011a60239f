"""Wire shapes of customers."""

from uuid import UUID

from shared.values.fields import (
    Address,
    Code,
    EmailText,
    ShortText,
    Timestamp,
    WireInput,
    WireModel,
    left_out,
)


class CustomerIn(WireInput):
    """A customer as a client company gives it."""

    name: ShortText
    email: EmailText | None = None
    phone: Code | None = None
    tax_id: Code | None = None
    external_ref: Code | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None


class CustomerChange(WireInput):
    """The fields to change; what is left out stays as it is."""

    name: ShortText = left_out()
    email: EmailText | None = None
    phone: Code | None = None
    tax_id: Code | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None


class CustomerOut(WireModel):
    """A customer."""

    id: UUID
    name: str
    email: str | None
    phone: str | None
    tax_id: str | None
    external_ref: str | None
    billing_address: Address | None
    shipping_address: Address | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp
