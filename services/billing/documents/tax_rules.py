"""What a document must say of each tax category it uses: EN 16931-1:2017, BR-S, -Z, -E, -AE, -IC, -G and -O.

The standard calls category K "IC" in the names of its rules. Reasons for not charging tax (BR-*-10) are always stated.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.billing.documents.content import DocumentContent
from services.billing.documents.tax_ids import vat_id
from services.billing.documents.violation import Violation

_NO_RATE = frozenset(("Z", "E", "AE", "K", "G", "O"))
_SELLER_TAXED = frozenset(("S", "Z", "E", "AE"))  # any tax id of the seller will do
_SELLER_VAT = frozenset(("K", "G"))  # it must be a VAT identifier
_MEANT = {
    "S": "tax is charged",
    "Z": "the zero rate is applied",
    "E": "a sale is exempt",
    "AE": "the tax is reverse-charged",
    "K": "goods go to another country of the EU",
    "G": "goods are exported",
}


def family(category: str) -> str:
    """How the standard names the rules of a category."""
    return "IC" if category == "K" else category


def violations(content: DocumentContent) -> Iterator[Violation]:
    """The rules of the categories in use that the content breaks."""
    used = {line.tax_category: None for line in content.lines}
    yield from _rates(content)
    for category in used:
        yield from _seller(content, category)
    if "AE" in used and not (vat_id(content.buyer) or content.buyer.registration_number.strip()):
        yield Violation(
            "BR-AE-02", "/buyer/tax_id",
            "the tax is reverse-charged, but the customer has neither a VAT id with its country prefix nor a "
            "registration number",
        )  # fmt: skip
    if "K" in used:
        yield from _intra_community(content)
    if "O" in used:
        yield from _out_of_scope(content, {*used, *(row.category for row in content.tax_breakdown)})


def _rates(content: DocumentContent) -> Iterator[Violation]:
    named: set[str] = set()
    for n, line in enumerate(content.lines):
        rule = f"BR-{family(line.tax_category)}-05"
        if line.tax_category == "S" and line.tax_rate <= 0:
            message = (
                f"tax code {line.tax_code} is standard rated at 0 %; set its rate or use another category"
            )
        elif line.tax_category in _NO_RATE and line.tax_rate != 0:
            message = f"category {line.tax_category} has no rate, but {line.tax_rate} %"
        else:
            continue
        if rule not in named:
            named.add(rule)
            yield Violation(rule, f"/lines/{n}/tax_code", message)
    for row in content.tax_breakdown:
        if row.category in _NO_RATE and row.tax != 0:
            message = f"category {row.category} has no tax, but {row.tax}"
            yield Violation(f"BR-{family(row.category)}-09", "/tax_breakdown", message)


def _seller(content: DocumentContent, category: str) -> Iterator[Violation]:
    rule, meant = f"BR-{family(category)}-02", _MEANT.get(category, "")
    if category in _SELLER_VAT and not vat_id(content.seller):
        message = f"{meant}, but the seller profile has no VAT id with its country prefix"
        yield Violation(rule, "/seller/tax_id", message)
    if category in _SELLER_TAXED and not content.seller.tax_id.strip():
        yield Violation(rule, "/seller/tax_id", f"{meant}, but the seller profile has no tax id")


def _intra_community(content: DocumentContent) -> Iterator[Violation]:
    if not vat_id(content.buyer):
        message = f"{_MEANT['K']}, but the customer has no VAT id with its country prefix"
        yield Violation("BR-IC-02", "/buyer/tax_id", message)
    if content.delivered_on is None:
        yield Violation("BR-IC-11", "/delivered_on", f"{_MEANT['K']}, but the day of delivery is not stated")
    if not content.buyer.address.country:
        message = f"{_MEANT['K']}, but the customer's address does not say to which"
        yield Violation("BR-IC-12", "/buyer/address", message)


def _out_of_scope(content: DocumentContent, used: set[str]) -> Iterator[Violation]:
    for name, party in (("seller", content.seller), ("buyer", content.buyer)):
        if vat_id(party):
            message = f"a sale outside the scope of VAT states no VAT id, but the {name}'s is {vat_id(party)}"
            yield Violation("BR-O-02", f"/{name}/tax_id", message)
    if used != {"O"}:
        message = "sales outside the scope of VAT stand beside taxed ones; make two documents"
        yield Violation("BR-O-11", "/tax_breakdown", message)
        yield Violation("BR-O-12", "/lines", message)
