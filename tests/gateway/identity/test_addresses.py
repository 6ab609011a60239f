"""The address that limits are counted for, and the word to an operator who forgot his proxy."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from gateway.identity.addresses import Addresses


def asked(peer: str, **headers: str) -> dict[str, Any]:
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "client": (peer, 1234), "headers": told}


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    """What is logged, which tests otherwise leave out."""
    kept = structlog.get_config()
    structlog.configure(wrapper_class=structlog.BoundLogger)
    with structlog.testing.capture_logs() as entries:
        yield entries
    structlog.configure(**kept)


@pytest.mark.parametrize(
    ("peer", "told", "found"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("2001:db8::1", "10.0.0.1", "2001:db8::/64"),
    ],
)
def test_who_is_told_by_a_trusted_proxy_is_believed_and_nobody_else(peer: str, told: str, found: str):
    assert Addresses("10.0.0.0/8").of(asked(peer, x_forwarded_for=told)) == found


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded"])
def test_an_untrusted_proxy_is_told_to_the_operator_once(logs: list[Any], header: str):
    addresses = Addresses("")
    addresses.of(asked("10.0.0.1"))
    assert logs == []

    for _ in range(3):
        assert addresses.of(asked("10.0.0.1", **{header: "203.0.113.9"})) == "10.0.0.1"

    (line,) = logs
    assert (line["log_level"], line["peer"]) == ("warning", "10.0.0.1")
    assert "BACKOFFICE_TRUSTED_PROXIES" in line["event"]


def test_of_a_trusted_proxy_nothing_is_said(logs: list[Any]):
    Addresses("10.0.0.0/8").of(asked("10.0.0.1", x_forwarded_for="203.0.113.9", forwarded="for=203.0.113.9"))

    assert logs == []
