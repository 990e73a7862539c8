"""What object stores have in common: `SCHEME://BUCKET/KEY` is an object, or the prefix of many.

The key is as the store has it, without percent-encoding, as in the stores' own tools.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from hydria.references.errors import ReferenceInvalidError, ReferenceNotFoundError
from hydria.references.stores import FoundObject


class StoredObject(NamedTuple):
    """An object as its store lists it."""

    key: str
    size_bytes: int
    checksum: str


class Buckets(Protocol):
    """The buckets of one store, for one user."""

    def alone(self, bucket: str, key: str) -> StoredObject | None:
        """Return the object under a key, None where there is none."""
        ...

    def listed(self, bucket: str, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects whose keys begin with a prefix, a page at a time."""
        ...


def place_of(uri: str) -> tuple[str, str]:
    """Return bucket and key.

    Raises:
        ReferenceInvalidError: there is no bucket in the URI.
    """
    scheme, _, rest = uri.partition(":")
    bucket, _, key = rest.removeprefix("//").partition("/")
    if not rest.startswith("//") or not bucket:
        raise ReferenceInvalidError(f"{uri!r} names no bucket: write {scheme}://BUCKET/KEY")
    return bucket, key


def find_objects(uri: str, buckets: Buckets) -> Iterator[FoundObject]:
    """Yield the object at a URI, or those below it.

    Raises:
        ReferenceInvalidError: the URI names no bucket.
        ReferenceNotFoundError: nothing is there.
    """
    bucket, key = place_of(uri)
    if key and not key.endswith("/"):
        alone = buckets.alone(bucket, key)
        if alone is not None:
            name = key.rpartition("/")[2]
            yield FoundObject(name, True, uri, alone.size_bytes, alone.checksum)
            return
    root = uri[: uri.index("://") + 3] + bucket
    prefix = key if not key or key.endswith("/") else f"{key}/"
    is_empty = True
    for found in buckets.listed(bucket, prefix):
        is_empty = False
        name = found.key[len(prefix) :]
        # Consoles make such an empty object to show a folder: it is no file.
        if found.size_bytes or (name and not name.endswith("/")):
            yield FoundObject(name, False, f"{root}/{found.key}", found.size_bytes, found.checksum)
    if is_empty:
        raise ReferenceNotFoundError(f"there is nothing at {uri!r}", details={"uri": uri})
