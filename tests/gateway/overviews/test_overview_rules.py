"""Pages of several services as one, and where each of them goes on."""

import pytest

from gateway.overviews import rules
from gateway.overviews.rules import Part, merged
from shared.values.ids import new_id

IDS = [str(new_id()) for _ in range(6)]  # oldest first


def items(*numbers: int) -> list[dict[str, str]]:
    return [{"id": IDS[n]} for n in numbers]


def test_the_newest_of_all_services_come_first_and_each_goes_on_after_its_last_one():
    page = merged([Part("orders", items(5, 2, 1), True), Part("billing", items(4, 3), False)], {}, limit=3)

    assert [(i["id"], i["service"]) for i in page.items] == [
        (IDS[5], "orders"), (IDS[4], "billing"), (IDS[3], "billing"),
    ]  # fmt: skip
    assert {service: str(place) for service, place in page.places.items()} == {
        "orders": IDS[5],
        "billing": IDS[3],
    }
    assert page.more


def test_a_service_that_was_missing_keeps_its_place():
    before = {"billing": new_id()}

    page = merged([Part("orders", items(1), False)], before, limit=3)

    assert page.places["billing"] == before["billing"]
    assert not page.more


def test_there_is_more_when_a_service_has_more_or_not_all_fitted():
    assert merged([Part("orders", items(2), True)], {}, limit=1).more
    assert merged([Part("orders", items(2, 1), False)], {}, limit=1).more
    assert not merged([Part("orders", items(2, 1), False)], {}, limit=2).more


def test_places_are_read_as_they_were_written():
    places = {"orders": new_id(), "billing": new_id()}

    assert rules.read(rules.written(places)) == places
    assert rules.read(None) == {}


@pytest.mark.parametrize("cursor", [b"", b"x" * 16, b"[]", b'{"orders": 1}', b'{"orders": "x"}', b"null"])
def test_a_cursor_of_something_else_is_refused(cursor: bytes):
    with pytest.raises(ValueError):
        rules.read(cursor)
