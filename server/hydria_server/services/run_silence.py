"""Runs that fell silent: their processes are taken for crashed."""

from __future__ import annotations

from collections import defaultdict

from hydria_server.domain.event_types import EventType
from hydria_server.domain.runs import RunRecord, RunState
from hydria_server.services.history import History
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows

# Who the history says did it.
ACTOR = "hydria"
_MICROSECONDS = 1_000_000
_SWEPT_AT_ONCE = 200


class Silence:
    """Looks for runs that were not heard of for `timeout_seconds`.

    Whoever reads runs has it look first, so that nobody sees a run at work that is not.
    """

    def __init__(self, metadata: MetadataStore, clock: Clock, *, timeout_seconds: int) -> None:
        self._metadata = metadata
        self._clock = clock
        self.timeout_seconds = timeout_seconds
        # While the server was away nobody could be heard: silence counts from its start.
        self._listening_since_us = clock()

    async def crash_silent(self) -> int:
        """Take runs that were silent for too long for crashed; return how many there were."""
        now_us = self._clock()
        silence_us = self.timeout_seconds * _MICROSECONDS
        before_us = now_us - silence_us
        if before_us < self._listening_since_us:
            return 0
        due = await self._metadata.read(lambda rows: rows.runs.silent(before_us=before_us, limit=1))
        if not due:
            return 0
        count = 0
        while swept := await self._metadata.write(lambda rows: _sweep(rows, before_us, now_us)):
            count += swept
        return count


async def _sweep(rows: Rows, before_us: int, now_us: int) -> int:
    by_entity: dict[int, list[RunRecord]] = defaultdict(list)
    for run in await rows.runs.silent(before_us=before_us, limit=_SWEPT_AT_ONCE):
        by_entity[run.entity_id].append(run)
    for entity_id, runs in sorted(by_entity.items()):  # entities lock in the order of their ids
        history = History()
        for run in runs:
            await rows.runs.end(
                run.id,
                RunState.CRASHED,
                exit_code=None,
                finished_at_us=run.heartbeat_at_us,
                now_us=now_us,
            )
            history.add_run(EventType.RUN_FINISHED, run, {"state": RunState.CRASHED.name})
        await history.record(rows, entity_id, actor=ACTOR, now_us=now_us)
    return sum(map(len, by_entity.values()))
