"""Globs: what they stand for, and how long that takes to find out."""

from __future__ import annotations

import time
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.globs import Glob, parse_glob

LETTERS = st.sampled_from("aab.é-!]^\n ")
SETS = st.sampled_from(["[ab]", "[!ab]", "[a-c]", "[!a-c]", "[]a]", "[!]]", "[a-]", "[*]", "[+-9]"])
PARTS = st.sampled_from(["*", "*", "?"]) | SETS | LETTERS
SEGMENTS = st.lists(PARTS, min_size=1, max_size=5).map("".join)
GLOBS = st.lists(SEGMENTS | st.just("**"), min_size=1, max_size=5).map("/".join)
NAMES = st.text(alphabet="aab.é-!]^*+\n ", min_size=1, max_size=5)
PATHS = st.lists(NAMES, min_size=1, max_size=6).map("/".join)


def parsed(text: str) -> Glob | None:
    try:
        return parse_glob(text, field="glob")
    except FieldViolationError:
        return None


def elements_of(segment: str) -> list[str]:
    """Cut a legal segment into `*`, `?`, sets and characters."""
    elements: list[str] = []
    while segment:
        size = 1
        if segment[0] == "[":
            size = segment.index("]", 3 if segment[1] == "!" else 2) + 1
        elements.append(segment[:size])
        segment = segment[size:]
    return elements


def is_in(character: str, element: str) -> bool:
    if element == "?" or len(element) == 1:
        return element in ("?", character)
    members, negated = element[1:-1], element[1] == "!"
    if negated:
        members = members[1:]
    found = False
    while members:
        if members[1:2] == "-" and len(members) > 2:
            found |= members[0] <= character <= members[2]
            members = members[3:]
        else:
            found |= character == members[0]
            members = members[1:]
    return found != negated


def stands_for(glob: str, path: str) -> bool:
    """Tell whether a glob stands for a path, by trying everything."""
    segments, names = glob.split("/"), path.split("/")

    @cache
    def fits(at: int, name: int) -> bool:
        if at == len(segments):
            return name == len(names)
        if segments[at] != "**":
            return (
                name < len(names)
                and segment_fits(segments[at], names[name])
                and fits(at + 1, name + 1)
            )
        least = 1 if all(each == "**" for each in segments[at:]) else 0
        return any(fits(at + 1, later) for later in range(name + least, len(names) + 1)) or (
            least == 1 and at + 1 < len(segments) and fits(at + 1, name)
        )

    return fits(0, 0)


def segment_fits(segment: str, name: str) -> bool:
    elements = elements_of(segment)

    @cache
    def fits(at: int, place: int) -> bool:
        if at == len(elements):
            return place == len(name)
        if elements[at] == "*":
            return any(fits(at + 1, later) for later in range(place, len(name) + 1))
        return place < len(name) and is_in(name[place], elements[at]) and fits(at + 1, place + 1)

    return fits(0, 0)


@given(GLOBS, PATHS)
@example("**/*a*a/**/a", "a/aa/b/a")
@example("*a*ab", "aaaab")
@example("**/a/b/**/a/c", "a/a/b/a/c")
def test_a_glob_stands_for_what_trying_everything_finds(text: str, path: str) -> None:
    glob = parsed(text)
    if glob is None:
        return  # as the next tests have it
    assert glob.matches(path) == stands_for(text, path)
    if glob.matches(path):
        assert path.startswith(glob.prefix)


@given(PATHS)
def test_a_path_with_its_wildcards_in_sets_stands_for_itself_alone(path: str) -> None:
    text = "".join(f"[{character}]" if character in "*?[" else character for character in path)
    glob = parsed(text)
    if glob is None:
        assert {".", ".."} & set(path.split("/"))
        return
    assert glob.matches(path)
    assert not glob.matches(f"{path}a")
    assert not glob.matches(f"a{path}")


@given(st.text(alphabet="*?[]!-/a.\\\0", max_size=12) | st.text(max_size=40))
def test_every_text_is_a_glob_or_refused_by_name(text: str) -> None:
    glob = parsed(text)
    if glob is not None:
        assert glob.text == text
        return
    with pytest.raises(FieldViolationError) as refused:
        parse_glob(text, field="globs")
    assert refused.value.details == {"field": "globs"}
    assert repr(text) in refused.value.message


@pytest.mark.parametrize(
    "text",
    [
        "*a" * 500 + "b",
        "*" + "[ab]" * 250 + "c",
        "*?" * 500 + "c",
        "**/" * 300 + "b",
        "**/*a*a*a/" * 90 + "b",
        "**/" + "a/" * 400 + "b",
    ],
)
@pytest.mark.parametrize("path", ["a" * 1024, "a/" * 511 + "a", "aaa/" * 255 + "aaa"])
def test_no_glob_takes_long_for_any_path(text: str, path: str) -> None:
    glob = parse_glob(text, field="glob")
    begun_at = time.process_time()
    assert not glob.matches(path)
    assert time.process_time() - begun_at < 0.5  # milliseconds; with backtracking it were years
