"""The report shows the newest run of each workload, and which bars it meets."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.measurements import Measurement
from benchmarks.recording import record
from benchmarks.report import BEGIN, END, main
from benchmarks.rows import newest_rows

FACTS: dict[str, str | int | float] = {
    "commit": "abc123",
    "cpu": "Fast CPU",
    "cores": 2,
    "system": "Linux 6",
    "python": "3.11.7",
}


def write_run(results: Path, time: str, *rows: tuple[str, float, str, str]) -> None:
    with (results / "big-file.jsonl").open("a") as file:
        for name, median, unit, bar in rows:
            line = {"workload": "big-file", "name": name, "median": median, "unit": unit}
            line |= {"values": [median - 1, median, median + 1], "bar": bar, "time": time}
            file.write(json.dumps({**line, **FACTS}) + "\n")


def rendered(folder: Path) -> str:
    page = folder / "page.md"
    page.write_text(f"before\n{BEGIN}old table\n{END}after\n")
    main(page, folder)
    return page.read_text()


def test_the_newest_run_replaces_what_the_page_had(tmp_path: Path) -> None:
    write_run(tmp_path, "2026-01-02T00:00:00+00:00", ("upload: rate", 1234.0, "MB/s", ""))
    write_run(tmp_path, "2026-01-01T00:00:00+00:00", ("upload: rate", 77.0, "MB/s", ""))

    page = rendered(tmp_path)

    assert page.startswith(f"before\n{BEGIN}")
    assert page.endswith(f"{END}after\n")
    assert "| upload: rate | 1,234 MB/s | 1,233 to 1,235 |  |  |" in page
    assert "3 rounds at commit abc123, 2026-01-02, on Fast CPU, 2 cores" in page
    assert "77" not in page
    assert "old table" not in page


def test_a_bar_is_met_or_it_says_so(tmp_path: Path) -> None:
    write_run(
        tmp_path,
        "2026-01-02T00:00:00+00:00",
        ("least", 8000.0, "files/s", ">= 8000"),
        ("most", 3.5, "%", "<= 3"),
        ("below", 1.0, "%", "< 1"),
        ("equal", 0.0, "bytes", "= 0"),
        ("free", 5.0, "s", ""),
    )

    rows = newest_rows(tmp_path, ["big-file", "no-results-yet"])

    assert list(rows) == ["big-file"]
    assert [row.is_met for row in rows["big-file"]] == [True, False, False, True, None]
    assert "| most | 3.5 % | 2.5 to 4.5 | <= 3 | **not met** |" in rendered(tmp_path)


def test_the_plot_is_the_same_file_for_the_same_results(tmp_path: Path) -> None:
    write_run(tmp_path, "2026-01-02T00:00:00+00:00", ("upload: rate", 500.0, "MB/s", ""))

    assert "results/throughput.svg" in rendered(tmp_path)
    first = (tmp_path / "throughput.svg").read_bytes()
    rendered(tmp_path)

    assert (tmp_path / "throughput.svg").read_bytes() == first
    text = "".join(ElementTree.fromstring(first).itertext())
    assert "big-file: upload" in text
    assert "abc123" in text
    assert "Fast CPU" in text


def test_without_rates_there_is_no_plot(tmp_path: Path) -> None:
    write_run(tmp_path, "2026-01-02T00:00:00+00:00", ("commit", 5.0, "ms", ""))

    assert "throughput.svg" not in rendered(tmp_path)
    assert not (tmp_path / "throughput.svg").exists()


def test_medians_are_recorded_with_what_they_were_taken_on(tmp_path: Path) -> None:
    rounds = [[Measurement("x", value, "s", "<= 2")] for value in (3.0, 1.0, 2.0)]
    rounds[2].append(Measurement("seen once", 9.0, "s"))

    record("big-file", rounds, facts=FACTS, results=tmp_path)

    x, once = newest_rows(tmp_path, ["big-file"])["big-file"]
    assert (x.median, x.values, x.is_met) == (2.0, (1.0, 2.0, 3.0), True)
    assert (once.median, once.values) == (9.0, (9.0,))
    assert x.commit == "abc123"
