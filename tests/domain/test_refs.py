"""Refs: what a text names, and that nothing is read two ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria_server.domain.digest import (
    EMPTY_CONTENT_DIGEST,
    format_digest,
    parse_digest,
    require_digest,
    split_digests,
)
from hydria_server.domain.errors import FieldViolationError, NameInvalidError
from hydria_server.domain.names import require_name
from hydria_server.domain.refs import (
    ByAlias,
    ByDigest,
    ByNumber,
    CollectionName,
    VersionRef,
    parse_ref,
)

NAME = CollectionName("team", "birds", "calls of tits")
HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("suffix", "selector"),
    [
        ("", ByAlias("latest")),
        (":latest", ByAlias("latest")),
        (":best so far", ByAlias("best so far")),
        (":v0", ByNumber(0)),
        (":v12", ByNumber(12)),
        (":V12", ByAlias("V12")),
        (":v1.0", ByAlias("v1.0")),
        (f"@blake3:{HEX}", ByDigest(bytes.fromhex(HEX))),
    ],
)
def test_a_suffix_selects_a_version(suffix: str, selector: ByAlias | ByNumber | ByDigest) -> None:
    assert parse_ref(f"{NAME}{suffix}", field="ref") == VersionRef(NAME, selector)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a/b",
        "a/b/c/d",
        "a/b/c:v01",
        "a/b/c@",
        "a/b/c@x",
        f"a/b/c@{HEX}",
        f"a/b/c@blake3:{HEX[:-1]}",
        f"a/b/c@blake3:{HEX.upper()}",
        f"a/b/c@blake3:{HEX}:v1",
        f"a/b/c:v1@blake3:{HEX}",
        "a/b/c:",
        "a/b/c:x:y",
        "a/b/c:x/y",
        "/b/c",
        "a//c",
        "a/b/",
    ],
)
def test_a_malformed_ref_names_its_field(text: str) -> None:
    with pytest.raises(FieldViolationError) as refused:
        parse_ref(text, field="base_version")
    assert refused.value.details == {"field": "base_version"}


@given(st.text(alphabet="ab/:@v01 -.é", max_size=30) | st.text(max_size=60))
def test_no_text_is_more_than_refused(text: str) -> None:
    try:
        parsed = parse_ref(text, field="ref")
    except FieldViolationError:
        return
    for name in (parsed.name.entity, parsed.name.project, parsed.name.collection):
        require_name(name, field="f")


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_what_is_written_is_what_is_read(
    entity: str, project: str, collection: str, alias: str
) -> None:
    try:
        for name in (entity, project, collection, alias):
            require_name(name, field="f")
    except NameInvalidError:
        return
    parsed = parse_ref(f"{entity}/{project}/{collection}:{alias}", field="ref")
    assert parsed.name == CollectionName(entity, project, collection)


@given(st.binary(min_size=32, max_size=32))
def test_a_digest_prints_and_parses(raw: bytes) -> None:
    assert format_digest(raw) == f"blake3:{raw.hex()}"
    assert parse_digest(format_digest(raw), field="f") == raw
    assert require_digest(raw, field="f") == raw


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_digest_has_32_bytes(length: int) -> None:
    with pytest.raises(FieldViolationError):
        require_digest(bytes(length), field="f")


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=5), st.integers(0, 31))
def test_a_column_of_digests_is_split(digests: list[bytes], rest: int) -> None:
    raw = b"".join(digests)
    assert split_digests(raw, field="f") == digests
    if rest:
        with pytest.raises(FieldViolationError):
            split_digests(raw + bytes(rest), field="f")


def test_the_digest_of_no_bytes_is_the_published_one() -> None:
    assert EMPTY_CONTENT_DIGEST.hex() == (
        "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    )
