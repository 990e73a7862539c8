"""`az://CONTAINER/BLOB`: Azure Blob Storage; account and credentials are those of `az storage`.

A blob is known by its entity tag. Of a container that keeps versions it is the current one that is
read: once it was overwritten it is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypedDict

from hydria.references.buckets import StoredObject, find_objects, place_of
from hydria.references.errors import (
    BrokenReferenceError,
    ReferenceChangedError,
    ReferenceDeniedError,
    ReferenceNotFoundError,
    ReferenceUnavailableError,
    ReferenceUnsupportedError,
)
from hydria.references.stores import FoundObject, OpenedObject
from hydria.references.words import checksum_text, plain_etag

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError
    from azure.storage.blob import BlobProperties, BlobServiceClient, LinearRetry

EXTRA = "hydria[az]"
_CONNECT_SECONDS = 10
_STALL_SECONDS = 30
_TRIES_AGAIN = 2
_BACKOFF_SECONDS = 1
_REQUEST_BYTES = 4 << 20
_DENIED = (401, 403)
_GONE = 404
_CHANGED_MEANWHILE = 412
# How accounts with directories mark those.
_DIRECTORY_MARK = "hdi_isfolder"


class _Settings(TypedDict):
    connection_timeout: int
    read_timeout: int
    retry_policy: LinearRetry
    max_single_get_size: int
    max_chunk_get_size: int


class AzureStore:
    """Reads blobs of one storage account."""

    checksum_kinds = frozenset(("etag",))

    def __init__(self) -> None:
        self._service = _make_service()

    def find(self, uri: str) -> Iterator[FoundObject]:
        with _told(uri):
            yield from find_objects(uri, self)

    @contextmanager
    def open(self, uri: str, checksums: Mapping[str, str]) -> Iterator[OpenedObject]:
        container, key = place_of(uri)
        with _told(uri):
            # All requests for the parts of a blob ask for the entity tag that the first one found.
            download = self._service.get_blob_client(container, key).download_blob()
            found = _checksums(download.properties)
            yield OpenedObject(download.size, found, download.chunks())

    def close(self) -> None:
        self._service.close()

    def alone(self, bucket: str, key: str) -> StoredObject | None:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            blob = self._service.get_blob_client(bucket, key).get_blob_properties()
        except ResourceNotFoundError:
            return None
        return None if _is_directory(blob) else _stored(key, blob)

    def listed(self, bucket: str, prefix: str) -> Iterator[StoredObject]:
        container = self._service.get_container_client(bucket)
        for blob in container.list_blobs(name_starts_with=prefix, include=["metadata"]):
            if not _is_directory(blob):
                yield _stored(blob.name, blob)


def _is_directory(blob: BlobProperties) -> bool:
    return (blob.metadata or {}).get(_DIRECTORY_MARK) == "true"


def _stored(key: str, blob: BlobProperties) -> StoredObject:
    return StoredObject(key, blob.size, checksum_text(_checksums(blob)))


def _checksums(blob: BlobProperties) -> dict[str, str]:
    etag = plain_etag(blob.etag or "")
    return {"etag": etag} if etag else {}


def _make_service() -> BlobServiceClient:
    try:
        from azure.storage.blob import BlobServiceClient, LinearRetry
    except ImportError as error:
        raise ReferenceUnsupportedError(
            f"az:// references need azure-storage-blob: pip install '{EXTRA}'"
        ) from error
    settings: _Settings = {
        "connection_timeout": _CONNECT_SECONDS,
        "read_timeout": _STALL_SECONDS,
        "retry_policy": LinearRetry(backoff=_BACKOFF_SECONDS, retry_total=_TRIES_AGAIN),
        "max_single_get_size": _REQUEST_BYTES,
        "max_chunk_get_size": _REQUEST_BYTES,
    }
    text = os.environ.get("AZURE_STORAGE_CONNECTION_STRING")
    account = os.environ.get("AZURE_STORAGE_ACCOUNT")
    key, token = os.environ.get("AZURE_STORAGE_KEY"), os.environ.get("AZURE_STORAGE_SAS_TOKEN")
    try:
        if text:
            return BlobServiceClient.from_connection_string(text, **settings)
        if account and (key or token):
            endpoint = os.environ.get("AZURE_STORAGE_SERVICE_ENDPOINT")
            return BlobServiceClient(
                endpoint or f"https://{account}.blob.core.windows.net",
                credential={"account_name": account, "account_key": key} if key else token,
                **settings,
            )
    except ValueError as error:
        message = f"the AZURE_STORAGE_... variables say nothing that Azure's library takes: {error}"
        raise ReferenceDeniedError(message, details={"uri": "az://"}) from error
    raise ReferenceDeniedError(
        "no credentials for az://: set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT"
        " and AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN",
        details={"uri": "az://"},
    )


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Turn what Azure's library says into errors about references."""
    from azure.core import exceptions

    details = {"uri": uri}
    try:
        yield
    except exceptions.HttpResponseError as error:
        raise _told_by_store(uri, error) from error
    except exceptions.AzureError as error:
        message = f"{uri!r} cannot be read: {error.message}"
        raise ReferenceUnavailableError(message, details=details) from error


def _told_by_store(uri: str, error: HttpResponseError) -> BrokenReferenceError:
    status = error.status_code
    details = {"uri": uri, "found": f"HTTP {status}"}
    if status == _GONE:
        return ReferenceNotFoundError(f"there is no {uri!r}", details=details)
    if status == _CHANGED_MEANWHILE:
        message = f"{uri!r} was overwritten while it was read"
        return ReferenceChangedError(message, details=details)
    if status in _DENIED:
        message = f"the credentials in AZURE_STORAGE_... do not open {uri!r} (HTTP {status})"
        return ReferenceDeniedError(message, details=details)
    return ReferenceUnavailableError(f"{uri!r} cannot be read: {error.reason}", details=details)
