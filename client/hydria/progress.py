"""Tells a callback how far a long operation has come: often enough to watch, seldom enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from hydria.records import Phase, Progress

ProgressCallback = Callable[[Progress], None]

_INTERVAL_SECONDS = 0.1


class ProgressMeter:
    """Keeps count of one operation. The callback runs in the event loop's thread."""

    def __init__(self, callback: ProgressCallback | None, *, phase: Phase) -> None:
        self._callback = callback
        self._next_at = 0.0
        self.progress = Progress(phase=phase)

    def enter(self, phase: Phase) -> None:
        """Note that another phase begins."""
        self.progress = replace(self.progress, phase=phase)
        self._report(time.monotonic())

    def set_totals(self, files: int, size_bytes: int) -> None:
        """Note how much there is to do."""
        self.progress = replace(self.progress, files_total=files, bytes_total=size_bytes)

    def add(
        self,
        *,
        files_done: int = 0,
        bytes_done: int = 0,
        sent_bytes: int = 0,
        received_bytes: int = 0,
    ) -> None:
        """Count what was done, and report it if the last report is some time ago."""
        now = self.progress
        self.progress = replace(
            now,
            files_done=now.files_done + files_done,
            bytes_done=now.bytes_done + bytes_done,
            sent_bytes=now.sent_bytes + sent_bytes,
            received_bytes=now.received_bytes + received_bytes,
        )
        clock = time.monotonic()
        if clock >= self._next_at:
            self._report(clock)

    def _report(self, clock: float) -> None:
        self._next_at = clock + _INTERVAL_SECONDS
        if self._callback is not None:
            self._callback(self.progress)
