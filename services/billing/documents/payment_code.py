"""The QR code that banking apps of the euro area fill a transfer from.

Source: EPC069-12, version 2.1: service tag BCD, version 002, UTF-8, SEPA credit transfer, error correction M, at most
331 bytes. Non-structured remittance information carries the document's number.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from services.billing.documents.content import DocumentContent

_MOST: Final = Decimal("999999999.99")
_MOST_BYTES: Final = 331
# Where accounts take SEPA transfers; outside the European Economic Area only with the bank's BIC.
_EEA: Final = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905
)
_SEPA: Final = _EEA | frozenset("AD AL CH GB GI MC MD ME MK RS SM VA".split())  # noqa: SIM905


def payment_code(content: DocumentContent) -> str | None:
    """The text of the code; None where there is nothing to pay in euro, or no account that can be paid so."""
    account = content.bank_account
    if account is None or content.kind != "invoice" or content.state != "finalized":
        return None
    if content.currency != "EUR" or not 0 < content.due <= _MOST:
        return None
    country = account.iban[:2]
    if country not in (_SEPA if account.bic else _EEA):
        return None
    fields = (
        "BCD", "002", "1", "SCT",
        account.bic, _one_line(account.holder)[:70], account.iban, f"EUR{content.due:.2f}",
        "", "", _one_line(content.number)[:140],
    )  # fmt: skip
    text = "\n".join(fields)
    return text if len(text.encode()) <= _MOST_BYTES else None


def _one_line(text: str) -> str:
    """The text without line breaks, controls and half characters: each line is a field."""
    return " ".join("".join(char for char in text if char.isprintable()).split())
