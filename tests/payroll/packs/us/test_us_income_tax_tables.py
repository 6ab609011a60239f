"""The federal tables against what they were made of: rate schedules and standard deductions of the year.

Sources of the schedules: Rev. Proc. 2023-34, Rev. Proc. 2024-40 and Rev. Proc. 2025-32 (with Public Law 119-21 for
2026). Publication 15-T has them shifted by the standard deduction less line 1g, and halved for the Step 2 box.
"""

from decimal import ROUND_HALF_UP, Decimal

import pytest

from services.payroll.engine.editions import checksum_of, editions_in, read_edition
from services.payroll.packs.us import PACK
from services.payroll.packs.us.states.tables import STATES
from services.payroll.packs.us.tables import FOLDER, row_at, row_over, rows_of
from tests.payroll.packs.us.given import STATUSES, YEARS

RATES = [Decimal(rate) for rate in ("0.10", "0.12", "0.22", "0.24", "0.32", "0.35", "0.37")]
SCHEDULES = {
    (2024, "single"): ([11600, 47150, 100525, 191950, 243725, 609350], 14600),
    (2024, "married_joint"): ([23200, 94300, 201050, 383900, 487450, 731200], 29200),
    (2024, "head_of_household"): ([16550, 63100, 100500, 191950, 243700, 609350], 21900),
    (2025, "single"): ([11925, 48475, 103350, 197300, 250525, 626350], 15000),
    (2025, "married_joint"): ([23850, 96950, 206700, 394600, 501050, 751600], 30000),
    (2025, "head_of_household"): ([17000, 64850, 103350, 197300, 250500, 626350], 22500),
    (2026, "single"): ([12400, 50400, 105700, 201775, 256225, 640600], 16100),
    (2026, "married_joint"): ([24800, 100800, 211400, 403550, 512450, 768700], 32200),
    (2026, "head_of_household"): ([17700, 67450, 105700, 201750, 256200, 640600], 24150),
}
LINE_1G = {"single": 8600, "married_joint": 12900, "head_of_household": 8600}


def edition(year: int):
    return next(each for each in PACK.editions() if each.edition == str(year))


def expected_rows(year: int, status: str, *, step2: bool) -> list[tuple[Decimal, Decimal, Decimal]]:
    tops, standard = SCHEDULES[year, status]
    start = Decimal(standard) / 2 if step2 else Decimal(standard - LINE_1G[status])
    rows = [(Decimal(0), Decimal(0), Decimal(0))]
    base, bottom, divisor = Decimal(0), 0, 2 if step2 else 1
    for top, rate in zip([*tops, None], RATES, strict=True):
        over = start + Decimal(bottom) / divisor
        shown = base.quantize(Decimal("0.01"), ROUND_HALF_UP)
        rows.append((over.quantize(Decimal(1), ROUND_HALF_UP), shown, rate))
        if top is not None:
            base += Decimal(top - bottom) / divisor * rate
            bottom = top
    return rows


@pytest.mark.parametrize("step2", [False, True])
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("year", YEARS)
def test_a_table_follows_from_the_years_rate_schedule(year: int, status: str, step2: bool):
    table = edition(year).figures["income_tax"]["step2" if step2 else "standard"][status]

    assert [tuple(map(Decimal, row)) for row in table] == expected_rows(year, status, step2=step2)


def test_the_two_printed_base_amounts_of_2026_are_kept_as_printed():
    rows = edition(2026).figures["income_tax"]["step2"]["single"]

    assert ["108938", "20512", "0.32"] in rows
    assert ["328350", "96489.63", "0.37"] in rows
    assert Decimal(8983) + (108938 - 60900) * Decimal("0.24") == Decimal("20512.12")


def test_every_edition_says_what_it_is_and_matches_its_checksum():
    paths = [*FOLDER.glob("*.json"), *STATES.rglob("*.json")]

    assert len(paths) == 3 + 12 + 3 + 1
    for path in paths:
        read = read_edition("us", path)
        keys = {"publication", "table", "year"}
        assert all(keys <= set(source) for source in read.sources.values()), path
        assert read.valid_from <= read.valid_to
        content = {
            "edition": read.edition,
            "valid_from": str(read.valid_from),
            "valid_to": str(read.valid_to),
        }
        whole = {**content, "retrieved_on": str(read.retrieved_on), "sources": read.sources}
        whole |= {"unconfirmed": read.unconfirmed, "figures": read.figures}
        assert checksum_of(whole) == read.checksum


def test_what_was_not_seen_in_print_is_marked():
    assert edition(2024).unconfirmed
    assert edition(2025).unconfirmed
    assert all(each.unconfirmed for each in editions_in("us", STATES / "ca"))


def test_years_follow_one_another_without_a_gap():
    assert [(str(e.valid_from), str(e.valid_to)) for e in PACK.editions()] == [
        ("2024-01-01", "2024-12-31"),
        ("2025-01-01", "2025-12-31"),
        ("2026-01-01", "2026-12-31"),
    ]


def test_an_amount_at_the_beginning_of_a_row_is_in_it_where_rows_say_at_least_and_not_where_they_say_over():
    rows = rows_of([["0", "0", "0.1"], ["100", "10", "0.2"], ["200", "30", "0.3"]])

    assert [row_at(rows, Decimal(amount)).over for amount in (0, 99, 100, 200, 201)] == [0, 0, 100, 200, 200]
    assert [row_over(rows, Decimal(amount)).over for amount in (0, 100, 101, 200, 201)] == [
        0,
        0,
        100,
        100,
        200,
    ]
