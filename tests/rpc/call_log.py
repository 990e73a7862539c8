"""The lines of the access log, as they are written: how a test learns that a call has ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_LOGGER = logging.getLogger("hydria.access")
_TIMEOUT_SECONDS = 30.0

Fields = Mapping[str, str | int | float]


class CallLog(logging.Handler):
    """Collects the fields of each line."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: asyncio.Queue[Fields] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.put_nowait(record.__dict__["fields"])

    async def ended(self, method: str) -> Fields:
        """Wait until a call of `method` has ended; return what was logged of it."""
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            while True:
                fields = await self._lines.get()
                if str(fields["method"]).endswith(f"/{method}"):
                    return fields


@contextmanager
def call_log() -> Iterator[CallLog]:
    """Collect the lines of calls that end within the block."""
    log = CallLog()
    level = _LOGGER.level
    _LOGGER.addHandler(log)
    _LOGGER.setLevel(logging.INFO)
    try:
        yield log
    finally:
        _LOGGER.removeHandler(log)
        _LOGGER.setLevel(level)
