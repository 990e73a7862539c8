"""Receives in the event loop, while a thread works on what came before."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

from hydria.errors import ServerUnavailableError, StreamStalledError
from hydria.groups import first_error
from hydria.threads import Stop, run_in_thread

_QUEUED_BYTES_MAX = 16 << 20


class FrameQueue:
    """Frames between the loop and one thread; the loop waits when the thread falls behind."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._queued_bytes = 0
        self._has_room = asyncio.Event()

    async def put(self, frame: bytes) -> None:
        """Hand a frame to the thread, when there is room for it."""
        while self._queued_bytes > _QUEUED_BYTES_MAX:
            self._has_room.clear()
            await self._has_room.wait()
        self._queued_bytes += len(frame)
        self._frames.put(frame)

    def end(self) -> None:
        """Tell the thread that no more frames will come."""
        self._frames.put(None)

    def take(self) -> Iterator[bytes]:
        """Yield frames to the thread until the end."""
        taken_bytes = 0
        while (frame := self._frames.get()) is not None:
            yield frame
            taken_bytes += len(frame)
            if taken_bytes >= _QUEUED_BYTES_MAX // 4:
                self._loop.call_soon_threadsafe(self._make_room, taken_bytes)
                taken_bytes = 0

    def _make_room(self, size_bytes: int) -> None:
        self._queued_bytes -= size_bytes
        self._has_room.set()


async def pump(
    responses: AsyncGenerator[bytes, None],
    *,
    executor: ThreadPoolExecutor,
    work: Callable[[bytes], None],
    end: Callable[[], None],
    on_response: Callable[[], None],
) -> None:
    """Pass what one call sends to a thread. `work` and `end` run there, `on_response` in the loop.

    `end` is called when everything came and was worked on.

    Raises:
        ServerUnavailableError: the line broke; what came before it was worked on.
        StreamStalledError: the same, because one side was too slow.
        Exception: what the call, `work` and `end` raise.
    """
    frames, stop = FrameQueue(), Stop()
    broken: list[ServerUnavailableError | StreamStalledError] = []

    def give_up() -> None:
        stop.set()
        frames.end()

    def work_on_all() -> None:
        for raw in frames.take():
            stop.check()
            work(raw)
        if not broken:
            end()

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run_in_thread(executor, work_on_all, stop=give_up))
            try:
                async with aclosing(responses):
                    async for raw in responses:
                        await frames.put(raw)
                        on_response()
            except (ServerUnavailableError, StreamStalledError) as error:
                broken.append(error)
            frames.end()
    except BaseExceptionGroup as group:
        raise first_error(group) from group
    if broken:
        raise broken[0]
