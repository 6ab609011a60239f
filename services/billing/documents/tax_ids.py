"""Which tax identifiers are VAT identifiers with a country prefix, and which are local tax numbers."""

from __future__ import annotations

from services.billing.documents.content import Party

# Countries whose VAT identifiers begin with their own prefix: the EU, Northern Ireland, Great Britain.
_VAT_PREFIXES = frozenset(
    "AT BE BG CY CZ DE DK EE EL ES FI FR GB HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI".split()  # noqa: SIM905
)


def tax_registration(party: Party) -> tuple[str, str]:
    """Which kind of tax identifier, and as written: ("VA", "DE123456789") or ("FC", "12-3456789").

    VA is a VAT identifier with its country prefix (BR-CO-09); everything else is a local tax number, FC.
    """
    compact = "".join(char for char in party.tax_id.upper() if char.isalnum())
    prefix = compact[:2]
    if len(compact) > 2 and (
        prefix in _VAT_PREFIXES or (prefix.isalpha() and prefix == party.address.country)
    ):
        return "VA", compact
    return "FC", party.tax_id.strip()


def vat_id(party: Party) -> str:
    """The VAT identifier (BT-31, BT-48), empty where the party has none."""
    scheme, tax_id = tax_registration(party)
    return tax_id if scheme == "VA" else ""


def endpoint(party: Party) -> tuple[str, str]:
    """The electronic address (BT-34, BT-49) as scheme of the EAS list and identifier; an e-mail address is one (EM)."""
    scheme, colon, address = party.electronic_address.strip().partition(":")
    if colon and scheme.strip() and address.strip():
        return scheme.strip().upper(), address.strip()
    return ("EM", party.email.strip()) if party.email.strip() else ("", "")
