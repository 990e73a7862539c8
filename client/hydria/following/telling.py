"""Tells the callback of a follower what came in place, and keeps that it was told."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hydria.following.notices import Notices
from hydria.following.placing import Placer
from hydria.following.records import NoticeKind, ServedVersion

OnSwap = Callable[[ServedVersion], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of a callback."""

    version: ServedVersion
    kind: NoticeKind
    message: str
    seconds: float


class Teller:
    """Calls back once for each version that came in place, if nobody is killed meanwhile."""

    def __init__(self, placer: Placer, on_swap: OnSwap | None, notices: Notices) -> None:
        self._placer = placer
        self._on_swap = on_swap
        self._notices = notices
        self._answer: _Answer | None = None

    async def tell(self, current: ServedVersion) -> None:
        """Call back for a version, if that was not done; a failure is said, and that is all.

        Raises:
            OSError: the disk does not take that it was told. The next call only keeps that.
        """
        if self._placer.is_told:
            return
        if self._on_swap is None:
            await self._placer.keep_told()
            return
        answer = self._answer
        if answer is None or answer.version != current:
            answer = self._answer = await _ask(self._on_swap, current)
        await self._placer.keep_told()
        self._answer = None
        self._notices.say(
            answer.kind,
            current.version_ref,
            current,
            message=answer.message,
            seconds=answer.seconds,
        )


async def _ask(on_swap: OnSwap, current: ServedVersion) -> _Answer:
    begun_at = time.monotonic()
    kind, message = NoticeKind.TOLD, ""
    try:
        await on_swap(current)
    except Exception as error:  # noqa: BLE001 - it is another's code; following goes on
        kind = NoticeKind.CALLBACK_FAILED
        message = str(error) or type(error).__name__
    return _Answer(current, kind, message, time.monotonic() - begun_at)
