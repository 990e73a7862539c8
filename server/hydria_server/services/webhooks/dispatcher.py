"""Keeps webhooks going: a task for each that has something to deliver, and no more than fit."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from hydria_server.domain.records import EventRecord
from hydria_server.domain.webhooks import WaitingWebhook
from hydria_server.services.sessions import Clock
from hydria_server.services.webhooks.courier import Courier
from hydria_server.storage.metadata.interface import MetadataStore

TASKS_MAX: Final = 64
# Of these, for targets that failed last time: those that hang cannot take the room of the others.
FAILING_MAX: Final = 16
# Then others that wait for room come first; without any it goes on at once.
DELIVERIES_PER_TURN: Final = 20
POLL_SECONDS: Final = 2.0
REST_SECONDS: Final = 5.0

_log = logging.getLogger("hydria.webhooks")


class WebhookDispatcher:
    """Finds the webhooks that have something to deliver, and runs the courier for each.

    It looks when it is woken, when an attempt is due, and now and then, for events that another
    process wrote. Nothing is kept here that is not in the database: it may be killed at any time.
    """

    def __init__(self, metadata: MetadataStore, courier: Courier, clock: Clock) -> None:
        self._metadata = metadata
        self._courier = courier
        self._clock = clock
        self._woken = asyncio.Event()
        self._closing = asyncio.Event()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._failing: set[int] = set()

    def wake(self) -> None:
        """Look for deliveries soon: there are new events, or a webhook has changed."""
        self._woken.set()

    def notice(self, entity_id: int, events: Sequence[EventRecord]) -> None:
        """Take notice of events that this process has just committed."""
        self._courier.notice(entity_id, events)
        self.wake()

    async def run(self) -> None:
        """Deliver until `stop` or `close` is called. It runs once."""
        async with asyncio.TaskGroup() as tasks:
            while not self._closing.is_set():
                self._woken.clear()
                wait_seconds = await self._begin_due(tasks)
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_seconds):
                        await self._woken.wait()

    def stop(self) -> None:
        """Begin nothing more; what is under way goes on."""
        self._closing.set()
        self.wake()

    async def close(self, seconds: float) -> None:
        """Begin nothing more, and give what is under way that long to end by itself."""
        self.stop()
        running = list(self._running.values())
        if running:
            _, late = await asyncio.wait(running, timeout=seconds)
            for task in late:
                task.cancel()

    async def _begin_due(self, tasks: asyncio.TaskGroup) -> float:
        """Begin tasks for what is due and fits; return how long to wait for the next of them."""
        try:
            waiting = await self._metadata.read(lambda rows: rows.webhooks.waiting())
        except Exception:  # noqa: BLE001 - logged; the server goes on, and it is tried again
            _log.exception("webhooks cannot be looked for; it is tried again")
            return REST_SECONDS
        self._courier.forget_others(frozenset(webhook.id for webhook in waiting))
        now_us = self._clock()
        due = [webhook for webhook in waiting if webhook.next_attempt_at_us <= now_us]
        for webhook in random.sample(due, len(due)):  # when there is little room, for all the same
            if self._has_work(webhook) and self._has_room(webhook):
                self._begin(tasks, webhook)
        later = waiting[len(due) :][:1]  # they come in the order of their next attempts
        waits = [(webhook.next_attempt_at_us - now_us) / 1_000_000 for webhook in later]
        return min([POLL_SECONDS, *waits])

    def _has_work(self, webhook: WaitingWebhook) -> bool:
        is_behind = self._courier.scanned_seq(webhook.id) < webhook.last_event_seq
        return webhook.id not in self._running and (webhook.has_pending or is_behind)

    def _has_room(self, webhook: WaitingWebhook) -> bool:
        fits = not webhook.failed_attempts or len(self._failing) < FAILING_MAX
        return fits and len(self._running) < TASKS_MAX and not self._closing.is_set()

    def _begin(self, tasks: asyncio.TaskGroup, webhook: WaitingWebhook) -> None:
        task = tasks.create_task(self._serve(webhook.id))
        self._running[webhook.id] = task
        if webhook.failed_attempts:
            self._failing.add(webhook.id)
        task.add_done_callback(lambda _: self._ended(webhook.id))

    def _ended(self, webhook_id: int) -> None:
        del self._running[webhook_id]
        self._failing.discard(webhook_id)
        self.wake()  # there is room now, and there may be events that came meanwhile

    async def _serve(self, webhook_id: int) -> None:
        try:
            for _ in range(DELIVERIES_PER_TURN):
                if self._closing.is_set() or not await self._courier.deliver_next(webhook_id):
                    return
        except Exception:  # noqa: BLE001 - logged; one webhook must not end the others
            _log.exception("delivering failed; it is tried again")
            with suppress(TimeoutError):  # not again at once: the disk may be full
                async with asyncio.timeout(REST_SECONDS):
                    await self._closing.wait()
