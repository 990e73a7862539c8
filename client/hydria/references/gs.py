"""`gs://BUCKET/OBJECT`: Google Cloud Storage, with the credentials that its library finds.

An object is known by its CRC32C, which this client verifies too, and by its generation: an entity
tag there changes with the metadata.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, cast

from hydria.references.buckets import StoredObject, find_objects, place_of
from hydria.references.errors import (
    ReferenceChangedError,
    ReferenceDeniedError,
    ReferenceNotFoundError,
    ReferenceUnavailableError,
    ReferenceUnsupportedError,
)
from hydria.references.stores import PIECE_BYTES, FoundObject, OpenedObject
from hydria.references.words import checksum_text

if TYPE_CHECKING:
    from google.api_core.retry import Retry

EXTRA = "hydria[gs]"
RETRY_SECONDS = 30.0
_TIMEOUT_SECONDS = (10.0, 30.0)  # to connect, and between bytes
_REQUEST_BYTES = 8 << 20
_FIELDS = "items(name,size,crc32c,generation),nextPageToken"


class _Checksum(Protocol):
    def update(self, chunk: bytes) -> None: ...
    def digest(self) -> bytes: ...


class _Blob(Protocol):
    name: str
    size: int | None
    crc32c: str | None
    generation: int | None

    def reload(self, *, timeout: tuple[float, float], retry: Retry) -> None: ...
    def open(
        self,
        mode: str,
        *,
        chunk_size: int,
        retry: Retry,
        timeout: tuple[float, float],
        raw_download: bool,
    ) -> io.BufferedIOBase: ...


class _Bucket(Protocol):
    def blob(self, blob_name: str, *, generation: int | None = None) -> _Blob: ...


class _Client(Protocol):
    """What is used of Google's client."""

    def bucket(self, bucket_name: str) -> _Bucket: ...
    def list_blobs(
        self,
        bucket_or_name: str,
        *,
        prefix: str,
        fields: str,
        timeout: tuple[float, float],
        retry: Retry,
    ) -> Iterator[_Blob]: ...
    def close(self) -> None: ...


class GoogleStore:
    """Reads objects of Google Cloud Storage."""

    checksum_kinds = frozenset(("crc32c", "version"))

    def __init__(self, *, retry_seconds: float = RETRY_SECONDS) -> None:
        """Make a store that tries each call again for `retry_seconds`."""
        self._client = _make_client()
        from google.cloud.storage.retry import DEFAULT_RETRY

        self._retry: Retry = DEFAULT_RETRY.with_timeout(retry_seconds)

    def find(self, uri: str) -> Iterator[FoundObject]:
        with _told(uri):
            yield from find_objects(uri, self)

    @contextmanager
    def open(self, uri: str, checksums: Mapping[str, str]) -> Iterator[OpenedObject]:
        bucket, key = place_of(uri)
        with _told(uri):
            known = self._known(bucket, key, _generation_of(checksums))
            # Where no versions are kept, what overwrote it tells more than that it is gone.
            known = known or self._known(bucket, key, None)
            if known is None:
                raise ReferenceNotFoundError(f"there is no {uri!r}", details={"uri": uri})
            pieces = self._pieces(uri, self._blob(bucket, key, known.generation), known)
            yield OpenedObject(known.size, _checksums(known), pieces)

    def close(self) -> None:
        self._client.close()

    def alone(self, bucket: str, key: str) -> StoredObject | None:
        known = self._known(bucket, key, None)
        return None if known is None else _stored(known)

    def listed(self, bucket: str, prefix: str) -> Iterator[StoredObject]:
        blobs = self._client.list_blobs(
            bucket, prefix=prefix, fields=_FIELDS, timeout=_TIMEOUT_SECONDS, retry=self._retry
        )
        yield from map(_stored, blobs)

    def _blob(self, bucket: str, key: str, generation: int | None) -> _Blob:
        return self._client.bucket(bucket).blob(key, generation=generation)

    def _known(self, bucket: str, key: str, generation: int | None) -> _Blob | None:
        """Return what the store says of an object, None where it is not there."""
        from google.api_core.exceptions import NotFound

        blob = self._blob(bucket, key, generation)
        try:
            blob.reload(timeout=_TIMEOUT_SECONDS, retry=self._retry)
        except NotFound:
            return None
        return blob

    def _pieces(self, uri: str, blob: _Blob, known: _Blob) -> Iterator[bytes]:
        """Yield the bytes of a generation, as they are stored, and see that all of them came."""
        checksum = _new_checksum()
        left = known.size or 0
        with blob.open(
            "rb",
            chunk_size=_REQUEST_BYTES,
            retry=self._retry,
            timeout=_TIMEOUT_SECONDS,
            raw_download=True,
        ) as reading:
            while left and (piece := reading.read(min(left, PIECE_BYTES))):
                checksum.update(piece)
                left -= len(piece)
                yield piece
        found = base64.b64encode(checksum.digest()).decode()
        if known.crc32c and found != known.crc32c:
            raise ReferenceChangedError(
                f"the bytes of {uri!r} that came are not those that the store describes:"
                f" crc32c:{known.crc32c} expected, crc32c:{found} found",
                details={"uri": uri, "expected": known.crc32c, "found": found},
            )


def _new_checksum() -> _Checksum:
    import google_crc32c

    make: Callable[[], _Checksum] = google_crc32c.Checksum
    return make()


def _stored(blob: _Blob) -> StoredObject:
    return StoredObject(blob.name, blob.size or 0, checksum_text(_checksums(blob)))


def _checksums(blob: _Blob) -> dict[str, str]:
    checksums = {"crc32c": blob.crc32c} if blob.crc32c else {}
    if blob.generation is not None:
        checksums["version"] = str(blob.generation)
    return checksums


def _generation_of(checksums: Mapping[str, str]) -> int | None:
    version = checksums.get("version", "")
    return int(version) if version.isascii() and version.isdigit() else None


def _make_client() -> _Client:
    try:
        from google.cloud import storage
    except ImportError as error:
        raise ReferenceUnsupportedError(
            f"gs:// references need google-cloud-storage: pip install '{EXTRA}'"
        ) from error
    with _told("gs://"):
        return cast("_Client", storage.Client(project=None))  # none is needed to read


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Turn what Google's library says into errors about references."""
    from google.api_core import exceptions
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError
    from requests.exceptions import RequestException

    details = {"uri": uri}
    try:
        yield
    except DefaultCredentialsError as error:
        message = (
            f"no credentials for {uri!r}: run `gcloud auth application-default login`, or set"
            " GOOGLE_APPLICATION_CREDENTIALS; a public object is at"
            " https://storage.googleapis.com/BUCKET/OBJECT too"
        )
        raise ReferenceDeniedError(message, details=details) from error
    except (exceptions.Unauthorized, exceptions.Forbidden) as error:
        details["found"] = f"HTTP {error.code}"
        message = f"the credentials that were found do not open {uri!r} (HTTP {error.code})"
        raise ReferenceDeniedError(message, details=details) from error
    except exceptions.NotFound as error:
        raise ReferenceNotFoundError(f"there is no {uri!r}", details=details) from error
    except (exceptions.GoogleAPIError, TransportError, RequestException) as error:
        message = f"{uri!r} cannot be read: {error}"
        raise ReferenceUnavailableError(message, details=details) from error
    except GoogleAuthError as error:
        message = f"the credentials for {uri!r} are of no use: {error}"
        raise ReferenceDeniedError(message, details=details) from error
