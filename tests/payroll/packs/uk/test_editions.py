"""The editions: both tax years, chosen by the day of pay, with sources, and with marks on what is unconfirmed."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.payroll.engine.editions import MissingEdition
from services.payroll.packs import packs
from services.payroll.packs.uk import PACK
from tests.payroll.packs.uk.given import line, paid


def test_the_pack_is_found_by_its_name():
    assert packs()["uk"] is PACK
    assert (PACK.name, PACK.title, PACK.currency) == ("uk", "United Kingdom", "GBP")


def test_there_are_two_tax_years_without_a_gap():
    assert [(e.edition, str(e.valid_from), str(e.valid_to)) for e in PACK.editions()] == [
        ("2025-26", "2025-04-06", "2026-04-05"),
        ("2026-27", "2026-04-06", "2027-04-05"),
    ]
    assert {str(e.retrieved_on) for e in PACK.editions()} == {"2026-11-28"}


@pytest.mark.parametrize(
    ("day", "year"),
    [
        ("2025-04-06", "2025-26"),
        ("2026-04-05", "2025-26"),
        ("2026-04-06", "2026-27"),
        ("2027-04-05", "2026-27"),
    ],
)
def test_the_day_of_pay_chooses_the_tables(day: str, year: str):
    source = line(paid("3000.00", pay_on=date.fromisoformat(day)), "uk.paye").source

    assert source is not None
    assert source.year == year


@pytest.mark.parametrize("day", ["2025-04-05", "2027-04-06", "2024-06-01", "2100-01-01"])
def test_a_day_without_tables_is_refused_and_no_other_years_are_used(day: str):
    with pytest.raises(MissingEdition, match="Pack uk has no edition"):
        paid("3000.00", pay_on=date.fromisoformat(day))


def sections(figures: Any) -> Iterator[dict[str, Any]]:
    """Every object of the figures at any depth."""
    if isinstance(figures, dict):
        yield figures
        for value in figures.values():
            yield from sections(value)
    elif isinstance(figures, list):
        for value in figures:
            yield from sections(value)


@pytest.mark.parametrize("edition", PACK.editions(), ids=lambda e: e.edition)
def test_every_figure_is_a_text_and_every_source_is_known(edition: Any):
    keys = set()
    for section in sections(edition.figures):
        for name, value in section.items():
            assert value is None or isinstance(value, str | dict | list), name
            if name == "source" or name.endswith("_source"):
                keys.add(value)
    assert keys == set(edition.sources)
    for source in edition.sources.values():
        assert set(source) == {"publication", "table", "url", "year"}
        assert source["year"] == edition.edition
        assert source["url"].startswith("https://")


@pytest.mark.parametrize("edition", PACK.editions(), ids=lambda e: e.edition)
def test_what_is_unconfirmed_is_named(edition: Any):
    said = " ".join(edition.unconfirmed)

    assert "Statutory" in said
    assert "Northern Ireland" in said
    assert ("Freeport" in said) == (edition.edition == "2026-27")


def test_only_the_lower_earnings_limit_moved_in_national_insurance():
    old, new = (e.figures["national_insurance"] for e in PACK.editions())

    moved = {
        name for name, value in new["thresholds"].items() if value["year"] != old["thresholds"][name]["year"]
    }
    assert moved == {"lower_earnings_limit"}
    assert new["categories"] == old["categories"]
    assert len(new["categories"]) == 16
    assert Decimal(new["thresholds"]["lower_earnings_limit"]["year"]) == 6708
