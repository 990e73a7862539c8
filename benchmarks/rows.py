"""The newest results of each workload, read back, and whether they meet their bars."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement of one run: its median over the rounds, and what it was taken on."""

    workload: str
    name: str
    median: float
    values: tuple[float, ...]
    unit: str
    bar: str
    time: str
    commit: str
    machine: str

    @property
    def is_met(self) -> bool | None:
        """Whether the median meets the bar; None without one."""
        if not self.bar:
            return None
        comparison, _space, limit = self.bar.partition(" ")
        return _COMPARISONS[comparison](self.median, float(limit))


def newest_rows(results: Path, workloads: Iterable[str]) -> dict[str, list[Row]]:
    """Return, for each of the workloads that has results, the rows of its newest run."""
    newest = {}
    for workload in workloads:
        file = results / f"{workload}.jsonl"
        if file.exists():
            rows = [_row(json.loads(line)) for line in file.read_text("utf-8").splitlines()]
            time = max(row.time for row in rows)
            newest[workload] = [row for row in rows if row.time == time]
    return newest


def _row(line: Mapping[str, str | int | float | list[float]]) -> Row:
    values = line["values"]
    assert isinstance(values, list)
    return Row(
        workload=str(line["workload"]),
        name=str(line["name"]),
        median=float(str(line["median"])),
        values=tuple(values),
        unit=str(line["unit"]),
        bar=str(line["bar"]),
        time=str(line["time"]),
        commit=str(line["commit"]),
        machine=f"{line['cpu']}, {line['cores']} cores, {line['system']}, Python {line['python']}",
    )
