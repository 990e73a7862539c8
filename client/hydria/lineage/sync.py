"""Runs without await."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from hydria.lineage.records import (
    Direction,
    EdgeKind,
    LastMetric,
    MetricHistory,
    Neighbour,
    NewEdge,
    Resume,
    RunInfo,
    RunState,
)
from hydria.lineage.run import Run
from hydria.lineage.runs import AsyncRuns
from hydria.loop_thread import LoopThread
from hydria.pages import Pages

if TYPE_CHECKING:
    from hydria.client import LocalPath
    from hydria.records import UploadResult, Version

_Item = TypeVar("_Item")


class SyncRun:
    """A run that goes on in this process: every method as the one of `Run`, without await."""

    def __init__(self, run: Run, loop: LoopThread) -> None:
        self._run = run
        self._loop = loop

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._loop.is_running:
            self._loop.run(self._run.__aexit__(kind, error, trace))

    @property
    def info(self) -> RunInfo:
        return self._run.info

    @property
    def ref(self) -> str:
        return self._run.ref

    @property
    def display_name(self) -> str:
        return self._run.display_name

    @property
    def resumed(self) -> bool:
        return self._run.resumed

    def log_metrics(self, values: Mapping[str, float], *, step: int | None = None) -> None:
        self._loop.run(self._run.log_metrics(values, step=step))

    def log_series(self, key: str, steps: Sequence[int], values: Sequence[float]) -> None:
        self._loop.run(self._run.log_series(key, steps, values))

    def flush(self) -> None:
        self._loop.run(self._run.flush())

    def use(self, ref: str, *, type: str = "") -> Version:
        return self._loop.run(self._run.use(ref, type=type))

    def log(
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
        return self._loop.run(
            self._run.log(
                name,
                paths,
                type=type,
                aliases=aliases,
                tags=tags,
                description=description,
                metadata=metadata,
                base=base,
            )
        )

    def save_files(self, paths: LocalPath | Iterable[LocalPath]) -> UploadResult:
        return self._loop.run(self._run.save_files(paths))

    def update(
        self,
        *,
        display_name: str | None = None,
        tags: Sequence[str] | None = None,
        description: str | None = None,
        config: Mapping[str, object] | str | None = None,
        summary: Mapping[str, object] | str | None = None,
    ) -> RunInfo:
        return self._loop.run(
            self._run.update(
                display_name=display_name,
                tags=tags,
                description=description,
                config=config,
                summary=summary,
            )
        )

    def finish(
        self,
        state: RunState = RunState.FINISHED,
        *,
        exit_code: int | None = None,
        summary: Mapping[str, object] | str | None = None,
    ) -> RunInfo:
        return self._loop.run(self._run.finish(state, exit_code=exit_code, summary=summary))

    def detach(self) -> None:
        self._loop.run(self._run.detach())


class SyncRuns:
    """`Client.runs`: every method as the one of `AsyncRuns`. Lists are iterators."""

    def __init__(self, runs: AsyncRuns, loop: LoopThread) -> None:
        self._runs = runs
        self._loop = loop

    def begin(
        self,
        project: str = "",
        *,
        run_id: str = "",
        display_name: str = "",
        job_type: str = "",
        group: str = "",
        tags: Sequence[str] = (),
        config: Mapping[str, object] | str | None = None,
        git_commit: str = "",
        git_remote: str = "",
        command_line: Sequence[str] = (),
        find_code: bool = True,
        description: str = "",
        resume: Resume = Resume.NEVER,
    ) -> SyncRun:
        begun = self._runs.begin(
            project,
            run_id=run_id,
            display_name=display_name,
            job_type=job_type,
            group=group,
            tags=tags,
            config=config,
            git_commit=git_commit,
            git_remote=git_remote,
            command_line=command_line,
            find_code=find_code,
            description=description,
            resume=resume,
        )
        return SyncRun(self._loop.run(begun), self._loop)

    def get(self, run: str) -> RunInfo:
        return self._loop.run(self._runs.get(run))

    def list(self, project: str = "", *, filter: str = "", order_by: str = "") -> Iterator[RunInfo]:
        return self._items(self._runs.list(project, filter=filter, order_by=order_by))

    def update(
        self,
        run: str,
        *,
        display_name: str | None = None,
        job_type: str | None = None,
        group: str | None = None,
        tags: Sequence[str] | None = None,
        description: str | None = None,
        config: Mapping[str, object] | str | None = None,
        summary: Mapping[str, object] | str | None = None,
        etag: str = "",
    ) -> RunInfo:
        return self._loop.run(
            self._runs.update(
                run,
                display_name=display_name,
                job_type=job_type,
                group=group,
                tags=tags,
                description=description,
                config=config,
                summary=summary,
                etag=etag,
            )
        )

    def finish(
        self,
        run: str,
        state: RunState = RunState.FINISHED,
        *,
        exit_code: int | None = None,
        summary: Mapping[str, object] | str | None = None,
    ) -> RunInfo:
        return self._loop.run(self._runs.finish(run, state, exit_code=exit_code, summary=summary))

    def metrics(
        self,
        run: str,
        key: str,
        *,
        min_step: int = 0,
        max_step: int | None = None,
        max_points: int = 0,
        every_point: bool = False,
    ) -> MetricHistory:
        return self._loop.run(
            self._runs.metrics(
                run,
                key,
                min_step=min_step,
                max_step=max_step,
                max_points=max_points,
                every_point=every_point,
            )
        )

    def last_metrics(self, run: str, prefix: str = "") -> Iterator[LastMetric]:
        return self._items(self._runs.last_metrics(run, prefix))

    def edges(
        self,
        node: str,
        direction: Direction = Direction.BOTH,
        *,
        kinds: Sequence[EdgeKind] = (),
    ) -> Iterator[Neighbour]:
        return self._items(self._runs.edges(node, direction, kinds=kinds))

    def record(self, edges: Sequence[NewEdge], *, entity: str = "") -> int:
        return self._loop.run(self._runs.record(edges, entity=entity))

    def _items(self, pages: Pages[_Item]) -> Iterator[_Item]:
        for page in self._loop.iterate(pages.pages()):
            yield from page
