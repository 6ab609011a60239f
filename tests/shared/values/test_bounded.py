"""What a request may hold is counted before it is looked at, and the first errors are enough."""

from typing import Annotated, Any

import pytest
from pydantic import BeforeValidator, TypeAdapter, ValidationError

from shared.values.bounded import MOST_ERRORS
from shared.values.fields import Address, Code, Entries, MoneyIO, ShortText, WholeNumber, WireInput

READ: list[object] = []
Noted = Annotated[WholeNumber, BeforeValidator(lambda value: READ.append(value) or value)]


class Line(WireInput):
    sku: Code
    count: Noted = 1


class Order(WireInput):
    customer: ShortText
    lines: Annotated[list[Line], Entries(1, 100)]
    notes: Annotated[dict[Code, ShortText], Entries(most=3)] = {}
    ship_to: Address | None = None
    total: MoneyIO | None = None


ORDERS = TypeAdapter(Order)
GOOD = {"customer": "A", "lines": [{"sku": "TEA", "count": 2}], "notes": {"a": "b"}}


@pytest.fixture(autouse=True)
def nothing_read() -> None:
    READ.clear()


def errors(given: Any) -> list[tuple[tuple[int | str, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        ORDERS.validate_python(given)
    return [(error["loc"], error["type"]) for error in caught.value.errors()]


def test_what_is_within_its_bounds_is_read_as_ever():
    read = ORDERS.validate_python(GOOD)

    assert read.lines == [Line(sku="TEA", count=2)]
    assert read == ORDERS.validate_json(ORDERS.dump_json(read))


def test_an_unknown_field_is_named_beside_what_else_is_wrong():
    assert errors({"customer": "A", "lines": [{"sku": 1}], "colour": "red"}) == [
        (("lines", 0, "sku"), "string_type"),
        (("colour",), "extra_forbidden"),
    ]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        (GOOD, ()),
        ({"lines": [{"sku": "TEA"}]}, ("lines", 0)),
        ({"ship_to": {"city": "Leeds"}}, ("ship_to",)),
        ({"total": {"amount": "1.00"}}, ("total",)),
    ],
    ids=["at the top", "in a list", "in an address", "in money"],
)
def test_of_many_unknown_fields_the_first_are_named_and_nothing_else_is_read(
    given: dict[str, Any], place: tuple[int | str, ...]
):
    whole = {"customer": "A", "lines": [{"sku": "TEA", "count": 1}]} | given
    within: Any = whole
    for step in place:
        within = within[step]
    crowded = within | {f"unknown_{n}": n for n in range(10_000)}
    if not place:
        whole = crowded
    elif place == ("lines", 0):
        whole = whole | {"lines": [crowded]}
    else:
        whole = whole | {place[0]: crowded}

    found = errors(whole)

    assert found == [((*place, f"unknown_{n}"), "extra_forbidden") for n in range(MOST_ERRORS)]


@pytest.mark.parametrize(
    ("change", "place", "code"),
    [
        ({"lines": []}, "lines", "too_short"),
        ({"lines": [{"sku": 5, "count": 7}] * 101}, "lines", "too_long"),
        ({"notes": {f"key {n}": "x" * 500 for n in range(4)}}, "notes", "too_long"),
    ],
)
def test_entries_are_counted_before_any_is_read(change: dict[str, Any], place: str, code: str):
    assert errors(GOOD | change) == [((place,), code)]
    assert 7 not in READ


def test_what_is_no_list_or_map_is_told_so():
    assert errors(GOOD | {"lines": "TEA", "notes": ["a"]}) == [
        (("lines",), "list_type"),
        (("notes",), "dict_type"),
    ]


def test_every_wrong_item_is_named_where_there_are_few():
    lines = [{"sku": "TEA"}, {"sku": 1}, {"sku": "TEA"}, {"sku": "TEA", "count": "x"}, {}]

    assert errors(GOOD | {"lines": lines}) == [
        (("lines", 1, "sku"), "string_type"),
        (("lines", 3, "count"), "int_type"),
        (("lines", 4, "sku"), "missing"),
    ]


def test_reading_ends_when_there_are_enough_errors():
    wrong = [{"sku": 1, "count": f"wrong {n}"} for n in range(100)]

    found = errors(GOOD | {"lines": wrong})

    assert len(found) == MOST_ERRORS
    assert found[-1][0] == ("lines", MOST_ERRORS // 2 - 1, "count")
    assert f"wrong {MOST_ERRORS}" not in READ


def test_the_errors_say_what_they_always_say():
    with pytest.raises(ValidationError) as here:
        ORDERS.validate_python(GOOD | {"lines": [{"sku": "x" * 65}]})
    with pytest.raises(ValidationError) as there:
        TypeAdapter(Line).validate_python({"sku": "x" * 65})

    assert [error["msg"] for error in here.value.errors()] == [error["msg"] for error in there.value.errors()]


def test_the_bounds_stand_in_the_schema():
    properties = ORDERS.json_schema()["properties"]

    assert (properties["lines"]["minItems"], properties["lines"]["maxItems"]) == (1, 100)
    assert properties["notes"]["maxProperties"] == 3
    assert "minProperties" not in properties["notes"]


def test_entries_are_of_lists_and_maps_only():
    with pytest.raises(TypeError, match="lists and maps"):
        TypeAdapter(Annotated[str, Entries(1, 5)])
