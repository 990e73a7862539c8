"""One request to a target: bounded in time and size, and only to addresses that may be called."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hydria_server.domain.webhooks import MAX_MESSAGE_BYTES
from hydria_server.services.webhooks.networks import Networks

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver

    from hydria_server.services.webhooks.exchanges import Exchanges

NO_ANSWER: Final = 0
_log = logging.getLogger("hydria.webhooks")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. Status 0: no answer; the message says why, or what it said."""

    status: int
    message: str
    duration_ms: int


class Sender:
    """Sends requests. Most servers send none, so what speaks HTTP is imported for the first."""

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
        self._exchanges: Exchanges | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a body; return what came of it. It raises nothing but for being cancelled."""
        begun_at = time.monotonic()
        try:
            exchanges = await self._opened()
            async with asyncio.timeout(self._timeout_seconds):
                status, message = await exchanges.post(url, headers, body)
        except TimeoutError:
            status = NO_ANSWER
            message = f"no whole answer within {self._timeout_seconds:g} seconds"
        except Exception:  # noqa: BLE001 - logged; whatever a target does, the others are served
            _log.exception("a webhook's request failed in an unforeseen way")
            status, message = NO_ANSWER, "the request failed; the server's log says why"
        duration_ms = int((time.monotonic() - begun_at) * 1000)
        return Answer(status, _short(message), duration_ms)

    async def _opened(self) -> Exchanges:
        """Return what speaks HTTP, made in the loop that uses it."""
        if self._exchanges is None:
            make = await asyncio.to_thread(_imported)
            if self._exchanges is None:  # nobody was faster
                self._exchanges = make(self._networks, self._resolver)
        return self._exchanges

    async def close(self) -> None:
        """Close what is open. Closing twice is fine."""
        exchanges, self._exchanges = self._exchanges, None
        if exchanges is not None:
            await exchanges.close()


def _imported() -> type[Exchanges]:
    from hydria_server.services.webhooks.exchanges import Exchanges

    return Exchanges


def _short(text: str) -> str:
    """Return the beginning of a text, at most 1 KiB, such as any database can keep."""
    clean = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace")
    return clean[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore")
