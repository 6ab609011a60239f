"""Wire shapes of the seller."""

from shared.values.fields import Address, Code, EmailText, LongText, Timestamp, WireInput, WireModel


class SellerChange(WireInput):
    """The fields to change; what is left out stays as it is. Documents already numbered keep what they say."""

    address: Address | None = None
    tax_id: Code | None = None
    registration_number: Code | None = None
    email: EmailText | None = None
    payment_instructions: LongText | None = None


class SellerOut(WireModel):
    """What the tenant's documents say of it beside its name."""

    address: Address | None
    tax_id: str | None
    registration_number: str | None
    email: str | None
    payment_instructions: str | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp
