"""The rules for references: what is refused, whatever the words are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hydria_server.domain.entry_errors import ReferenceInvalidError
from hydria_server.domain.manifest import decode_entry, encode_entry
from hydria_server.domain.references import MAX_URI_BYTES, require_reference
from hydria_server.services.file_drafts import ReferenceDraft, reference_entry

URIS = st.text(max_size=60) | st.from_regex(r"[a-z0-9+]{1,4}:/{0,3}[^\r\n]{0,60}", fullmatch=True)
CHECKSUMS = st.text(max_size=20) | st.from_regex(r"[a-z]{1,6}:[!-~]{1,20}", fullmatch=True)


def is_legal(uri: str, size_bytes: int, checksum: str) -> bool:
    try:
        require_reference("a", uri=uri, size_bytes=size_bytes, checksum=checksum)
    except ReferenceInvalidError:
        return False
    return True


@given(URIS, st.integers(min_value=0, max_value=2**64 - 1), CHECKSUMS)
def test_what_is_taken_has_a_scheme_no_secret_and_fits(uri: str, size: int, checksum: str) -> None:
    if not is_legal(uri, size, checksum):
        return
    scheme, colon, rest = uri.partition(":")
    assert scheme
    assert colon
    assert rest
    assert scheme.isascii()
    assert not any(ord(character) < 32 for character in uri)
    assert len(uri.encode()) <= MAX_URI_BYTES
    if rest.startswith("//"):
        assert "@" not in rest[2:].replace("?", "/").replace("#", "/").split("/")[0]
    assert checksum or size == 0
    entry = reference_entry(ReferenceDraft("a", size, uri, checksum))
    assert decode_entry(encode_entry(entry)) == entry


@given(st.text("abc/:@?#.[]", max_size=20))
def test_what_stands_before_the_host_is_never_kept(rest: str) -> None:
    assert not is_legal(f"https://user:secret@{rest}", 0, "")
