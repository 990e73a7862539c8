"""What differs between runs: leaf by leaf, metric by metric, version by version."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from hydria.lineage.records import EdgeKind, Neighbour, RunInfo

if TYPE_CHECKING:
    from hydria.client import AsyncClient

_Value = TypeVar("_Value")
Column = Mapping[str, Sequence[str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """What differs between runs. Values follow the order of `runs`; None where there is none."""

    runs: tuple[RunInfo, ...]
    config: Column
    """JSON texts by JSON Pointer, e.g. `/optimizer/lr`."""
    summary: Column
    metrics: Mapping[str, Sequence[float | None]]
    """Last values by key."""
    inputs: Mapping[str, Sequence[bool]]
    """By the ref of a version: which runs used it."""
    outputs: Mapping[str, Sequence[bool]]

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


async def compare_runs(
    client: AsyncClient, names: Sequence[str], *, with_equal: bool = False
) -> RunComparison:
    """Compare runs; leave out what is the same in all of them, unless `with_equal`."""
    runs = [await client.runs.get(name) for name in names]
    last = [
        {metric.key: metric.value async for metric in client.runs.last_metrics(run.ref)}
        for run in runs
    ]
    edges = [await client.runs.edges(run.ref).to_list() for run in runs]
    inputs = [_refs(each, EdgeKind.USED) for each in edges]
    outputs = [_refs(each, EdgeKind.LOGGED) for each in edges]
    return RunComparison(
        runs=tuple(runs),
        config=_differing([leaves(run.config_json) for run in runs], with_equal=with_equal),
        summary=_differing([leaves(run.summary_json) for run in runs], with_equal=with_equal),
        metrics=_differing(last, with_equal=with_equal),
        inputs=_present(inputs, with_equal=with_equal),
        outputs=_present(outputs, with_equal=with_equal),
    )


def leaves(document: str) -> dict[str, str]:
    """Return the leaves of a JSON document by JSON Pointer, numbers to the letter."""
    parsed = json.loads(document or "{}", parse_int=_Number, parse_float=_Number)
    return dict(_leaves("", parsed))


class _Number(str):
    """A number as it was written."""


def _leaves(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            escaped = str(key).replace("~", "~0").replace("/", "~1")
            yield from _leaves(f"{path}/{escaped}", item)
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            yield from _leaves(f"{path}/{place}", item)
    elif path:
        is_number = isinstance(value, _Number)
        yield path, str(value) if is_number else json.dumps(value, ensure_ascii=False)


def _differing(
    columns: Sequence[Mapping[str, _Value]], *, with_equal: bool
) -> dict[str, list[_Value | None]]:
    names = sorted({name for column in columns for name in column})
    rows = {name: [column.get(name) for column in columns] for name in names}
    return {
        name: values
        for name, values in rows.items()
        if with_equal or any(value != values[0] for value in values)
    }


def _present(columns: Sequence[set[str]], *, with_equal: bool) -> dict[str, list[bool]]:
    names = sorted(set().union(*columns))
    rows = {name: [name in column for column in columns] for name in names}
    return {name: there for name, there in rows.items() if with_equal or not all(there)}


def _refs(edges: Sequence[Neighbour], kind: EdgeKind) -> set[str]:
    return {edge.node.ref for edge in edges if edge.edge.kind is kind}
