"""Which files of a version are asked for, from its list, which is checked too."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from blake3 import blake3

from hydria.connection import Connection
from hydria.digests import DIGEST_BYTES, EMPTY_CONTENT_DIGEST, format_digest
from hydria.download.frames import Wanted
from hydria.errors import FileNotFoundInVersionError, ReceivedDataError, ServerUnavailableError
from hydria.paths import check_path
from hydria.records import Version
from hydria.retry import Patience
from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2 as types

# So many paths are looked up one by one; for more, the whole list is read.
_LOOKUPS_MAX = 32


class VersionListing:
    """Reads the list of one version's files."""

    def __init__(self, connection: Connection, version: Version, *, patience: Patience) -> None:
        self._connection = connection
        self._version = version
        self._patience = patience

    async def select(self, *, prefixes: Sequence[str], paths: Sequence[str]) -> list[Wanted]:
        """Return the stored files under any of `prefixes` or in `paths`; all when both are empty.

        Raises:
            FileNotFoundInVersionError: the version has no such path, or it is a reference.
            PathInvalidError: no version has such a path.
            ReceivedDataError: the list is not in order, or does not match the version's digest.
            HydriaError: what the server or the transport says.
        """
        for path in paths:
            check_path(path)
        if not prefixes and not paths:
            return await self._all()
        selected: dict[str, Wanted] = {}
        for prefix in prefixes:
            async for files in self._stream(prefix):
                selected.update((file.path, file) for file in _stored(files))
        for file in await self._named(paths):
            selected[file.path] = file
        return list(selected.values())

    async def find(self, path: str) -> Wanted:
        """Return one stored file. Raises as `select`."""
        check_path(path)
        request = pb.ListFilesRequest(ref=self._version.ref, prefix=path, page_size=1)
        response = await self._connection.call(self._connection.stub.ListFiles, request)
        # The shortest of all paths that begin with `path` comes first: itself, if it is there.
        for file in _stored(_checked(response.files, after="")):
            if file.path == path:
                return file
        raise FileNotFoundInVersionError(f"{self._version.ref} has no file {path!r}")

    async def _named(self, paths: Sequence[str]) -> list[Wanted]:
        if len(paths) <= _LOOKUPS_MAX:
            return [await self.find(path) for path in paths]
        by_path = {file.path: file for file in await self._all()}
        for path in paths:
            if path not in by_path:
                raise FileNotFoundInVersionError(f"{self._version.ref} has no file {path!r}")
        return [by_path[path] for path in paths]

    async def _all(self) -> list[Wanted]:
        digest = blake3(b"hydria.version.v1\0")
        selected: list[Wanted] = []
        async for files in self._stream(""):
            digest.update(b"".join([_digested(file) for file in files]))
            selected.extend(_stored(files))
        if format_digest(digest.digest()) != self._version.digest:
            raise ReceivedDataError(f"the list of files of {self._version.ref} is damaged")
        return selected

    async def _stream(self, prefix: str) -> AsyncIterator[list[types.File]]:
        """Yield the list in parts, beginning again after the last path when the line breaks."""
        after = ""
        while True:
            request = pb.StreamFilesRequest(
                ref=self._version.ref, prefix=prefix, start_after_path=after
            )
            stream = self._connection.stream(
                self._connection.stub.StreamFiles,
                request,
                stall_seconds=self._patience.limit_seconds,
            )
            try:
                async with aclosing(stream) as responses:
                    async for response in responses:
                        files = _checked(response.files, after=after)
                        if files:
                            self._patience.moved()
                            after = files[-1].path
                            yield files
                return
            except ServerUnavailableError as error:
                await self._patience.wait_after(error)


def _checked(files: Sequence[types.File], *, after: str) -> list[types.File]:
    """Return the files when they may be believed: good paths, in order, sizes that fit digests."""
    last = after.encode()
    for file in files:
        check_path(file.path)
        path = file.path.encode()
        if path <= last:
            raise ReceivedDataError(f"the list of files is not in order at {file.path!r}")
        last = path
        is_stored = file.kind == types.FILE_KIND_STORED
        if is_stored and len(file.content_digest) != DIGEST_BYTES:
            raise ReceivedDataError(f"{file.path!r} has no digest")
        if is_stored and (file.size_bytes == 0) != (file.content_digest == EMPTY_CONTENT_DIGEST):
            raise ReceivedDataError(f"the size of {file.path!r} does not fit its digest")
    return list(files)


def _stored(files: Sequence[types.File]) -> list[Wanted]:
    return [
        Wanted(file.path, file.size_bytes, file.content_digest)
        for file in files
        if file.kind == types.FILE_KIND_STORED
    ]


def _digested(file: types.File) -> bytes:
    """Return what the version's digest covers of a file."""
    path = file.path.encode()
    is_reference = file.kind == types.FILE_KIND_REFERENCE
    head = struct.pack(f"<I{len(path)}sBQ", len(path), path, is_reference, file.size_bytes)
    if not is_reference:
        return head + file.content_digest
    uri, checksum = file.ref_uri.encode(), file.ref_checksum.encode()
    return b"".join(
        (head, struct.pack("<I", len(uri)), uri, struct.pack("<I", len(checksum)), checksum)
    )
