"""How a client behaves, beyond what it is asked to do."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum

from hydria.errors import InvalidArgumentError
from hydria.sizes import parse_size

MIB = 1 << 20
GIB = 1 << 30


class CacheUse(StrEnum):
    """Which downloaded files are kept in the local cache, to be used by later downloads."""

    AUTO = "auto"
    """Those of 64 KiB and more, where the disk can share their bytes with the cache, so that it
    costs neither time nor room."""
    ON = "on"
    """All. Where the disk cannot share bytes they are written twice."""
    OFF = "off"
    """None, and nothing is taken from it."""


def _cache_use() -> CacheUse:
    name = os.environ.get("HYDRIA_CACHE") or CacheUse.AUTO
    try:
        return CacheUse(name)
    except ValueError:
        message = f"HYDRIA_CACHE is auto, on or off, not {name!r}"
        raise InvalidArgumentError(message) from None


def _cache_uploads() -> bool:
    text = os.environ.get("HYDRIA_CACHE_UPLOADS") or "off"
    if text not in ("on", "off"):
        raise InvalidArgumentError(f"HYDRIA_CACHE_UPLOADS is on or off, not {text!r}")
    return text == "on"


def _cache_bytes_max() -> int:
    text = os.environ.get("HYDRIA_CACHE_SIZE")
    try:
        return parse_size(text) if text else 10 * GIB
    except ValueError as error:
        raise InvalidArgumentError(f"HYDRIA_CACHE_SIZE: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOptions:
    """Numbers for uploads and downloads. The defaults suit a machine that does other things too."""

    retry_seconds: float = 300.0
    """How long to keep trying while the server is unavailable and nothing moves."""
    stream_count: int = 1
    """How many streams an upload sends chunks on, 1 to 4. More help on long lines only."""
    unacked_bytes_max: int = 32 * MIB
    """How much an upload may have sent that is not durable yet. With what is being read, a client
    holds about 24 MiB more than this."""
    cache: CacheUse = field(default_factory=_cache_use)
    """What downloads keep in the local cache; by default `HYDRIA_CACHE`, then `auto`."""
    cache_uploads: bool = field(default_factory=_cache_uploads)
    """Whether uploads keep there what they log, all of it, unless `cache` is off: a later download
    on this machine fetches none of it. Each file is read once more, and written where the disk
    cannot share bytes. By default `HYDRIA_CACHE_UPLOADS`, then not."""
    cache_bytes_max: int = field(default_factory=_cache_bytes_max)
    """How large that cache may be; what was used the longest time ago goes first. By default
    `HYDRIA_CACHE_SIZE` (e.g. `50GB`), then 10 GiB."""

    def __post_init__(self) -> None:
        if not 1 <= self.stream_count <= 4:
            raise ValueError(f"stream_count is 1 to 4, not {self.stream_count}")
        object.__setattr__(self, "cache", CacheUse(self.cache))
