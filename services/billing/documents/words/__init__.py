"""The words of billing documents, a module for each language.

A language is its module and its line in `CATALOGUES`; `Words` has no defaults: a catalogue that lacks a word does not
load. What stands in braces is replaced: `{tax}` by what the tax is called where the seller is.
"""

from __future__ import annotations

from services.billing.documents.words import de, en, fr
from services.billing.documents.words.catalogue import Words

CATALOGUES = {"en": en.WORDS, "de": de.WORDS, "fr": fr.WORDS}


def words_in(language: str) -> Words:
    """The words of a language (ISO 639-1, "de", "fr-CA"); English where there is no catalogue of it."""
    return CATALOGUES.get(language[:2].lower(), en.WORDS)
