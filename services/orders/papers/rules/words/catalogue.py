"""Which words they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """All words of one language; none has a default, so that a catalogue without one does not load."""

    language: str  # ISO 639-1
    pick_list: str
    delivery_note: str
    page: str  # {number}, {total}
    document_for: str  # {title}, {name}
    deliver_to: str
    sender: str
    shipped: str
    date: str
    requested: str
    order: str
    your_order: str
    your_reference: str
    warehouse: str
    parcels: str
    position: str
    sku: str
    description: str
    ordered: str
    delivered: str
    quantity: str
    picked: str
    picked_by: str
    received: str
    notes: str
    units: Mapping[str, str]  # by UN/ECE Recommendation 20 code
