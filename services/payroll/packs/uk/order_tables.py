"""Tables of attachment orders: deduction rates by net earnings per week and per month."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.payroll.engine.lines import Source


@dataclass(frozen=True, slots=True, eq=False)
class OrderBand:
    """Net earnings up to and including `up_to` (None: all above), with the rate that then applies.

    Scottish arrestments take `fixed` and the rate of what is above the band below, at least `least`.
    """

    up_to: Decimal | None
    rate: Decimal
    higher: Decimal
    fixed: Decimal
    least: Decimal


Bands = Mapping[str, tuple[OrderBand, ...]]
"""By `week` and `month`."""


@dataclass(frozen=True, slots=True, eq=False)
class CouncilTaxTable:
    """Bands for orders made from a day on; what is above the last is taken at `above_last`."""

    orders_from: date
    bands: Bands
    above_last: Decimal
    source: Source


@dataclass(frozen=True, slots=True, eq=False)
class OrderTables:
    """All that attachment orders are worked out by."""

    dea: Bands
    dea_protected_share: Decimal
    dea_source: Source
    dea_source_northern_ireland: Source
    arrestment: Bands
    arrestment_source: Source
    council_tax: Mapping[str, tuple[CouncilTaxTable, ...]]
    """By country, oldest first."""
    maintenance_protected_share: Decimal
    maintenance_fee: Decimal
    maintenance_source: Source
    court_source: Source


def order_tables(facts: Mapping[str, Any], named: Callable[..., Source]) -> OrderTables:
    """The section `orders` of an edition."""
    dea, arrestment, maintenance = facts["dea"], facts["arrestment"], facts["child_maintenance"]
    court = facts["court"]
    return OrderTables(
        dea=_bands(dea),
        dea_protected_share=Decimal(dea["protected_share"]),
        dea_source=named(dea["source"]),
        dea_source_northern_ireland=named(dea["source"], dea["unconfirmed_northern_ireland"]),
        arrestment=_bands(arrestment),
        arrestment_source=named(arrestment["source"]),
        council_tax={
            country: tuple(_council_tax(table, named) for table in tables)
            for country, tables in facts["council_tax"].items()
        },
        maintenance_protected_share=Decimal(maintenance["protected_share"]),
        maintenance_fee=Decimal(maintenance["employer_fee"]),
        maintenance_source=named(maintenance["source"]),
        court_source=named(court["source"], court["unconfirmed"]),
    )


def _bands(facts: Mapping[str, Any]) -> Bands:
    return {unit: tuple(_band(row) for row in facts[unit]) for unit in ("week", "month")}


def _band(row: Mapping[str, Any]) -> OrderBand:
    return OrderBand(
        up_to=None if row["up_to"] is None else Decimal(row["up_to"]),
        rate=Decimal(row.get("standard", row.get("rate"))),
        higher=Decimal(row.get("higher", "0")),
        fixed=Decimal(row.get("fixed", "0")),
        least=Decimal(row.get("least", "0")),
    )


def _council_tax(facts: Mapping[str, Any], named: Callable[..., Source]) -> CouncilTaxTable:
    source = named(facts["source"], facts.get("unconfirmed"))
    made_from = date.fromisoformat(facts["orders_from"])
    return CouncilTaxTable(made_from, _bands(facts), Decimal(facts["above_last"]), source)
