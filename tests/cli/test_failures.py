"""Errors are one line: what, which, and what to do next."""

from __future__ import annotations

import pytest

from hydria import errors
from hydria.cli.failures import line_of


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (errors.ServerUnavailableError("no server"), "hydria server"),
        (errors.ServerDrainingError("shutting down"), "try again"),
        (errors.RefInvalidError("'x' is no ref"), "ENTITY/PROJECT/NAME:ALIAS"),
        (
            errors.FieldViolationError("ref: 'x' is no ref", details={"field": "ref"}),
            "ENTITY/PROJECT/NAME:ALIAS",
        ),
        (errors.FileNotFoundInVersionError("no such file"), "hydria artifact files"),
        (errors.NotFoundError("no such collection"), "hydria artifact ls"),
        (errors.AliasNotFoundError("no such alias"), "hydria artifact ls"),
        (
            errors.ResourceInUseError("a/b/c:v0 has aliases", details={"aliases": "prod"}),
            "(prod): --delete-aliases",
        ),
        (errors.ResourceInUseError("a/b/c:v0 is linked"), "--force"),
        (errors.SourceChangedError("'x' kept changing"), "when nothing writes"),
        (errors.TargetError("'x' is a directory"), "--root"),
        (errors.FilterInvalidError("column 3"), "tag:gold"),
    ],
)
def test_an_error_says_what_to_do_next(error: errors.HydriaError, advice: str) -> None:
    line = line_of(error)

    assert line.startswith(error.message)
    assert advice in line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied", "/a b"), "/a b: Permission denied"),
        (PermissionError(13, "Permission denied", b"/\xff"), "/\\udcff: Permission denied"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("something"), "something"),
    ],
)
def test_an_error_of_the_system_names_the_file_first(error: OSError, line: str) -> None:
    assert line_of(error) == line


def test_a_message_stays_one_line_and_harmless_whatever_is_in_it() -> None:
    assert line_of(errors.HydriaError("one\ntwo\r\nthree \x1b[2J")) == "one two three \\x1b[2J"


def test_a_defect_is_one_line_too_and_says_how_to_see_more() -> None:
    line = line_of(KeyError("x"))

    assert "unexpected KeyError: 'x'" in line
    assert "PYTHONDEVMODE=1" in line
