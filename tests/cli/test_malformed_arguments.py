"""What is no ref, no name and no filter is wrong usage."""

from __future__ import annotations

import pytest

from hydria.cli.main import run


@pytest.mark.parametrize(
    "arguments",
    [
        ["artifact", "show", "bad ref::x"],
        ["artifact", "ls", "local/vision/digits:v2"],
        ["artifact", "ls", "a/b/c/d"],
    ],
)
def test_a_malformed_name_or_ref_exits_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert capsys.readouterr().out == ""
