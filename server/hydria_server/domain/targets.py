"""Targets of webhooks: which URLs, and which addresses on the network, may be called."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final
from urllib.parse import urlsplit

from hydria_server.domain.errors import FieldViolationError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL_BYTES: Final = 2048
_PORTS: Final = {"http": 80, "https": 443}
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
# What the lists of older Pythons lack: protocol assignments (Teredo among them), documentation.
_SPECIAL: Final = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("2001::/23"),
    IPv6Network("3fff::/20"),
)
# Behind these a translator finds an IPv4 address, in the last 32 bits.
_TRANSLATED: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook's requests go."""

    url: str
    host: str
    port: int


def require_target(text: str, *, field: str) -> Target:
    """Return the target that a URL names.

    Raises:
        FieldViolationError: it is no `http://` or `https://` URL in plain ASCII, is longer than
            2,048 bytes, or has a user name, a password or a fragment.
    """
    if not text.isascii() or not text.isprintable() or " " in text:
        raise FieldViolationError(field, "it has characters that a URL must write as %XX or xn--")
    if len(text) > MAX_URL_BYTES:
        raise FieldViolationError(field, f"it is longer than {MAX_URL_BYTES} bytes")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise FieldViolationError(field, f"it is not a URL: {str(error)[:120]}") from None
    if parts.scheme not in _PORTS or not parts.hostname or "\\" in text:
        raise FieldViolationError(field, "it is not https://HOST/... or http://HOST/...")
    if "@" in parts.netloc:
        raise FieldViolationError(field, "it has a user name; use the signature to authenticate")
    if "#" in text or port == 0:
        raise FieldViolationError(field, "it has a fragment, or port 0")
    return Target(text, parts.hostname, port or _PORTS[parts.scheme])


def meant_address(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    embedded = address.ipv4_mapped or address.sixtofour
    if embedded is None and any(address in network for network in _TRANSLATED):
        embedded = IPv4Address(int(address) & 0xFFFF_FFFF)
    return embedded or address


def is_public(address: Address) -> bool:
    """Tell whether anybody on the internet may be there.

    Not so on loopback, link-local, private, shared (CGNAT), multicast, reserved and documentation
    ranges, however IPv6 spells them.
    """
    meant = meant_address(address)
    if meant.is_multicast or not meant.is_global or any(meant in each for each in _SPECIAL):
        return False
    return not meant.is_reserved if meant.version == 4 else meant in _GLOBAL_UNICAST
