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

Country = Annotated[
    CountryCode | None, Field(description="Where there is a billing address its country, and no other.")
]


class CustomerIn(WireInput):
    """A customer as a client company gives it."""

    name: ShortText
    email: EmailText | None = None
    phone: Code | None = None
    tax_id: Code | None = None
    external_ref: Code | None = None
    country: Country = None
    billing_address: Address | None = None
    shipping_address: Address | None = None


class CustomerChange(WireInput):
    """The fields to change; what is left out stays as it is."""

    name: ShortText = left_out()
    email: EmailText | None = None
    phone: Code | None = None
    tax_id: Code | None = None
    country: Country = None
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
    country: str | None
    billing_address: Address | None
    shipping_address: Address | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp
