"""CompareRuns: what differs between runs, leaf by leaf, metric by metric, version by version."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from hydria_server.domain.document_leaves import leaves_of
from hydria_server.domain.errors import BatchTooLargeError, FieldViolationError
from hydria_server.domain.lineage import (
    Direction,
    EdgeKind,
    Node,
    NodeId,
    RunId,
    VersionId,
)
from hydria_server.domain.metrics import MetricRecord
from hydria_server.domain.runs import RunDocuments, RunRecord
from hydria_server.services.graph_sizes import node_bytes
from hydria_server.services.hashing import Hashing
from hydria_server.services.run_access import require_run
from hydria_server.storage.metadata.interface import MetadataStore, Rows

MAX_RUNS: Final = 20
MAX_ENTRIES: Final = 5_000
_MAX_BYTES: Final = 2 * 1024 * 1024
_ENTRY_BYTES: Final = 64

_Key = TypeVar("_Key", str, NodeId)
_Value = TypeVar("_Value")
Table = dict[_Key, tuple[_Value | None, ...]]


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of one run; None for more than can be compared."""

    run: RunRecord
    documents: RunDocuments
    metrics: dict[str, MetricRecord] | None
    inputs: dict[NodeId, bool] | None
    outputs: dict[NodeId, bool] | None


@dataclass(slots=True)
class RunComparison:
    """Tables of what differs: by key, the values of the runs in their order."""

    runs: tuple[RunRecord, ...]
    config: Table[str, str]
    summary: Table[str, str]
    metrics: Table[str, MetricRecord]
    inputs: Table[NodeId, bool]
    outputs: Table[NodeId, bool]
    nodes: dict[NodeId, Node]
    is_truncated: bool = False


class RunComparisons:
    """Compares runs."""

    def __init__(self, metadata: MetadataStore, threads: Hashing) -> None:
        self._metadata = metadata
        self._threads = threads

    async def compare(self, run_refs: Sequence[str], *, with_equal: bool) -> RunComparison:
        """Return what differs between runs, and what does not if that is wanted.

        Raises:
            BatchTooLargeError: there are too many.
            FieldViolationError, NameInvalidError: there are too few, or a ref is malformed.
            NotFoundError: there is no such run.
        """
        if len(run_refs) < 2:
            raise FieldViolationError("run_refs", "name at least two runs")
        if len(run_refs) > MAX_RUNS:
            raise BatchTooLargeError(
                f"{len(run_refs)} runs are more than {MAX_RUNS}", details={"limit": str(MAX_RUNS)}
            )

        async def look(rows: Rows) -> tuple[list[_Found], dict[NodeId, Node]]:
            found = [await _find(rows, ref) for ref in run_refs]
            ends = {key for each in found for key in (each.inputs or {}) | (each.outputs or {})}
            return found, await rows.edges.nodes(ends)

        found, nodes = await self._metadata.read(look)
        # Twenty documents of 1 MiB take a second to read.
        return await self._threads.run(partial(_compared, found, nodes, with_equal=with_equal))


async def _find(rows: Rows, run_ref: str) -> _Found:
    run = await require_run(rows, run_ref, field="run_refs")
    metrics = await rows.metrics.page(run.id, prefix="", after=None, limit=MAX_ENTRIES + 1)
    return _Found(
        run,
        await rows.runs.documents(run.id),
        {metric.key: metric for metric in metrics} if len(metrics) <= MAX_ENTRIES else None,
        await _versions(rows, run, EdgeKind.USED),
        await _versions(rows, run, EdgeKind.LOGGED),
    )


async def _versions(rows: Rows, run: RunRecord, kind: EdgeKind) -> dict[NodeId, bool] | None:
    edges = await rows.edges.of_node(
        RunId(run.id), Direction.BOTH, (kind,), after_id=0, limit=MAX_ENTRIES + 1
    )
    if len(edges) > MAX_ENTRIES:
        return None
    return {VersionId(edge.version_id): True for edge in edges}


def _compared(
    found: Sequence[_Found], nodes: dict[NodeId, Node], *, with_equal: bool
) -> RunComparison:
    configs = [leaves_of(each.documents.config_json, limit=MAX_ENTRIES) for each in found]
    summaries = [leaves_of(each.documents.summary_json, limit=MAX_ENTRIES) for each in found]
    space = _Space(with_equal)
    return RunComparison(
        tuple(each.run for each in found),
        space.fill(configs, sorted, _texts_bytes),
        space.fill(summaries, sorted, _texts_bytes),
        space.fill([each.metrics for each in found], sorted, _metric_bytes, _metric_mark),
        space.fill([each.inputs for each in found], list, lambda key, _: node_bytes(nodes[key])),
        space.fill([each.outputs for each in found], list, lambda key, _: node_bytes(nodes[key])),
        nodes,
        space.is_short,
    )


class _Space:
    """What is left of a message."""

    def __init__(self, with_equal: bool) -> None:
        self._with_equal = with_equal
        self._left_bytes = _MAX_BYTES
        self.is_short = False

    def fill(
        self,
        columns: Sequence[Mapping[_Key, _Value] | None],
        order: Callable[[Sequence[_Key]], list[_Key]],
        size: Callable[[_Key, Sequence[_Value | None]], int],
        mark: Callable[[_Value | None], object] = lambda value: value,
    ) -> Table[_Key, _Value]:
        """Return a table of as many rows as there is space for; none if a column is unknown.

        `order` orders its keys, `size` measures a row, `mark` makes of a value what is compared.
        """
        known = [column for column in columns if column is not None]
        if len(known) < len(columns):
            self.is_short = True
            return {}
        table: Table[_Key, _Value] = {}
        for key in order(list(dict.fromkeys(key for column in known for key in column))):
            row = tuple(column.get(key) for column in known)
            if not self._with_equal and len({mark(value) for value in row}) == 1:
                continue
            needed = _ENTRY_BYTES + size(key, row)
            if needed > self._left_bytes or len(table) == MAX_ENTRIES:
                self.is_short = True
                continue
            self._left_bytes -= needed
            table[key] = row
        return table


def _texts_bytes(path: str, row: Sequence[str | None]) -> int:
    return len(path.encode()) + sum(8 + len((text or "").encode()) for text in row)


def _metric_bytes(key: str, row: Sequence[MetricRecord | None]) -> int:
    return len(key.encode()) + 24 * len(row)


def _metric_mark(metric: MetricRecord | None) -> object:
    """Return what is compared of a metric: its value, where NaN is the same as NaN."""
    if metric is None:
        return None
    return "NaN" if math.isnan(metric.last_value) else metric.last_value
