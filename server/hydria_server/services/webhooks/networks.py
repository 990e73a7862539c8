"""Which addresses webhooks may call: public ones, and those that the operator allows."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

from hydria_server.domain.targets import Address, Network, Target, is_public, meant_address
from hydria_server.domain.webhook_errors import WebhookTargetRefusedError

RESOLVE_SECONDS: Final = 5.0


class Networks:
    """Tells where requests may go, so that nobody sends the server into its own network."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        """Make it; `allowed` are networks that may be called although they are not public."""
        self._allowed = tuple(allowed)

    def allow(self, address: Address) -> bool:
        """Tell whether this very address may be connected to."""
        spellings = {address, meant_address(address)}
        return is_public(address) or any(
            spelling in network for spelling in spellings for network in self._allowed
        )

    async def require(self, target: Target, *, field: str) -> None:
        """Return when the target has an address that may be called, now.

        Names can be made to mean something else later: whoever connects asks `allow` again.

        Raises:
            WebhookTargetRefusedError: it has none.
        """
        if not any(map(self.allow, await _addresses_of(target))):
            # The same for names that are not found: nobody learns which names there are inside.
            raise WebhookTargetRefusedError(
                field,
                f"{target.host} has no public address, and none that the operator of this server"
                " allows (docs/operations.md, webhook_networks)",
            )


async def _addresses_of(target: Target) -> list[Address]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # TimeoutError is an OSError
        return []
    return [ip_address(address[4][0]) for address in found]
