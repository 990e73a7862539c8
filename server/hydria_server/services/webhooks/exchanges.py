"""HTTP to the targets of webhooks. Who imports this imports aiohttp, which takes 0.2 s."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from ipaddress import ip_address

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.connector import AddrInfoType
from yarl import URL

from hydria_server.domain.webhooks import MAX_MESSAGE_BYTES
from hydria_server.services.webhooks.networks import Networks
from hydria_server.services.webhooks.sending import NO_ANSWER


class Exchanges:
    """A request and its answer at a time, on a connection of their own. No redirect is followed.

    The check is where the socket is made, with the address that it will be connected to: whatever
    a name means now, however an address is spelled.
    """

    def __init__(self, networks: Networks, resolver: AbstractResolver | None) -> None:
        """Open nothing yet. For the loop that uses it."""
        self._networks = networks
        connector = aiohttp.TCPConnector(
            limit=0,  # whoever calls bounds how many there are
            force_close=True,
            use_dns_cache=False,
            resolver=resolver,
            socket_factory=self._make_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,  # a proxy would connect to what is not checked
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Return the status and the beginning of the answer, or `NO_ANSWER` and why there is none.

        Raises:
            TimeoutError: the caller's time is over.
        """
        try:
            request = self._session.post(
                URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
            )
            async with request as response:
                if 300 <= response.status < 400:
                    words = "redirects are not followed: give the webhook the new URL"
                    return response.status, words
                beginning = await _read_beginning(response.content)
                return response.status, beginning.decode("utf-8", "replace")
        except TimeoutError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return NO_ANSWER, _problem(error)

    def _make_socket(self, address_info: AddrInfoType) -> socket.socket:
        family, type_, protocol, _, address = address_info
        if not self._networks.allow(ip_address(str(address[0]))):
            raise PermissionError(errno.EACCES, "its address is not public")
        return socket.socket(family=family, type=type_, proto=protocol)

    async def close(self) -> None:
        """Close what is open."""
        await self._session.close()


async def _read_beginning(content: aiohttp.StreamReader) -> bytes:
    """Return the first KiB; the rest is nobody's business, and may have no end."""
    beginning = b""
    while len(beginning) < MAX_MESSAGE_BYTES:
        part = await content.read(MAX_MESSAGE_BYTES - len(beginning))
        if not part:
            break
        beginning += part
    return beginning


def _problem(error: Exception) -> str:
    """Return what to log of an error; addresses behind a name are not told."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "the name of the target cannot be found"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return f"TLS failed: {type(error).__name__}: {str(error)[:300]}"
        case aiohttp.ClientConnectorError(os_error=PermissionError()):
            return "refused: the target has no address that may be called"
        case aiohttp.ClientConnectorError():
            return "the target cannot be connected to"
        case _:
            return f"the target did not answer: {type(error).__name__}"
