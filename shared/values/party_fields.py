"""What is known of a party beside its name and address: language, electronic address, terms, how it wants documents.

Source: ISO 639-1 (languages); the list of electronic address schemes (EAS) of the European Commission as of EN 16931's
code lists of 2025, for BT-34 and BT-49.
"""

import re
from typing import Annotated, Final, Literal

from babel import Locale
from pydantic import AfterValidator, Field, Strict
from pydantic_core import PydanticCustomError

from shared.values.text_fields import Code, WholeNumber

_TWO_LETTERS: Final = re.compile("[a-z]{2}")
_SCHEME: Final = re.compile("[0-9]{4}|[A-Z]{2}")
# CLDR still names sh (Serbo-Croatian), which ISO 639-1 has withdrawn.
LANGUAGES: Final = frozenset(
    code for code in map(str, Locale("en").languages) if _TWO_LETTERS.fullmatch(code)
).difference({"sh"})
"""The codes of ISO 639-1."""

EAS: Final = frozenset((
    "0002", "0007", "0009", "0037", "0060", "0088", "0096", "0097", "0106", "0130", "0135", "0142", "0147",
    "0151", "0154", "0158", "0170", "0177", "0183", "0184", "0188", "0190", "0191", "0192", "0193", "0194",
    "0195", "0196", "0198", "0199", "0200", "0201", "0202", "0203", "0204", "0205", "0208", "0209", "0210",
    "0211", "0212", "0213", "0215", "0216", "0217", "0218", "0221", "0225", "0230", "0235", "0240", "0242",
    "0244", "0245", "0246", "0248", "9910", "9913", "9914", "9915", "9918", "9919", "9920", "9922", "9923",
    "9924", "9925", "9926", "9927", "9928", "9929", "9930", "9931", "9932", "9933", "9934", "9935", "9936",
    "9937", "9938", "9939", "9940", "9941", "9942", "9943", "9944", "9945", "9946", "9947", "9948", "9949",
    "9950", "9951", "9952", "9953", "9957", "9959", "AN", "AQ", "AS", "AU", "EM",
))  # fmt: skip
"""Schemes of electronic addresses: four digits, or two letters (EM is e-mail)."""

EInvoice = Literal["none", "factur_x", "xrechnung"]
"""The kind of electronic invoice a customer asks for."""
Delivery = Literal["none", "mail"]
"""How documents reach a customer by themselves."""
TermsDays = Annotated[WholeNumber, Field(ge=0, le=365)]
"""Days from the date of an invoice until it is due."""
USUAL_TERMS: Final = 30
"""Days to pay where nothing else is said."""


def _language(code: str) -> str:
    if code not in LANGUAGES:
        raise PydanticCustomError("unknown_language", "Unknown language: two small letters of ISO 639-1")
    return code


def _electronic_address(text: str) -> str:
    scheme, colon, identifier = text.partition(":")
    if not colon or not identifier.strip() or not _SCHEME.fullmatch(scheme):
        raise PydanticCustomError(
            "electronic_address_format",
            "Must be scheme:id with a scheme of the EAS code list, as 0088:4012345000009 or EM:ap@example.com",
        )
    if scheme not in EAS:
        raise PydanticCustomError("unknown_scheme", "The scheme is not in the EAS code list")
    return text


LanguageCode = Annotated[
    str,
    Strict(),
    AfterValidator(_language),
    Field(json_schema_extra={"pattern": "^[a-z]{2}$"}, description="ISO 639-1 language", examples=["de"]),
]
ElectronicAddress = Annotated[
    Code,
    AfterValidator(_electronic_address),
    Field(
        json_schema_extra={"pattern": "^([0-9]{4}|[A-Z]{2}):.+$"},
        description="Where electronic invoices reach a party: scheme (EAS), colon, identifier",
        examples=["0088:4012345000009"],
    ),
]
