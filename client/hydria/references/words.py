"""References as values: a URI, a size and a checksum text."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from hydria.references.errors import ReferenceInvalidError, ReferenceUnverifiableError

URI_BYTES_MAX = 4096
_VALUE_CHARACTERS_MAX = 400
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):.")
_AUTHORITY = re.compile(r"[^:]*://([^/?#]*)")
_VALUE = re.compile(r"[!-~]+")


class Reference(NamedTuple):
    """An entry of a version whose bytes are elsewhere."""

    path: str
    size_bytes: int
    uri: str
    checksum: str
    """`KIND:VALUE`, several separated by spaces; empty when nothing is known of the bytes."""


def scheme_of(uri: str) -> str:
    """Return the scheme of a URI that a reference may have, in small letters.

    Raises:
        ReferenceInvalidError: it may not: no scheme, control characters, credentials, too long.
    """
    scheme = _SCHEME.match(uri)
    if scheme is None:
        raise ReferenceInvalidError(
            f"{uri[:200]!r} has no scheme: write file:///PATH, https://HOST/PATH or s3://BUCKET/KEY"
        )
    authority = _AUTHORITY.match(uri)
    if authority and "@" in authority[1]:
        raise ReferenceInvalidError(
            f"the {scheme[1]} URI has a user name or password in it, which every reader of the"
            " version would see"
        )
    if not uri.isprintable():
        raise ReferenceInvalidError(f"{uri[:200]!r} has a character that cannot be printed")
    if len(uri.encode("utf-8", "replace")) > URI_BYTES_MAX:
        raise ReferenceInvalidError(f"a URI has more than {URI_BYTES_MAX} bytes: {uri[:200]!r}...")
    try:
        urlsplit(uri)
    except ValueError as error:
        raise ReferenceInvalidError(f"{uri[:200]!r} is no URI: {error}") from error
    return scheme[1].lower()


def checksum_text(values: Mapping[str, str]) -> str:
    """Return checksums by their kinds as a version keeps them."""
    return " ".join(f"{kind}:{value}" for kind, value in sorted(values.items()))


def checksum_values(reference: Reference, kinds: Collection[str]) -> dict[str, str]:
    """Return the checksums of a reference by their kinds.

    Raises:
        ReferenceUnverifiableError: there is none, or one that is not of `kinds`.
    """
    values: dict[str, str] = {}
    for part in reference.checksum.split(" ") if reference.checksum else ():
        kind, _, value = part.partition(":")
        if kind not in kinds or not value:
            raise ReferenceUnverifiableError(
                f"{reference.uri!r} has a checksum that this client does not know ({part[:80]!r})",
                details={"uri": reference.uri},
            )
        values[kind] = value
    if not values:
        raise ReferenceUnverifiableError(
            f"{reference.uri!r} was added without a checksum, so nobody can tell whether it is"
            " what was meant: leave references out, and read it there",
            details={"uri": reference.uri},
        )
    return values


def plain_etag(etag: str) -> str:
    """Return an entity tag without quotes and the mark of a weak one; empty if it is no text."""
    plain = etag.strip().removeprefix("W/").strip('"')
    is_text = _VALUE.fullmatch(plain) and len(plain) <= _VALUE_CHARACTERS_MAX
    return plain if is_text else ""
