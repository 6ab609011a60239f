"""How a document speaks to its reader: the words of the language, figures as the country writes them, what the tax is
called, and why none is charged.

Sources: Directive 2006/112/EC art. 226 (11) and (11a), art. 138 and 146; § 4 and § 6a UStG; art. 262 and 262 ter CGI;
VAT Act 1994 s. 30 (6). Whoever issues by the law of a state may write its term for reverse charge in any language
version of art. 226 (11a): where the document is in another language, the seller's own is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.billing.documents.content import DocumentContent, Party, TaxRow
from services.billing.documents.words import words_in
from services.billing.documents.words.catalogue import Words
from shared.paper.figures import Figures

# Art. 226 (11a) in the languages of the member states.
REVERSE_CHARGE: Final = {
    "AT": "Steuerschuldnerschaft des Leistungsempfängers",
    "BE": "Btw verlegd / Autoliquidation",
    "BG": "обратно начисляване",
    "CY": "αντίστροφη επιβάρυνση",
    "CZ": "daň odvede zákazník",
    "DE": "Steuerschuldnerschaft des Leistungsempfängers",
    "DK": "omvendt betalingspligt",
    "EE": "pöördmaksustamine",
    "ES": "inversión del sujeto pasivo",
    "FI": "käännetty verovelvollisuus",
    "FR": "Autoliquidation",
    "GR": "αντίστροφη επιβάρυνση",
    "HR": "prijenos porezne obveze",
    "HU": "fordított adózás",
    "IE": "Reverse charge",
    "IT": "inversione contabile",
    "LT": "atvirkštinis apmokestinimas",
    "LU": "Autoliquidation",
    "LV": "nodokļa apgrieztā maksāšana",
    "MT": "Reverse charge",
    "NL": "btw verlegd",
    "PL": "odwrotne obciążenie",
    "PT": "autoliquidação",
    "RO": "taxare inversă",
    "SE": "omvänd betalningsskyldighet",
    "SI": "obrnjena davčna obveznost",
    "SK": "prenesenie daňovej povinnosti",
}
_VAT: Final = frozenset(
    (*REVERSE_CHARGE, "AE", "BH", "CH", "GB", "IM", "IS", "LI", "MC", "NO", "OM", "SA", "XI", "ZA")
)
_DIRECTIVE: Final = {"K": "138", "G": "146"}
_LAWS: Final = {
    ("AT", "K"): "Art. 6 Abs. 1 UStG 1994",
    ("AT", "G"): "§ 6 Abs. 1 Z 1 und § 7 UStG 1994",
    ("DE", "K"): "§ 4 Nr. 1 Buchst. b und § 6a UStG",
    ("DE", "G"): "§ 4 Nr. 1 Buchst. a und § 6 UStG",
    ("FR", "K"): "art. 262 ter, I du CGI",
    ("FR", "G"): "art. 262, I du CGI",
    ("GB", "G"): "VAT Act 1994, s. 30 (6)",
}


@dataclass(frozen=True)
class Spoken:
    """Words and figures for one reader of one seller."""

    words: Words
    figures: Figures
    tax: str

    @classmethod
    def to(cls, language: str, buyer: Party, seller: Party) -> Spoken:
        """The buyer's language and figures. The tax is called "VAT", "GST"; plainly "Tax" where it may be no VAT."""
        words, country = words_in(language), seller.address.country
        tax = words.vat_in.get(country, words.vat if country in _VAT else words.tax)
        return cls(words, Figures(words.language, buyer.address.country), tax)

    def say(self, text: str) -> str:
        """A text of the catalogue with the tax's name in it."""
        return text.format(tax=self.tax)


@dataclass(frozen=True)
class Wording(Spoken):
    """One document's words and figures."""

    content: DocumentContent

    @classmethod
    def of(cls, content: DocumentContent) -> Wording:
        """The wording of an invoice or credit note."""
        spoken = Spoken.to(content.language, content.buyer, content.seller)
        return cls(spoken.words, spoken.figures, spoken.tax, content)

    def title(self) -> str:
        """What the document is called: "Invoice INV-2026-000017"."""
        words, content = self.words, self.content
        name = words.invoice if content.kind == "invoice" else words.credit_note
        return f"{name} {content.number}" if content.number else f"{name} · {words.unnumbered}"

    def amount(self, value: Decimal) -> str:
        """An amount of the document's currency, without its name."""
        return self.figures.amount(value, self.content.decimals)

    def reason(self, row: TaxRow) -> str:
        """What a row of the tax table is about; where no tax is charged the words the law asks for."""
        sentence = self.words.reasons.get(row.category)
        if sentence is None:
            return self.words.taxed
        seller = self.content.seller.address.country
        parts = [self.say(sentence)]
        own = REVERSE_CHARGE.get(seller, "") if row.category == "AE" else ""
        if own.casefold() not in parts[0].casefold():
            parts.append(own)
        law = _LAWS.get((seller, row.category), "")
        if not law and seller in REVERSE_CHARGE and row.category in _DIRECTIVE:
            law = self.words.directive.format(article=_DIRECTIVE[row.category])
        parts += [law, row.exemption_reason]
        return ", ".join(part for part in parts if part).replace(
            "§ ", "§\u00a0"
        )  # no line ends with the sign
