"""Which URLs and addresses webhooks may call."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.targets import is_public, require_target
from hydria_server.services.webhooks.networks import Networks

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.251",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "2001:0:4136:e378::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "100::1",
    "4000::1",
]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_not_everybody_can_reach_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not Networks(()).allow(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_an_operator_allows_networks_in_every_spelling() -> None:
    networks = Networks([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])

    assert networks.allow(ip_address("10.9.9.9"))
    assert networks.allow(ip_address("::ffff:10.9.9.9"))
    assert networks.allow(ip_address("fd12::1"))
    assert not networks.allow(ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com/a",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https:///path",
        "https://user:word@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com/#part",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://example.com:port/",
        "https://exämple.com/",
        "https://example.com/a b",
        "https://example.com/\r\nHost: other",
        "https://[::1/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com/" + "a" * 2048,
    ],
)
def test_what_is_no_plain_url_of_http_is_refused(url: str) -> None:
    with pytest.raises(FieldViolationError):
        require_target(url, field="target_url")


def test_a_target_has_the_port_of_its_scheme_unless_it_says_another() -> None:
    assert require_target("https://example.com/x?y=1", field="f").port == 443
    assert require_target("http://example.com", field="f").port == 80
    assert require_target("HTTP://[2606:4700::1111]:81/", field="f").port == 81
