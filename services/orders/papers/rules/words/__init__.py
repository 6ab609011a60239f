"""The words of papers that go along with goods, a module for each language; English where there is none."""

from __future__ import annotations

from services.orders.papers.rules.words import de, en, fr
from services.orders.papers.rules.words.catalogue import Words

CATALOGUES = {"en": en.WORDS, "de": de.WORDS, "fr": fr.WORDS}


def words_in(language: str) -> Words:
    """The words of a language (ISO 639-1)."""
    return CATALOGUES.get(language[:2].lower(), en.WORDS)
