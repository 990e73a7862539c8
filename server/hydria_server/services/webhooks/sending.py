"""One request to a target: bounded in time and size, and only to addresses that may be called."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.connector import AddrInfoType
from yarl import URL

from hydria_server.domain.webhooks import MAX_MESSAGE_BYTES
from hydria_server.services.webhooks.networks import Networks

_NO_ANSWER: Final = 0
_log = logging.getLogger("hydria.webhooks")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. Status 0: no answer; the message says why, or what it said."""

    status: int
    message: str
    duration_ms: int


class Sender:
    """Sends requests. Every one has a connection of its own, and follows no redirect.

    The check is where the socket is made, with the address that it will be connected to: whatever
    a name means now, however an address is spelled.
    """

    def __init__(
        self,
        networks: Networks,
        *,
        timeout_seconds: float,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._networks = networks
        self._timeout_seconds = timeout_seconds
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a body; return what came of it. It raises nothing but for being cancelled."""
        begun_at = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                status, message = await self._exchange(url, headers, body)
        except TimeoutError:
            status = _NO_ANSWER
            message = f"no whole answer within {self._timeout_seconds:g} seconds"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            status, message = _NO_ANSWER, _problem(error)
        except Exception:  # noqa: BLE001 - logged; whatever a target does, the others are served
            _log.exception("a webhook's request failed in an unforeseen way")
            status, message = _NO_ANSWER, "the request failed; the server's log says why"
        duration_ms = int((time.monotonic() - begun_at) * 1000)
        return Answer(status, _short(message), duration_ms)

    async def _exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        request = self._opened().post(
            URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
        )
        async with request as response:
            if 300 <= response.status < 400:
                return response.status, "redirects are not followed: give the webhook the new URL"
            beginning = await _read_beginning(response.content)
            return response.status, beginning.decode("utf-8", "replace")

    def _opened(self) -> aiohttp.ClientSession:
        """Return the session, made in the loop that uses it."""
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=0,  # whoever calls bounds how many there are
                force_close=True,
                use_dns_cache=False,
                resolver=self._resolver,
                socket_factory=self._make_socket,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,  # a proxy would connect to what is not checked
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session

    def _make_socket(self, address_info: AddrInfoType) -> socket.socket:
        family, type_, protocol, _, address = address_info
        if not self._networks.allow(ip_address(str(address[0]))):
            raise PermissionError(errno.EACCES, "its address is not public")
        return socket.socket(family=family, type=type_, proto=protocol)

    async def close(self) -> None:
        """Close what is open. Closing twice is fine."""
        if self._session is not None:
            await self._session.close()
            self._session = None


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


def _short(text: str) -> str:
    """Return the beginning of a text, at most 1 KiB, such as any database can keep."""
    clean = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace")
    return clean[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore")
