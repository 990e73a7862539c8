"""Numbers, names, tables and JSON as they are printed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria.cli.output import JsonText, to_json
from hydria.cli.text import Table, count_text, printable, seconds_text, size_text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1234, "1.2 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (92_100_000, "92.1 MB"),
        (2**31, "2.1 GB"),
        (5 * 10**18, "5,000.0 PB"),
    ],
)
def test_sizes_have_one_decimal_and_the_unit_that_keeps_them_short(
    size_bytes: int, text: str
) -> None:
    assert size_text(size_bytes) == text


def test_counts_and_durations() -> None:
    assert [count_text(n, "file") for n in (0, 1, 1842)] == ["0 files", "1 file", "1,842 files"]
    assert [seconds_text(s) for s in (0.0084, 1.25, 312.4)] == ["8 ms", "1.25 s", "312 s"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünï 数据 🏺", "plain ünï 数据 🏺"),
        ("ideographic\u3000space", "ideographic\u3000space"),
        ("\x1b[2J", "\\x1b[2J"),
        ("two\nlines\t", "two\\nlines\\t"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_could_move_the_cursor_or_turn_text_around_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_table_is_aligned_also_where_characters_are_wide() -> None:
    table = Table(("NAME", "SIZE"), right=("SIZE",))

    assert list(table.lines([("数据", "1 B"), ("a", "100 B")])) == [
        "NAME   SIZE",
        "数据    1 B",
        "a     100 B",
    ]


def test_a_table_in_parts_has_its_headings_once_and_keeps_its_widths() -> None:
    table = Table(("A", "B"))

    first, second = list(table.lines([("long cell", "x")])), list(table.lines([("s", "y")]))

    assert first == ["A          B", "long cell  x"]
    assert second == ["s          y"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_json_is_what_every_parser_reads(value: object) -> None:
    assert json.loads(to_json(value)) == json.loads(json.dumps(value))  # type: ignore[arg-type]


def test_json_that_was_text_keeps_the_letter_of_its_numbers() -> None:
    text = '{"a": 1.0, "b": 1E400, "c": 12345678901234567890123}'

    assert to_json({"metadata": JsonText(text)}) == f'{{"metadata": {text}}}'
