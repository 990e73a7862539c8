"""What differs between runs: leaf by leaf, metric by metric, version by version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hydria.lineage.messages import run_of
from hydria.lineage.records import RunInfo
from hydria.v1 import lineage_pb2 as pb

Column = Mapping[str, Sequence[str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """What differs between runs. Values follow the order of `runs`; None where there is none."""

    runs: tuple[RunInfo, ...]
    """Without their documents."""
    config: Column
    """JSON texts by JSON Pointer, e.g. `/optimizer/lr`."""
    summary: Column
    metrics: Mapping[str, Sequence[float | None]]
    """Last values by key."""
    inputs: Mapping[str, Sequence[bool]]
    """By the ref of a version: which runs used it."""
    outputs: Mapping[str, Sequence[bool]]
    is_truncated: bool
    """Whether something is missing, because there is more than a message holds."""

    def sections(self) -> dict[str, Column]:
        """Return all of it as texts."""
        metrics = {
            key: [None if value is None else f"{value:.6g}" for value in values]
            for key, values in self.metrics.items()
        }
        marks = {
            title: {
                ref: ["yes" if is_there else None for is_there in there]
                for ref, there in section.items()
            }
            for title, section in (("used", self.inputs), ("logged", self.outputs))
        }
        return {"config": self.config, "summary": self.summary, "metric": metrics, **marks}


def comparison_of(message: pb.CompareRunsResponse) -> RunComparison:
    """Return the comparison that a message describes."""
    count = len(message.runs)
    return RunComparison(
        runs=tuple(run_of(run) for run in message.runs),
        config=_leaves(message.config),
        summary=_leaves(message.summary),
        metrics={metric.key: _values(metric, count) for metric in message.metrics},
        inputs=_present(message.inputs, count),
        outputs=_present(message.outputs, count),
        is_truncated=message.truncated,
    )


def _leaves(leaves: Iterable[pb.DocumentLeaf]) -> Column:
    return {leaf.path: [text or None for text in leaf.values_json] for leaf in leaves}


def _values(metric: pb.MetricComparison, count: int) -> list[float | None]:
    values = dict(zip(metric.run_indexes, metric.values, strict=True))
    return [values.get(place) for place in range(count)]


def _present(versions: Iterable[pb.VersionComparison], count: int) -> Mapping[str, list[bool]]:
    return {
        each.version.ref: [place in each.run_indexes for place in range(count)] for each in versions
    }
