"""A run that goes on in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from hydria.errors import ClientClosedError, HydriaError
from hydria.lineage.buffer import BATCH_POINTS, MetricBuffer, series_batches
from hydria.lineage.calls import BegunRun, LineageCalls
from hydria.lineage.messages import document_text
from hydria.lineage.records import RunInfo, RunState
from hydria.retry import Patience

if TYPE_CHECKING:
    from hydria.client import AsyncClient, LocalPath
    from hydria.records import UploadResult, Version
    from hydria.v1 import lineage_pb2 as pb

FLUSH_SECONDS = 1.0
_ENDED = (KeyboardInterrupt, asyncio.CancelledError, SystemExit)


class Run:
    """A run: what is logged through it and used through it is remembered with it.

    Metrics wait for a second at most before they are sent. Signs of life are sent by themselves
    for as long as the event loop runs. Use it as a context manager: it is finished at the end of
    the block, FAILED when that raises. Once another process has resumed the run every method
    raises `RunTakenOverError`.
    """

    def __init__(
        self, client: AsyncClient, calls: LineageCalls, begun: BegunRun, *, retry_seconds: float
    ) -> None:
        self.info: RunInfo = begun.run
        """The run as it was when it began, or when it was changed or finished through this."""
        self.resumed = begun.resumed
        self._client = client
        self._calls = calls
        self._retry_seconds = retry_seconds
        self._buffer = MetricBuffer()
        self._unsent: list[pb.MetricBatch] = []
        self._sending = asyncio.Lock()
        self._next_step = 0
        self._failure: HydriaError | None = None
        self._beat_seconds = begun.silence_timeout_seconds / 3
        self._task: asyncio.Task[None] | None = asyncio.create_task(self._live())

    @property
    def ref(self) -> str:
        """`ENTITY/PROJECT/runs/ID`."""
        return self.info.ref

    @property
    def display_name(self) -> str:
        """The name for people."""
        return self.info.display_name

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is None:
            return
        if error is None:
            await self.finish()
            return
        state = RunState.KILLED if isinstance(error, _ENDED) else RunState.FAILED
        with suppress(HydriaError):  # the error of the block is the one to tell
            await self.finish(state)

    # --- metrics --------------------------------------------------------------------------------

    async def log_metrics(self, values: Mapping[str, float], *, step: int | None = None) -> None:
        """Log one value for each key, e.g. `{"train/loss": 0.1}`.

        Args:
            values: numbers, by key; NaN and infinities are kept.
            step: where on the x-axis; by default one beyond the step of the call before. A value
                replaces that of the same key and step.

        Raises:
            RunNotRunningError, RunTakenOverError: the run takes no more; told by what failed to be
                sent before.
        """
        self._check()
        at = self._next_step if step is None else step
        self._buffer.add(values, at)
        self._next_step = at + 1
        if self._buffer.point_count >= BATCH_POINTS:
            await self.flush()

    async def log_series(self, key: str, steps: Sequence[int], values: Sequence[float]) -> None:
        """Log many points of one metric on one stream, and return when they are durable.

        Raises:
            RunNotRunningError, RunTakenOverError: the run takes no more.
        """
        self._check()

        async def batches() -> AsyncIterator[pb.MetricBatch]:
            for batch in series_batches(key, steps, values):
                yield batch

        await self._patience().run(
            lambda: self._calls.log_metrics(self.ref, batches(), attempt=self.info.attempt)
        )

    async def flush(self) -> None:
        """Send what was logged, and return when it is durable. Raises as `log_metrics`."""
        async with self._sending:
            patience = self._patience()
            self._unsent += self._buffer.take()
            while self._unsent:  # what cannot be sent now is kept for the next time
                await patience.run(self._send_one)
                del self._unsent[0]

    async def _send_one(self) -> None:
        await self._calls.put_metrics(self.ref, self._unsent[0], attempt=self.info.attempt)

    # --- inputs and outputs ---------------------------------------------------------------------

    async def use(self, ref: str, *, type: str = "") -> Version:
        """Record that this run uses a version, and return that. Nothing is downloaded."""
        self._check()
        full = self._client.defaults.ref(ref)
        return await self._patience().run(lambda: self._calls.use(self.ref, full, type=type))

    async def log(
        self,
        name: str,
        paths: LocalPath | Iterable[LocalPath],
        *,
        type: str = "",
        aliases: Sequence[str] = (),
        tags: Sequence[str] = (),
        description: str = "",
        metadata: Mapping[str, object] | str | None = None,
        base: str | None = None,
    ) -> UploadResult:
        """Make a version of local files that this run logs. Arguments and errors as `Client.log`.

        That the run logged it is recorded in the transaction that makes it.
        """
        self._check()
        return await self._client.log(
            name,
            paths,
            type=type,
            aliases=aliases,
            tags=tags,
            description=description,
            metadata=metadata,
            base=base,
            run=self.ref,
        )

    async def save_files(self, paths: LocalPath | Iterable[LocalPath]) -> UploadResult:
        """Keep files with the run: as the next version of its own collection of `run-files`.

        Files that were saved before stay, unless they are saved again.
        """
        from hydria.errors import AliasNotFoundError, NotFoundError

        name = f"{self.info.entity}/{self.info.project}/run-{self.info.run_id}"
        base: str | None = f"{name}:latest"
        try:
            await self._client.version(f"{name}:latest")
        except (NotFoundError, AliasNotFoundError):
            base = None
        return await self.log(name, paths, type="run-files", base=base)

    # --- the run itself -------------------------------------------------------------------------

    async def update(
        self,
        *,
        display_name: str | None = None,
        tags: Sequence[str] | None = None,
        description: str | None = None,
        config: Mapping[str, object] | str | None = None,
        summary: Mapping[str, object] | str | None = None,
    ) -> RunInfo:
        """Change those words about the run that are given."""
        self._check()
        self.info = await self._client.runs.update(
            self.ref,
            display_name=display_name,
            tags=tags,
            description=description,
            config=config,
            summary=summary,
        )
        return self.info

    async def finish(
        self,
        state: RunState = RunState.FINISHED,
        *,
        exit_code: int | None = None,
        summary: Mapping[str, object] | str | None = None,
    ) -> RunInfo:
        """Send what was logged, and end the run. Again in the same state changes nothing.

        Raises:
            RunNotRunningError: it was finished in another state.
            RunTakenOverError: another process has resumed it.
        """
        summary_json = None if summary is None else document_text("summary", summary)
        if self._failure is None:
            await self.flush()
        self.info = await self._patience().run(
            lambda: self._calls.finish_run(
                self.ref,
                state,
                exit_code=exit_code,
                summary_json=summary_json,
                attempt=self.info.attempt,
            )
        )
        await self.detach()
        return self.info

    async def detach(self) -> None:
        """Send no more signs of life, and leave the run as it is. Twice is fine."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._task is None:
            raise ClientClosedError(f"the run {self.ref} was finished; resume it to go on")

    def _patience(self) -> Patience:
        return Patience(self._retry_seconds)

    async def _live(self) -> None:
        """Send metrics every second, and a sign of life when there was nothing to send."""
        loop = asyncio.get_running_loop()
        heard_at = loop.time()
        while True:
            await asyncio.sleep(min(FLUSH_SECONDS, self._beat_seconds))
            try:
                if self._buffer.point_count or self._unsent:
                    await self.flush()
                elif loop.time() - heard_at >= self._beat_seconds:
                    await self._calls.heartbeat(self.ref, attempt=self.info.attempt)
                else:
                    continue
            except HydriaError as error:
                if not _passes(error):
                    self._failure = error
                    return
            heard_at = loop.time()


def _passes(error: HydriaError) -> bool:
    """Tell whether a later try may succeed: the server was away for a while."""
    from hydria.errors import CallTimeoutError, ServerUnavailableError

    return isinstance(error, ServerUnavailableError | CallTimeoutError)
