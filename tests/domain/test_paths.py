"""Paths in a version, and paths that are a file and a directory at once."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hydria_server.domain.errors import PathConflictError, PathInvalidError
from hydria_server.domain.paths import PathConflictDetector, require_path

SEGMENTS = st.sampled_from(["a", "b", "a!", "a.b", "a0", "é", "aa", "!", "\x01"])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)


@given(st.text(alphabet="a./\\\0é\u0301 ", max_size=12) | st.text(max_size=40))
def test_a_path_is_legal_exactly_when_every_rule_holds(path: str) -> None:
    legal = (
        len(path.encode("utf-8", "surrogatepass")) <= 1024
        and all(segment not in ("", ".", "..") for segment in path.split("/"))
        and not set(path) & {"\0", "\\"}
        and unicodedata.normalize("NFC", path) == path
    )
    if legal:
        assert require_path(path, field="path") == path
        return
    with pytest.raises(PathInvalidError) as refused:
        require_path(path, field="path")
    assert refused.value.details == {"field": "path"}


@pytest.mark.parametrize("length", [1024, 1025])
@pytest.mark.parametrize("character", ["x", "é", "🐦"])
def test_the_length_of_a_path_is_counted_in_bytes(character: str, length: int) -> None:
    width = len(character.encode())
    path = character * (length // width) + "x" * (length % width)
    if length == 1024:
        assert require_path(path, field="path") == path
    else:
        with pytest.raises(PathInvalidError):
            require_path(path, field="path")


def conflicts(paths: set[str]) -> set[str]:
    """Return the files that are also directories, by looking at every pair."""
    return {file for file in paths for below in paths if below.startswith(f"{file}/")}


def first_conflict(paths: set[str]) -> str | None:
    """Return the file that the detector finds, or None."""
    detector = PathConflictDetector()
    for path in sorted(path.encode() for path in paths):
        try:
            detector.check(path)
        except PathConflictError as error:
            return error.details["path"]
    return None


@example({"a", "a!", "a/b"})
@example({"a", "a!", "a!/x", "a.b", "a/b"})
@example({"a/b", "a/b!", "a/b!!", "a/b/c"})
@example({"a", "aa", "aa/b"})
@given(st.sets(PATHS, max_size=12))
def test_a_conflict_is_found_exactly_when_there_is_one(paths: set[str]) -> None:
    found = first_conflict(paths)
    expected = conflicts(paths)
    assert found in expected if expected else found is None


def test_a_hundred_thousand_siblings_are_checked_at_once() -> None:
    """One path after the other, whatever stands between a file and what lies below it."""
    detector = PathConflictDetector()
    detector.check(b"a")
    for number in range(100_000):
        detector.check(b"a!%06d" % number)
    with pytest.raises(PathConflictError):
        detector.check(b"a/b")
