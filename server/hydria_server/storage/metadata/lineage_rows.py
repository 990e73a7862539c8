"""The contract of the rows of lineage: runs, metrics, and the edges between runs and versions."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from typing import Protocol, TypeAlias, TypeVar

from hydria_server.domain.filters import Page, Query
from hydria_server.domain.lineage import (
    Direction,
    EdgeKind,
    EdgeRecord,
    NewEdge,
    Node,
    NodeId,
    VersionNode,
)
from hydria_server.domain.metrics import BlockRange, MetricRecord, Points
from hydria_server.domain.runs import (
    NewRun,
    RunChange,
    RunDocuments,
    RunName,
    RunRecord,
    RunState,
)
from hydria_server.domain.traversal import EdgeFilter, EdgeQuestion

T = TypeVar("T")
EdgeQuestions: TypeAlias = Generator[EdgeQuestion, Sequence[EdgeRecord], T]
"""Asks for edges, gets them, and asks for more; what it returns is what it found out."""


class RunRows(Protocol):
    """Runs, their tags and documents. Ids here are row ids, never given twice."""

    async def insert(self, run: NewRun) -> RunRecord:
        """Insert a RUNNING run at its first attempt.

        Raises:
            AlreadyExistsError: the project has a run of that id, or the request began one.
        """
        ...

    async def take_number(self, project_id: int) -> int:
        """Return 1, 2, 3, ...: a number that no other run of the project was given."""
        ...

    async def by_name(self, name: RunName) -> RunRecord | None:
        """Return the run of that name."""
        ...

    async def by_ids(self, run_ids: Collection[int]) -> dict[int, RunRecord]:
        """Return those of the runs that exist."""
        ...

    async def by_request(self, entity_id: int, request_id: str) -> tuple[RunRecord, bytes] | None:
        """Return the run that a request began, and the hash of that request."""
        ...

    async def ids_by_name(self, project_id: int, names: Collection[str]) -> dict[str, int]:
        """Return the row ids of those of the project's runs that exist, by their ids."""
        ...

    async def documents(self, run_id: int) -> RunDocuments:
        """Return what is said about a run at length."""
        ...

    async def update(self, run_id: int, change: RunChange, *, now_us: int) -> None:
        """Replace what is not None. The revision grows."""
        ...

    async def add_tags(self, run_id: int, tags: Sequence[str]) -> None:
        """Add tags that it has not."""
        ...

    async def begin_attempt(self, run_id: int, *, now_us: int) -> None:
        """Make it RUNNING again, at the next attempt. The revision grows."""
        ...

    async def backdate(self, run_id: int, *, created_at_us: int) -> None:
        """Note that it began earlier than was known; a later time changes nothing."""
        ...

    async def beat(self, run_id: int, *, now_us: int) -> None:
        """Note a sign of life: it is RUNNING, and was never heard of later."""
        ...

    async def end(
        self,
        run_id: int,
        state: RunState,
        *,
        exit_code: int | None,
        finished_at_us: int,
        now_us: int,
    ) -> None:
        """Take it to a state other than RUNNING. The revision grows."""
        ...

    async def silent(self, *, before_us: int, limit: int) -> list[RunRecord]:
        """Return RUNNING runs without a sign of life since that time, the longest silent first."""
        ...

    async def page(self, project_id: int, query: Query) -> Page[RunRecord]:
        """List the runs of a project, as `ListingRows` does.

        Fields: run_id, name, job_type, group, tag, state, created_at, updated_at, finished_at.
        """
        ...


class MetricRows(Protocol):
    """Metrics of runs, and their points in blocks that are sorted and do not overlap."""

    async def of_run(self, run_id: int, keys: Collection[str]) -> dict[str, MetricRecord]:
        """Return those of the metrics that exist, by key."""
        ...

    async def page(
        self, run_id: int, *, prefix: str, after: str | None, limit: int
    ) -> list[MetricRecord]:
        """Return metrics whose keys begin with `prefix` and follow `after`, by key."""
        ...

    async def put(self, run_id: int, metrics: Sequence[MetricRecord]) -> None:
        """Insert those with the id 0; of the others, replace the last value and the count."""
        ...

    async def short_last_blocks(
        self, metric_ids: Collection[int], *, below_count: int
    ) -> dict[int, Points]:
        """Return the last block of each metric, if it has fewer points than that."""
        ...

    async def ranges(self, metric_id: int, *, first: int, last: int) -> list[BlockRange]:
        """Return the blocks that have a step from `first` to `last`, in order."""
        ...

    async def points(self, metric_id: int, first_steps: Collection[int]) -> list[Points]:
        """Return the points of the blocks with these first steps, in order."""
        ...

    async def replace_blocks(
        self, removed: Collection[tuple[int, int]], added: Sequence[tuple[int, Points]]
    ) -> None:
        """Remove blocks, by metric id and first step, and add blocks to metrics."""
        ...


class EdgeRows(Protocol):
    """Edges, which are only ever added, and the nodes at their ends."""

    async def insert(self, edges: Sequence[NewEdge]) -> list[EdgeRecord]:
        """Insert those that are not there; return these, in the order of their ids."""
        ...

    async def of_node(
        self,
        node: NodeId,
        direction: Direction,
        kinds: Collection[EdgeKind],
        *,
        after_id: int,
        limit: int,
    ) -> list[EdgeRecord]:
        """Return edges of these kinds with ids over `after_id`, in order.

        UPSTREAM are those that flow into the node, DOWNSTREAM those that flow out of it.
        """
        ...

    async def answer(self, questions: EdgeQuestions[T], edges: EdgeFilter, *, up_to_id: int) -> T:
        """Answer questions one after another, and return what they come to in the end.

        Each answer has edges of any of the nodes, that pass the filter and have ids up to
        `up_to_id`: as many as are asked for, always in the same order. Where the database has a
        thread, the questions are thought of there, with no way back in between: they wait for
        nothing.
        """
        ...

    async def last_id(self) -> int:
        """Return the id of the newest edge, or 0: what is recorded later has a higher one."""
        ...

    async def has_backward(self) -> bool:
        """Tell whether any version derives from one with a higher id, as every cycle needs it."""
        ...

    async def derives(self, version_id: int, *, from_version_id: int) -> bool:
        """Tell whether a version is, or derives from, another one by any number of steps."""
        ...

    async def nodes(self, ids: Collection[NodeId]) -> dict[NodeId, Node]:
        """Return those of the versions and runs that exist; versions live or deleted."""
        ...

    async def version_nodes(self, version_ids: Collection[int]) -> dict[int, VersionNode]:
        """Return those of the versions that exist, live or deleted."""
        ...

    async def live_versions(
        self, project_id: int, numbers: Collection[tuple[str, int]]
    ) -> dict[tuple[str, int], VersionNode]:
        """Return versions of live collections of a project, by collection and number.

        Collections are called by their present names. Versions that were deleted are found too.
        """
        ...

    async def remembered_version(
        self, entity: str, project: str, collection: str, number: int
    ) -> VersionNode | None:
        """Return a version, live or deleted, of the live collection of that name.

        Without one, of the last collection that was deleted under that name. For a link its source.
        """
        ...
