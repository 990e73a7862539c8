"""Globs: patterns for whole paths, matched in time bounded by the lengths of path and pattern."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from hydria_server.domain.errors import FieldViolationError

MAX_GLOB_BYTES = 1024
_ANY_CHARACTER = "[^/]"
_ANY_SEGMENTS = "(?:[^/]++/)*?"
_WILDCARDS = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Glob:
    """A legal glob. It stands for whole paths, from the root of a version on.

    `*` is any text within a segment, `?` one character of it, `[a-z]` one of a set and `[!a-z]`
    one that is not in it. `**` is a segment of its own and stands for any number of segments,
    none among them; at the end for at least one. Characters are Unicode's; all else, letters in
    both cases among it, stands for itself, and so does each of `*?[` in a set: `[*]`.
    """

    text: str
    prefix: str
    """What every path that matches begins with."""
    _pattern: re.Pattern[str]

    def matches(self, path: str) -> bool:
        """Tell whether the glob stands for this path."""
        return self._pattern.match(path) is not None


def parse_glob(text: str, *, field: str) -> Glob:
    """Return the glob that a text is.

    Raises:
        FieldViolationError: it is none; the message names it and the rule it breaks.
    """
    try:
        _require_text(text)
        segments = [_segment_pattern(segment) for segment in text.split("/")]
    except ValueError as problem:
        raise FieldViolationError(field, f"the glob {text[:120]!r} {problem}") from None
    literal = _WILDCARDS.search(text)
    prefix = text[: literal.start()] if literal else text
    return Glob(text, prefix, re.compile(_path_pattern(segments)))


def _require_text(text: str) -> None:
    """Raise ValueError with what is wrong, where no path could be meant."""
    if len(text.encode("utf-8", "replace")) > MAX_GLOB_BYTES:
        raise ValueError(f"is longer than {MAX_GLOB_BYTES} bytes")
    if not unicodedata.is_normalized("NFC", text):
        raise ValueError("is not in Unicode NFC")
    if "\0" in text or "\\" in text:
        raise ValueError("has a NUL or a backslash, as no path has")
    if not {"", ".", ".."}.isdisjoint(text.split("/")):
        raise ValueError("is empty or has an empty, '.' or '..' segment, as no path has")


def _path_pattern(segments: list[str | None]) -> str:
    """Return the regular expression for segments, of which None is `**`.

    What stands between two `**` is a fixed number of segments: the first place where it fits is
    as good as any. So it is searched for in an atomic group, and never looked for again.
    """
    runs: list[list[str]] = [[]]
    for segment in segments:
        if segment is None:
            runs.append([])
        else:
            runs[-1].append(segment)
    first, *others = runs
    if not others:
        return "/".join(first) + r"\Z"
    *middle, last = others
    found = [f"(?>{_ANY_SEGMENTS}{'/'.join(run)}/)" for run in middle if run]
    end = f"{_ANY_SEGMENTS}{'/'.join(last)}" if last else "(?s:.++)"
    return "".join((*(f"{segment}/" for segment in first), *found, end, r"\Z"))


def _segment_pattern(segment: str) -> str | None:
    """Return the regular expression for one segment; None for `**`.

    Raises:
        ValueError: it has `**` beside other characters, or a set that is none.
    """
    if segment == "**":
        return None
    pieces = [""]
    at = 0
    while at < len(segment):
        character = segment[at]
        if segment.startswith("**", at):
            raise ValueError("has '**' beside other characters of a segment")
        if character == "*":
            pieces.append("")
        elif character == "[":
            pattern, at = _set_pattern(segment, at)
            pieces[-1] += pattern
        else:
            pieces[-1] += _ANY_CHARACTER if character == "?" else re.escape(character)
        at += 1
    return _joined(pieces)


def _joined(pieces: list[str]) -> str:
    """Return the regular expression for pieces with any text between them, found as in paths."""
    first, *others = pieces
    if not others:
        return first
    *middle, last = others
    found = [f"(?>{_ANY_CHARACTER}*?{piece})" for piece in middle if piece]
    end = f"(?>{_ANY_CHARACTER}*{last}(?=/|\\Z))" if last else f"{_ANY_CHARACTER}*+"
    return "".join((first, *found, end))


def _set_pattern(segment: str, start: int) -> tuple[str, int]:
    """Return the regular expression for the set that begins at `start`, and where it ends.

    Raises:
        ValueError: it does not end, or has a range that runs backwards.
    """
    begin = start + 2 if segment[start + 1 : start + 2] == "!" else start + 1
    end = segment.find("]", begin + 1)  # at its beginning a `]` stands for itself
    if end < 0:
        raise ValueError("has a '[' without its ']'; a '[' that is meant is '[[]'")
    members, at = [], begin
    while at < end:
        low = high = segment[at]
        if segment[at + 1] == "-" and at + 2 < end:
            high = segment[at + 2]
            at += 2
        if low > high:
            raise ValueError(f"has the range {low}-{high}, which runs backwards")
        members.append(re.escape(low) if low == high else f"{re.escape(low)}-{re.escape(high)}")
        at += 1
    sign = "^" if begin == start + 2 else ""
    return f"(?!/)[{sign}{''.join(members)}]", end
