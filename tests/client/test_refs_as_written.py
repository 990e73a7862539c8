"""Names and refs that leave out what has a default."""

from __future__ import annotations

import pytest

from hydria.errors import RefInvalidError
from hydria.refs import Defaults, split_ref

DEFAULTS = Defaults(entity="team", project="birds")


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("calls", "team/birds/calls"),
        ("bats/calls", "team/bats/calls"),
        ("zoo/bats/calls", "zoo/bats/calls"),
        ("calls:v3", "team/birds/calls:v3"),
        ("zoo/bats/calls:best model", "zoo/bats/calls:best model"),
        ("calls@blake3:" + "ab" * 32, "team/birds/calls@blake3:" + "ab" * 32),
    ],
)
def test_a_ref_is_filled_in_from_the_left(text: str, ref: str) -> None:
    assert DEFAULTS.ref(text) == ref


@pytest.mark.parametrize("text", ["", "/", "a//b", "a/b/c/d", ":v0", "/calls", "calls/"])
def test_a_ref_without_a_collection_is_refused(text: str) -> None:
    with pytest.raises(RefInvalidError):
        DEFAULTS.ref(text)


def test_without_a_default_project_the_error_says_what_to_do() -> None:
    with pytest.raises(RefInvalidError, match="HYDRIA_PROJECT"):
        Defaults().ref("calls")
    assert Defaults().ref("birds/calls") == "local/birds/calls"


@pytest.mark.parametrize("name", ["calls:v0", "calls@blake3:00"])
def test_where_a_collection_is_needed_a_version_is_refused(name: str) -> None:
    with pytest.raises(RefInvalidError):
        DEFAULTS.collection(name)


def test_a_digest_is_looked_for_before_an_alias() -> None:
    assert split_ref("a/b/c@blake3:00") == ("a/b/c", "@blake3:00")
    assert split_ref("a/b/c:x") == ("a/b/c", ":x")
    assert split_ref("a/b/c") == ("a/b/c", "")


def test_a_project_is_filled_in_like_a_ref() -> None:
    assert DEFAULTS.project_path("") == ("team", "birds")
    assert DEFAULTS.project_path("bats") == ("team", "bats")
    assert DEFAULTS.project_path("zoo/bats") == ("zoo", "bats")
    with pytest.raises(RefInvalidError):
        Defaults().project_path("")
