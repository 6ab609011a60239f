"""Networks as settings name them."""

import pytest

from gateway.settings import GatewaySettings
from shared.base.settings import PRIVATE
from shared.values.networks import Networks, counted_as


@pytest.mark.parametrize("address", ["127.0.0.1", "10.9.8.7", "172.16.0.1", "192.168.1.1", "::1", "fd12::9"])
def test_private_addresses_are_in_the_private_networks(address: str):
    assert address in Networks(PRIVATE)


@pytest.mark.parametrize(
    "address", ["172.32.0.1", "8.8.8.8", "2001:db8::1", "unknown", "", "/run/socket", "10.0.0"]
)
def test_others_are_not_and_what_is_no_address_is_nowhere(address: str):
    assert address not in Networks(PRIVATE)


def test_an_ipv4_address_over_an_ipv6_socket_is_that_address():
    assert "::ffff:10.0.0.1" in Networks("10.0.0.0/8")
    assert "::ffff:8.8.8.8" not in Networks("10.0.0.0/8")


def test_no_networks_hold_nobody():
    assert not Networks(" , ")
    assert "127.0.0.1" not in Networks("")


@pytest.mark.parametrize("setting", ["metrics_networks", "trusted_proxies"])
def test_a_setting_that_names_no_network_is_refused_at_the_start(setting: str):
    with pytest.raises(ValueError, match=setting):
        GatewaySettings(**{setting: "10.0.0.0/8, my-proxy"})


def test_an_ipv6_caller_is_counted_as_its_64_and_an_ipv4_one_as_itself():
    assert counted_as("2001:db8:1:2:3::4") == counted_as("2001:db8:1:2:ffff::") == "2001:db8:1:2::/64"
    assert counted_as("::ffff:192.0.2.1") == counted_as("192.0.2.1") == "192.0.2.1"
    assert counted_as("a name" * 100) == ("a name" * 100)[:64]
