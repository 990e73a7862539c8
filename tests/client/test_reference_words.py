"""The words of a reference: URIs and checksums."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria.references.errors import ReferenceInvalidError, ReferenceUnverifiableError
from hydria.references.words import (
    Reference,
    checksum_text,
    checksum_values,
    plain_etag,
    scheme_of,
)
from hydria_server.domain.references import require_reference

KINDS = ("blake3", "etag", "version")
VALUES = st.from_regex(r"[!-~]{1,20}", fullmatch=True)


@given(st.dictionaries(st.sampled_from(KINDS), VALUES, min_size=1))
def test_checksums_come_back_as_they_were_written(values: dict[str, str]) -> None:
    reference = Reference("a", 1, "s3://b/k", checksum_text(values))
    assert checksum_values(reference, KINDS) == values


@pytest.mark.parametrize("text", ["", "md5:1", "etag:", "etag", "etag:1 ", "etag:1 sha256:2"])
def test_a_checksum_that_cannot_be_verified_is_refused(text: str) -> None:
    with pytest.raises(ReferenceUnverifiableError):
        checksum_values(Reference("a", 1, "s3://b/k", text), KINDS)


@pytest.mark.parametrize(
    ("etag", "plain"),
    [
        ('"a-1"', "a-1"),
        ('W/"a"', "a"),
        ("a", "a"),
        ("", ""),
        ('"a b"', ""),
        ('"é"', ""),
        ('""', ""),
    ],
)
def test_an_entity_tag_is_kept_without_its_marks(etag: str, plain: str) -> None:
    assert plain_etag(etag) == plain


@given(st.text(max_size=40) | st.from_regex(r"[a-z0-9+]{1,4}:/{0,3}[!-~]{0,30}", fullmatch=True))
def test_the_server_takes_every_uri_that_the_client_takes(uri: str) -> None:
    try:
        scheme = scheme_of(uri)
    except ReferenceInvalidError:
        return
    assert uri.lower().startswith(f"{scheme}:")
    require_reference("a", uri=uri, size_bytes=0, checksum="")
