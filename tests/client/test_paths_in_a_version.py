"""The client's own rules for paths: the same as the server's, held against it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria.errors import PathInvalidError
from hydria.paths import check_path, normalize_path
from hydria_server.domain.errors import HydriaError
from hydria_server.domain.paths import require_path

HOSTILE = [
    "",
    "/etc/passwd",
    "../up",
    "a/../b",
    "a/./b",
    "a//b",
    "a/",
    "a\\b",
    "a\0b",
    "e\u0301",
    "\ud800",
    "x" * 1025,
    "\u00e4" * 513,
]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_path_that_breaks_a_rule_is_refused(path: str) -> None:
    with pytest.raises(PathInvalidError):
        check_path(path)


@pytest.mark.parametrize(
    "path", ["a", "a/b.c/d", "x" * 1024, "\u00e4\u00f6", "...", "a b/-c", ".git"]
)
def test_a_good_path_is_kept_as_it_is(path: str) -> None:
    assert normalize_path(path) == path


def test_what_is_not_nfc_is_normalized_before_it_is_checked() -> None:
    assert normalize_path("e\u0301.txt") == "\u00e9.txt"


@given(st.text(st.sampled_from("ab./\\\0\u00e9e\u0301"), max_size=12))
def test_client_and_server_agree_on_every_path(path: str) -> None:
    try:
        check_path(path)
        client_takes = True
    except PathInvalidError:
        client_takes = False
    try:
        require_path(path, field="path")
        server_takes = True
    except HydriaError:
        server_takes = False

    assert client_takes == server_takes
    assert not client_takes or unicodedata.is_normalized("NFC", path)
