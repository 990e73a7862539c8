"""The calls on metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

from hydria.v1 import lineage_pb2 as pb
from hydria_server.domain.errors import FieldViolationError, StalledError
from hydria_server.domain.metrics import MetricSeries
from hydria_server.rpc import lineage_messages as messages
from hydria_server.rpc.calls import Context, add, note
from hydria_server.rpc.drain import Drain
from hydria_server.rpc.family import Rpcs
from hydria_server.rpc.incoming import Incoming
from hydria_server.services.lineage import LineageServices
from hydria_server.services.metric_history import HistoryRequest
from hydria_server.services.metrics import Logged

# What has come is stored at this many points, and when nothing was for so long.
FLUSH_POINTS = 8_192
FLUSH_SECONDS = 1.0


class LineageRpcs(Rpcs[LineageServices]):
    """The calls of the lineage service."""

    def __init__(
        self, services: LineageServices, drain: Drain, *, stall_timeout_seconds: float
    ) -> None:
        super().__init__(services, drain)
        self.stall_timeout_seconds = stall_timeout_seconds


class MetricRpcs(LineageRpcs):
    """LogMetrics, PutMetrics, ListMetrics, ListLastMetrics."""

    async def LogMetrics(
        self, request_iterator: AsyncIterator[pb.LogMetricsRequest], context: Context
    ) -> pb.LogMetricsResponse:
        incoming = Incoming(
            request_iterator, self.drain, stall_timeout_seconds=self.stall_timeout_seconds
        )
        try:
            first = await incoming.next()
            if first is None or first.WhichOneof("part") != "header":
                raise FieldViolationError("header", "the first message has it")
            note("run", first.header.run_ref[:200])
            stream = _MetricStream(self.services, first.header, self.actor(context))
            logged = await stream.take(incoming)
        except StalledError:
            raise  # nobody is writing
        except Exception:
            await incoming.discard()
            raise
        finally:
            await incoming.close()
        return pb.LogMetricsResponse(
            point_count=logged.point_count, back_step_count=logged.back_step_count
        )

    async def PutMetrics(
        self, request: pb.PutMetricsRequest, context: Context
    ) -> pb.PutMetricsResponse:
        series = messages.metric_series(request.batch, now_us=_now_us())
        logged = await self.services.metrics.log(
            request.run_ref, request.attempt, series, actor=self.actor(context)
        )
        note("points", logged.point_count)
        return pb.PutMetricsResponse(
            point_count=logged.point_count, back_step_count=logged.back_step_count
        )

    async def ListMetrics(
        self, request: pb.ListMetricsRequest, context: Context
    ) -> pb.ListMetricsResponse:
        history = await self.services.histories.read(
            HistoryRequest(
                request.run_ref,
                request.key,
                request.min_step,
                request.max_step if request.HasField("max_step") else None,
                request.max_points,
                request.every_point,
            )
        )
        return messages.history_message(history)

    async def ListLastMetrics(
        self, request: pb.ListLastMetricsRequest, context: Context
    ) -> pb.ListLastMetricsResponse:
        listed = await self.services.histories.last(
            request.run_ref,
            prefix=request.prefix,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListLastMetricsResponse(
            metrics=[messages.last_metric_message(metric) for metric in listed.items],
            next_page_token=listed.next_page_token,
        )


class _MetricStream:
    """Gathers what comes on a stream into fewer and larger writes.

    What came is stored within a second, also while the client waits, and also when the stream is
    cut short: whoever logs wants to keep what was logged before the crash.
    """

    def __init__(self, services: LineageServices, header: pb.LogMetricsHeader, actor: str) -> None:
        self._services = services
        self._header = header
        self._actor = actor
        self._series: list[MetricSeries] = []
        self._point_count = 0
        self._due_at = time.monotonic()
        self._logged = Logged()

    async def take(self, incoming: Incoming[pb.LogMetricsRequest]) -> Logged:
        """Take batches up to the half-close; return what became of all points."""
        await self._store([])  # tells at once whether the run takes metrics
        try:
            while True:
                try:
                    async with asyncio.timeout(self._patience()):
                        message = await incoming.next()
                except TimeoutError:
                    await self._flush()
                    continue
                if message is None:
                    break
                await self._add(message)
        finally:
            await self._flush()
        return self._logged

    def _patience(self) -> float | None:
        """Return how long to wait before what has come must be stored."""
        return max(self._due_at - time.monotonic(), 0.0) if self._series else None

    async def _add(self, message: pb.LogMetricsRequest) -> None:
        if message.WhichOneof("part") != "batch":
            raise FieldViolationError("part", "a message after the first has a batch")
        series = messages.metric_series(message.batch, now_us=_now_us())
        if not self._series:
            self._due_at = time.monotonic() + FLUSH_SECONDS
        self._series += series
        self._point_count += sum(len(each.points) for each in series)
        if self._point_count >= FLUSH_POINTS or time.monotonic() >= self._due_at:
            await self._flush()

    async def _flush(self) -> None:
        series, self._series, self._point_count = self._series, [], 0
        if series:
            await self._store(series)

    async def _store(self, series: Sequence[MetricSeries]) -> None:
        header = self._header
        logged = await self._services.metrics.log(
            header.run_ref, header.attempt, series, actor=self._actor
        )
        add("points", logged.point_count)
        self._logged = self._logged.plus(logged)


def _now_us() -> int:
    return time.time_ns() // 1000
