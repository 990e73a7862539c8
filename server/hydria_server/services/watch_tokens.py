"""The tokens of places in a history: opaque, and good only for the entity they were made for."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import xxhash

from hydria_server.domain.watch_errors import WatchTokenInvalidError

_VERSION: Final = 1
# version, the store's id, the entity's id, the number and the time of the last event.
_LAYOUT: Final = struct.Struct("<B16sQQQ")
_MARK_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class HistoryPlace:
    """A place in a history: the last event before it; 0 and 0 at the beginning.

    The time tells this history from another one that grew after the store had been set back.
    """

    seq: int
    time_us: int


class WatchTokens:
    """Makes and reads the tokens of one store."""

    def __init__(self, store_id: str) -> None:
        self._store = bytes.fromhex(store_id)

    def encode(self, entity_id: int, place: HistoryPlace) -> bytes:
        """Return the token of a place."""
        body = _LAYOUT.pack(_VERSION, self._store, entity_id, place.seq, place.time_us)
        return body + _mark(body)

    def decode(self, token: bytes, entity_id: int) -> HistoryPlace:
        """Return the place that a token names.

        Raises:
            WatchTokenInvalidError: it is garbled, or of another store or entity.
        """
        body, mark = token[:-_MARK_BYTES], token[-_MARK_BYTES:]
        if len(token) != _LAYOUT.size + _MARK_BYTES or mark != _mark(body) or body[0] != _VERSION:
            raise WatchTokenInvalidError("the token is garbled; begin again without one")
        _version, store, of_entity, seq, time_us = _LAYOUT.unpack(body)
        if store != self._store or of_entity != entity_id:
            raise WatchTokenInvalidError("the token is of another store or entity")
        return HistoryPlace(seq, time_us)

    def event_id(self, entity_id: int, seq: int) -> str:
        """Return a unique name of an event, by which repetitions can be told."""
        return xxhash.xxh3_128_hexdigest(self._store + struct.pack("<QQ", entity_id, seq))


def _mark(body: bytes) -> bytes:
    return xxhash.xxh3_64_digest(b"hydria.watch\0" + body)
