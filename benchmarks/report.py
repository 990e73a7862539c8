"""Renders the newest results: tables into benchmarks/README.md, rates into a plot.

`python -m benchmarks.report`; `make bench` ends with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.recording import RESULTS
from benchmarks.rows import Row, newest_rows
from benchmarks.workloads.registry import WORKLOADS

PAGE = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- results: begin -->\n", "<!-- results: end -->\n"
_VERDICTS = {None: "", True: "met", False: "**not met**"}


def main(page: Path = PAGE, results: Path = RESULTS) -> None:
    """Rewrite the tables of the page, and the plot beside the results."""
    from benchmarks.plot import draw_rates  # which takes a second to import

    newest = newest_rows(results, [*WORKLOADS, "peers"])
    before, _begin, rest = page.read_text("utf-8").partition(BEGIN)
    _old, _end, after = rest.partition(END)
    lines = list(_tables(newest))
    if draw_rates(results / "throughput.svg", newest):
        lines += ["", "![Rates of the newest runs](results/throughput.svg)"]
    text = "".join(f"{line}\n" for line in lines)
    page.write_text(f"{before}{BEGIN}{text}{END}{after}", "utf-8")
    for row in (row for rows in newest.values() for row in rows if row.is_met is False):
        print(f"not met: {row.workload}: {row.name}: {_number(row.median)} {row.unit} ({row.bar})")


def _tables(newest: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    for workload, rows in newest.items():
        first = rows[0]
        yield ""
        yield f"### {workload}"
        yield ""
        yield f"{_rounds(first)} at commit {first.commit}, {first.time[:10]}, on {first.machine}."
        yield ""
        yield "| measurement | median | spread | bar | |"
        yield "|---|---|---|---|---|"
        for row in rows:
            low, high = _number(min(row.values)), _number(max(row.values))
            spread = f"{low} to {high}" if len(row.values) > 1 else ""
            median = f"{_number(row.median)} {row.unit}"
            yield f"| {row.name} | {median} | {spread} | {row.bar} | {_VERDICTS[row.is_met]} |"


def _rounds(row: Row) -> str:
    return "One round" if len(row.values) == 1 else f"{len(row.values)} rounds"


def _number(value: float) -> str:
    """Write three significant digits, and thousands with commas."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == 0 else f"{value:.3g}"


if __name__ == "__main__":
    main()
