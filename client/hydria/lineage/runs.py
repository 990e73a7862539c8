"""Runs at the server: begin, find, describe; their metrics and their edges."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hydria.lineage.calls import LineageCalls, RunDraft
from hydria.lineage.code_origin import CodeOrigin, find_code_origin
from hydria.lineage.messages import document_text
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
from hydria.pages import Pages
from hydria.retry import Patience

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.connection import Connection
    from hydria.options import TransferOptions


class AsyncRuns:
    """`AsyncClient.runs`: everything about runs.

    A run is named by its ref `ENTITY/PROJECT/runs/ID`, of which the defaults fill in what is left
    out: `ID` is enough where there is a default project. A node is a run ref with all of its four
    parts, a ref of a version, or the id of a node.
    """

    def __init__(
        self, client: AsyncClient, connection: Connection, options: TransferOptions
    ) -> None:
        self._client = client
        self._retry_seconds = options.retry_seconds
        self._calls = LineageCalls(connection)

    async def begin(
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
    ) -> Run:
        """Begin a run, or resume one by its id.

        Args:
            project: `[ENTITY/]PROJECT`; made if need be.
            run_id: at most 64 characters; the server makes one if it is empty.
            display_name: the server makes one, such as `amber-heron-12`, if it is empty.
            job_type: the step of a pipeline that it is, e.g. `train`.
            group: what it belongs together with.
            tags: for the run.
            config: its parameters: a mapping that JSON can write, or JSON text.
            git_commit: the commit of its code.
            git_remote: where that commit can be fetched from, without credentials.
            command_line: the program and its arguments.
            find_code: fill in what is left out of these three from this process's program and its
                repository, without credentials; values of options called `--token` and the like
                become `***`.
            description: what it is, in words.
            resume: what to do about a run of that id.

        Raises:
            AlreadyExistsError: there is a run of that id, and `resume` is NEVER.
            NotFoundError: there is none, and `resume` is MUST.
        """
        entity, name = self._client.defaults.project_path(project)
        code = await asyncio.to_thread(find_code_origin) if find_code else CodeOrigin()
        draft = RunDraft(
            entity=entity,
            project=name,
            run_id=run_id,
            display_name=display_name,
            job_type=job_type,
            group=group,
            tags=tuple(tags),
            config_json=document_text("config", config),
            git_commit=git_commit or code.git_commit,
            # A remote that was found is that of the commit that was found, not of another.
            git_remote=git_remote or ("" if git_commit else code.git_remote),
            command_line=tuple(command_line) or code.command_line,
            description=description,
            resume=resume,
            request_id=uuid.uuid4().hex,
        )
        patience = Patience(self._retry_seconds)
        begun = await patience.run(lambda: self._calls.create_run(draft))
        return Run(self._client, self._calls, begun, retry_seconds=self._retry_seconds)

    async def get(self, run: str) -> RunInfo:
        """Return a run with its documents."""
        return await self._calls.run(self._client.defaults.run(run))

    def list(self, project: str = "", *, filter: str = "", order_by: str = "") -> Pages[RunInfo]:
        """Return the runs of `[ENTITY/]PROJECT`, newest first, without their documents.

        Args:
            project: by default the client's.
            filter: one AIP-160 expression, e.g. `job_type = "train" AND state = FINISHED`.
            order_by: e.g. `created_at desc`.
        """
        entity, name = self._client.defaults.project_path(project)
        return self._calls.runs(entity, name, filter=filter, order_by=order_by)

    async def update(
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
        """Change those words about a run that are given, if `etag` still holds or is empty."""
        words = {
            "display_name": display_name,
            "job_type": job_type,
            "group": group,
            "tags": None if tags is None else tuple(tags),
            "description": description,
            "config_json": None if config is None else document_text("config", config),
            "summary_json": None if summary is None else document_text("summary", summary),
        }
        given = {name: value for name, value in words.items() if value is not None}
        return await self._calls.update_run(self._client.defaults.run(run), given, etag=etag)

    async def finish(
        self,
        run: str,
        state: RunState = RunState.FINISHED,
        *,
        exit_code: int | None = None,
        summary: Mapping[str, object] | str | None = None,
    ) -> RunInfo:
        """End a run that goes on elsewhere, or did.

        Raises:
            RunNotRunningError: it was finished in another state.
        """
        return await self._calls.finish_run(
            self._client.defaults.run(run),
            state,
            exit_code=exit_code,
            summary_json=None if summary is None else document_text("summary", summary),
            attempt=0,
        )

    async def metrics(
        self,
        run: str,
        key: str,
        *,
        min_step: int = 0,
        max_step: int | None = None,
        max_points: int = 0,
        every_point: bool = False,
    ) -> MetricHistory:
        """Return the history of a metric, sampled down to buckets where it is long.

        Args:
            run: the run.
            key: the metric.
            min_step: only points at this step or later.
            max_step: only points at this step or earlier; None for all.
            max_points: how many buckets at most, to 10,000; 0 for 1,000.
            every_point: do not sample: return the first `max_points` points; to go on, ask again
                with a `min_step` one beyond the last step.
        """
        return await self._calls.metrics(
            self._client.defaults.run(run),
            key,
            min_step=min_step,
            max_step=max_step,
            max_points=max_points,
            every_point=every_point,
        )

    def last_metrics(self, run: str, prefix: str = "") -> Pages[LastMetric]:
        """Return the metrics of a run by key, each with its last value."""
        return self._calls.last_metrics(self._client.defaults.run(run), prefix=prefix)

    # --- edges ----------------------------------------------------------------------------------

    def edges(
        self,
        node: str,
        direction: Direction = Direction.BOTH,
        *,
        kinds: Sequence[EdgeKind] = (),
    ) -> Pages[Neighbour]:
        """Return the edges of a node with what is at their other ends.

        Args:
            node: a run, a version, or the id of a node.
            direction: UPSTREAM of a run is what it used, DOWNSTREAM what it logged; UPSTREAM of a
                version is what made it, DOWNSTREAM what used it.
            kinds: only edges of these kinds; none for all.
        """
        full = self._client.defaults.node(node)
        return self._calls.edges(full, direction=direction, kinds=kinds)

    async def record(self, edges: Sequence[NewEdge], *, entity: str = "") -> int:
        """Record edges after the fact, all or none; return how many are new.

        Raises:
            LineageCycleError: a version would be derived from itself.
        """
        defaults = self._client.defaults
        full = [
            NewEdge(
                kind=edge.kind,
                ref=defaults.ref(edge.ref),
                run=defaults.run(edge.run) if edge.run else "",
                from_ref=defaults.ref(edge.from_ref) if edge.from_ref else "",
            )
            for edge in edges
        ]
        return await self._calls.record(entity or defaults.entity, full)
