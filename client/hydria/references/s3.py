"""`s3://BUCKET/KEY`: objects and prefixes, with what credentials and endpoint boto3 finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypedDict, cast

from hydria.references.buckets import StoredObject, find_objects, place_of
from hydria.references.errors import (
    BrokenReferenceError,
    ReferenceDeniedError,
    ReferenceNotFoundError,
    ReferenceUnavailableError,
    ReferenceUnsupportedError,
)
from hydria.references.stores import PIECE_BYTES, FoundObject, OpenedObject
from hydria.references.words import checksum_text, plain_etag

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

EXTRA = "hydria[s3]"
_CONNECT_SECONDS = 10
_STALL_SECONDS = 30
_GONE = frozenset(("404", "NoSuchKey", "NoSuchBucket", "NoSuchVersion"))
_DENIED = frozenset(
    (
        "401", "403", "AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken",
        "SignatureDoesNotMatch", "TokenRefreshRequired", "UnauthorizedAccess",
    )
)  # fmt: skip
# Stores that speak S3 and know no versions, and users who may list objects but not versions.
_NO_VERSIONS = frozenset(("AccessDenied", "403", "MethodNotAllowed", "NotImplemented", "501"))
_UNVERSIONED = ("", "null")


class _Body(Protocol):
    def iter_chunks(self, chunk_size: int) -> Iterator[bytes]: ...
    def close(self) -> None: ...


class _Object(TypedDict, total=False):
    Key: str
    ETag: str
    Size: int
    VersionId: str
    IsLatest: bool


class _Page(TypedDict, total=False):
    Contents: list[_Object]
    Versions: list[_Object]


class _Head(TypedDict, total=False):
    ETag: str
    ContentLength: int
    VersionId: str
    Body: _Body


class _Paginator(Protocol):
    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[_Page]: ...  # noqa: N803


class _Client(Protocol):
    """What is used of boto3's client."""

    def head_object(self, *, Bucket: str, Key: str) -> _Head: ...  # noqa: N803
    def get_object(self, *, Bucket: str, Key: str, **version: str) -> _Head: ...  # noqa: N803
    def get_paginator(self, operation_name: str) -> _Paginator: ...
    def close(self) -> None: ...


class S3Store:
    """Reads objects of any store that speaks S3."""

    checksum_kinds = frozenset(("etag", "version"))

    def __init__(self) -> None:
        self._client = _make_client()

    def find(self, uri: str) -> Iterator[FoundObject]:
        with _told(uri):
            yield from find_objects(uri, self)

    @contextmanager
    def open(self, uri: str, checksums: Mapping[str, str]) -> Iterator[OpenedObject]:
        bucket, key = place_of(uri)
        version = {"VersionId": checksums["version"]} if "version" in checksums else {}
        with _told(uri):
            response = self._client.get_object(Bucket=bucket, Key=key, **version)
            body = response["Body"]
            try:
                pieces = body.iter_chunks(PIECE_BYTES)
                yield OpenedObject(response["ContentLength"], _checksums(response), pieces)
            finally:
                body.close()

    def close(self) -> None:
        self._client.close()

    def alone(self, bucket: str, key: str) -> StoredObject | None:
        from botocore.exceptions import ClientError

        try:
            head = self._client.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if _code_of(error) in _GONE:
                return None
            raise
        return StoredObject(key, head["ContentLength"], checksum_text(_checksums(head)))

    def listed(self, bucket: str, prefix: str) -> Iterator[StoredObject]:
        for entry in self._entries(bucket, prefix):
            yield StoredObject(entry["Key"], entry["Size"], checksum_text(_checksums(entry)))

    def _entries(self, bucket: str, prefix: str) -> Iterator[_Object]:
        """Yield what is under a prefix, with versions where there are any."""
        from botocore.exceptions import ClientError

        pages = self._client.get_paginator("list_object_versions")
        try:
            for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                yield from (entry for entry in page.get("Versions", ()) if entry["IsLatest"])
            return
        except ClientError as error:
            if _code_of(error) not in _NO_VERSIONS:
                raise
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            yield from page.get("Contents", ())


def _checksums(known: _Object | _Head) -> dict[str, str]:
    etag, version = plain_etag(known.get("ETag", "")), known.get("VersionId", "")
    checksums = {"etag": etag} if etag else {}
    if version not in _UNVERSIONED:
        checksums["version"] = version
    return checksums


def _make_client() -> _Client:
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise ReferenceUnsupportedError(
            f"s3:// references need boto3: pip install '{EXTRA}'"
        ) from error
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_STALL_SECONDS,
        retries={"mode": "standard", "max_attempts": 3},
    )
    with _told("s3://"):
        return cast("_Client", boto3.session.Session().client("s3", config=config))


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Turn what boto3 says into errors about references."""
    from botocore import exceptions

    details = {"uri": uri}
    try:
        yield
    except exceptions.ClientError as error:
        raise _told_by_store(uri, error) from error
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        message = (
            f"no credentials for {uri!r}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,"
            " AWS_PROFILE, or what else boto3 reads"
        )
        raise ReferenceDeniedError(message, details=details) from error
    except exceptions.BotoCoreError as error:
        message = f"{uri!r} cannot be read: {error}"
        raise ReferenceUnavailableError(message, details=details) from error


def _told_by_store(uri: str, error: ClientError) -> BrokenReferenceError:
    code = _code_of(error)
    details = {"uri": uri, "found": code}
    if code in _GONE:
        return ReferenceNotFoundError(f"there is no {uri!r} ({code})", details=details)
    if code in _DENIED:
        message = f"the credentials that boto3 found do not open {uri!r} ({code})"
        return ReferenceDeniedError(message, details=details)
    return ReferenceUnavailableError(f"{uri!r} cannot be read: {error}", details=details)


def _code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
