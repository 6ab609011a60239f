"""Writing Cross Industry Invoice elements: namespaces, amounts, dates, and text XML can carry."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, TypeAlias

from lxml import etree  # type: ignore[import-untyped]

Element: TypeAlias = Any  # an lxml element; lxml ships no types

_NAMESPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
# XML 1.0 section 2.2: these characters may not stand in a document, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"


def root(name: str) -> Element:
    """The message's outermost element."""
    return etree.Element(_tag(f"rsm:{name}"), nsmap=_NAMESPACES)


def writable(text: str) -> str:
    """The text without characters that XML forbids."""
    return _FORBIDDEN.sub("", text)


def add(parent: Element, name: str, text: str = "", **attributes: str) -> Element:
    """A child `prefix:Name` at the end of its parent; characters XML forbids are left out of its text."""
    child = etree.SubElement(parent, _tag(name), attributes)
    if text:
        child.text = writable(text)
    return child


def day(parent: Element, value: date, name: str = "udt:DateTimeString") -> None:
    """A calendar day in format 102, YYYYMMDD."""
    add(parent, name, f"{value:%Y%m%d}", format="102")
