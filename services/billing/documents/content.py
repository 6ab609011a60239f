"""What a billing document says, before it takes a form.

`DocumentContent` is the one value both renderers read. Every amount is a `Decimal` in the document's
currency and already rounded to its `decimals`; nothing here or in the renderers recomputes what billing
posted. Field comments name the business terms (BT) and groups (BG) of EN 16931-1:2017.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

Kind = Literal["invoice", "credit_note"]
State = Literal["draft", "finalized"]
Profile = Literal["en16931", "xrechnung"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a party sits (BG-5, BG-8); `country` is an ISO 3166-1 alpha-2 code, empty where nobody has said it."""

    line1: str
    city: str
    country: str
    line2: str = ""
    region: str = ""
    postal_code: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """The seller (BG-4) or the buyer (BG-7).

    `name` is the trading name, `legal_name` the registered one (empty: the same). `tax_id` is the VAT
    identifier with its country prefix where there is one, else the local tax number. `registration_number`
    is the entry in the company register (BT-30, BT-47); a seller without any tax id needs it (BR-CO-26).
    `electronic_address` is where e-invoices reach the party (BT-34, BT-49), as `scheme:id` of the EAS list.
    `contact_name`, `phone` and `contact_email` are whom to ask (BT-41, BT-42, BT-43).
    """

    name: str
    address: Address
    legal_name: str = ""
    tax_id: str = ""
    email: str = ""
    registration_number: str = ""
    electronic_address: str = ""
    contact_name: str = ""
    phone: str = ""
    contact_email: str = ""

    @property
    def registered_name(self) -> str:
        """The name the law knows the party by (BT-27, BT-44)."""
        return self.legal_name or self.name


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One thing sold (BG-25).

    `net` = quantity × unit price − discount, rounded (BT-131); with tax-inclusive prices `unit_price` and
    `discount` include tax and `net` does not. `tax_rate` is in per cent, `tax_category` a UNCL 5305 code
    (S standard or reduced, Z zero, E exempt, AE reverse charge, K intra-community, G export, O out of
    scope). `unit` is a UN/ECE Recommendation 20 code; C62 is "one piece".
    """

    description: str
    quantity: Decimal
    unit_price: Decimal
    tax_code: str
    tax_category: str
    tax_rate: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    discount: Decimal = Decimal(0)
    unit: str = "C62"


@dataclass(frozen=True, slots=True)
class TaxRow:
    """The tax of all lines with one category and rate (BG-23): `rate` in per cent, `tax` on `base`.

    `exemption_reason` is the text the law asks for when no tax is charged (BT-120); empty takes the
    category's usual wording.
    """

    tax_code: str
    category: str
    rate: Decimal
    base: Decimal
    tax: Decimal
    exemption_reason: str = ""


@dataclass(frozen=True, slots=True)
class References:
    """Which other papers this one belongs to.

    `order_number` is the seller's own sales order (BT-14), `purchase_order` the buyer's (BT-13),
    `buyer_reference` what the buyer wants quoted, such as a German Leitweg-ID (BT-10). A credit note names
    the invoice it corrects and that invoice's date (BT-25, BT-26).
    """

    order_number: str = ""
    purchase_order: str = ""
    buyer_reference: str = ""
    original_invoice_number: str = ""
    original_invoice_issued_on: date | None = None


@dataclass(frozen=True, slots=True)
class BankAccount:
    """Where to pay (BG-17): whose account (BT-85), its IBAN (BT-84), the bank's BIC (BT-86); not in its repr."""

    holder: str = field(repr=False)
    iban: str = field(repr=False)
    bic: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """How the seller wants to be paid: in words (BT-20), and into which account."""

    text: str = field(default="", repr=False)
    account: BankAccount | None = None


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """An invoice (UNTDID 1001 code 380) or credit note (381), complete and ready to be rendered.

    Of a numbered document it is always the same, whatever happens to it, its customer or its seller later (ADR 0036).

    `decimals` are the currency's (EUR 2, JPY 0, KWD 3). `number` is empty until finalized. A credit note's
    amounts are positive: they are what is given back. `paid` is what was paid before the document was issued and
    `due` = gross − paid (BT-113, BT-115). `delivered_on` is the day of supply (BT-72). `logo_id` names the
    picture on paper; the data form has none. `prices` says whether the lines' unit prices and discounts are net or
    include tax; `language` (ISO 639-1) is the customer's, in which the paper form speaks. `profile` is the kind of
    e-invoice that the customer asks for (BT-24).
    """

    kind: Kind
    number: str
    state: State
    issued_on: date
    currency: str
    decimals: int
    seller: Party
    buyer: Party
    lines: tuple[DocumentLine, ...]
    tax_breakdown: tuple[TaxRow, ...]
    net: Decimal
    tax: Decimal
    gross: Decimal
    paid: Decimal
    due: Decimal
    due_on: date | None = None
    delivered_on: date | None = None
    payment_terms: str = field(default="", repr=False)
    bank_account: BankAccount | None = None
    references: References = References()
    notes: str = ""
    prices: Literal["net", "gross"] = "net"
    language: str = "en"
    profile: Profile = "en16931"
    logo_id: UUID | None = None
