"""Which files of a version are asked for, from its list, which is checked too."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from hydria.connection import Connection
from hydria.digests import DIGEST_BYTES, EMPTY_CONTENT_DIGEST, format_digest
from hydria.download.frames import Wanted
from hydria.errors import (
    FileNotFoundInVersionError,
    InvalidArgumentError,
    ReceivedDataError,
    ServerUnavailableError,
    StreamStalledError,
)
from hydria.paths import check_path
from hydria.records import Version
from hydria.references.words import Reference
from hydria.retry import Patience
from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2 as types
from hydria.version_digest import VersionHasher

# So many paths are looked up one by one; for more, the whole list is read.
_LOOKUPS_MAX = 32
# A directory of which so many files came at once is passed over: what follows it is asked for.
_PASSED_OVER_FROM = 500
# A server that lists nothing, on and on, has no end.
_EMPTY_MESSAGES_MAX = 1000
_LAST_CHARACTER = "\U0010ffff"


@dataclass(slots=True)
class Selection:
    """Entries of a version by their kinds, each kind in the order of the paths."""

    files: list[Wanted] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)

    def add(self, entries: Iterable[Wanted | Reference]) -> None:
        """Sort entries in."""
        for entry in entries:
            if isinstance(entry, Reference):
                self.references.append(entry)
            else:
                self.files.append(entry)


class VersionListing:
    """Reads the list of one version's files."""

    def __init__(self, connection: Connection, version: Version, *, patience: Patience) -> None:
        self._connection = connection
        self._version = version
        self._patience = patience

    async def select(
        self, *, prefixes: Sequence[str], globs: Sequence[str], paths: Sequence[str]
    ) -> Selection:
        """Return the entries under `prefixes`, of `globs` and in `paths`; all without any.

        Raises:
            FileNotFoundInVersionError: the version has no such path.
            PathInvalidError: no version has such a path.
            InvalidArgumentError: one of `globs` is empty.
            ReceivedDataError: the list is not in order, or does not match the version's digest.
            HydriaError: what the server or the transport says.
        """
        for path in paths:
            check_path(path)
        if "" in globs:
            raise InvalidArgumentError("a glob is empty; '**' stands for all files")
        selection = Selection()
        if not prefixes and not globs and not paths:
            async for files in self._all():
                selection.add(map(_entry, files))
            return selection
        selected: dict[str, Wanted | Reference] = {}
        choices = [self._stream(prefix) for prefix in prefixes]
        choices += [self._stream(glob=glob) for glob in globs]
        for choice in choices:
            async for files in choice:
                selected.update((file.path, _entry(file)) for file in files)
        for entry in await self._named(paths):
            selected[entry.path] = entry
        selection.add(selected.values())
        return selection

    async def find(self, path: str) -> Wanted | Reference:
        """Return one entry. Raises as `select`."""
        check_path(path)
        request = pb.ListFilesRequest(ref=self._version.ref, prefix=path, page_size=1)
        response = await self._connection.call(self._connection.stub.ListFiles, request)
        # The shortest of all paths that begin with `path` comes first: itself, if it is there.
        for file in _checked(response.files, after="", prefix=path):
            if file.path == path:
                return _entry(file)
        raise FileNotFoundInVersionError(f"{self._version.ref} has no file {path!r}")

    async def directory(self, path: str) -> tuple[list[types.File], list[str]]:
        """Return what lies right below a directory, references too: files, and directories' names.

        Of a directory that holds much, most is passed over. Raises as `select`.
        """
        prefix = f"{path}/" if path else ""
        files: list[types.File] = []
        names: list[str] = []
        after: str | None = ""
        while after is not None:
            after = await self._below(prefix, after, files, names)
        return files, names

    async def _below(
        self, prefix: str, after: str, files: list[types.File], names: list[str]
    ) -> str | None:
        """Add what lies right below, up to a directory that holds much; return where it ends."""
        async with aclosing(self._stream(prefix, after=after)) as batches:
            async for batch in batches:
                count_in_last = 0
                for file in batch:
                    name, has_more, _ = file.path[len(prefix) :].partition("/")
                    count_in_last = count_in_last + 1 if names and names[-1] == name else 0
                    if not has_more:
                        files.append(file)
                    elif not names or names[-1] != name:
                        names.append(name)
                if count_in_last >= _PASSED_OVER_FROM:
                    return f"{prefix}{names[-1]}/{_LAST_CHARACTER}"
        return None

    async def _named(self, paths: Sequence[str]) -> list[Wanted | Reference]:
        if len(paths) <= _LOOKUPS_MAX:
            return [await self.find(path) for path in paths]
        wanted = set(paths)
        by_path: dict[str, Wanted | Reference] = {}
        async for files in self._all():
            by_path.update((file.path, _entry(file)) for file in files if file.path in wanted)
        for path in paths:
            if path not in by_path:
                raise FileNotFoundInVersionError(f"{self._version.ref} has no file {path!r}")
        return [by_path[path] for path in paths]

    async def entries(self) -> AsyncGenerator[list[Wanted | Reference], None]:
        """Yield all entries by path, some at a time. They are believed when this comes to its end.

        Raises as `select`.
        """
        async with aclosing(self._all()) as parts:
            async for files in parts:
                yield [_entry(file) for file in files]

    async def _all(self) -> AsyncGenerator[list[types.File], None]:
        """Yield the whole list in parts; it is the version's own if this comes to its end."""
        hasher = VersionHasher()
        async with aclosing(self._stream()) as parts:
            async for files in parts:
                for file in files:
                    _feed(hasher, file)
                yield files
        if format_digest(hasher.digest()) != self._version.digest:
            raise ReceivedDataError(f"the list of files of {self._version.ref} is damaged")

    async def _stream(
        self, prefix: str = "", *, glob: str = "", after: str = ""
    ) -> AsyncGenerator[list[types.File], None]:
        """Yield the list in parts, beginning again after the last path when the line breaks.

        So it does when the server is tired of a caller who has much to do between two parts. It has
        an end, whatever the server does.
        """
        left, empty_count = self._version.file_count, 0
        while True:
            begun_after = after
            request = pb.StreamFilesRequest(
                ref=self._version.ref, prefix=prefix, glob=glob, start_after_path=after
            )
            stream = self._connection.stream(
                self._connection.stub.StreamFiles,
                request,
                stall_seconds=self._patience.limit_seconds,
            )
            try:
                async with aclosing(stream) as responses:
                    async for response in responses:
                        files = _checked(response.files, after=after, prefix=prefix)
                        left -= len(files)
                        empty_count = 0 if files else empty_count + 1
                        if left < 0 or empty_count > _EMPTY_MESSAGES_MAX:
                            message = f"the list of files of {self._version.ref} does not end"
                            raise ReceivedDataError(message)
                        if files:
                            self._patience.moved()
                            after = files[-1].path
                            yield files
                return
            except (ServerUnavailableError, StreamStalledError) as error:
                has_moved = after != begun_after
                await self._patience.wait_after_stream(error, has_moved=has_moved)


def _checked(files: Sequence[types.File], *, after: str, prefix: str) -> list[types.File]:
    """Return the files when they may be believed: good paths, in order, sizes that fit digests."""
    if not all(file.path.startswith(prefix) for file in files):
        raise ReceivedDataError(f"the server listed files that do not begin with {prefix!r}")
    last = after.encode()
    for file in files:
        check_path(file.path)
        path = file.path.encode()
        if path <= last:
            raise ReceivedDataError(f"the list of files is not in order at {file.path!r}")
        last = path
        if file.kind not in (types.FILE_KIND_STORED, types.FILE_KIND_REFERENCE):
            raise ReceivedDataError(f"{file.path!r} is of a kind that this client does not know")
        is_stored = file.kind == types.FILE_KIND_STORED
        if is_stored and len(file.content_digest) != DIGEST_BYTES:
            raise ReceivedDataError(f"{file.path!r} has no digest")
        if is_stored and (file.size_bytes == 0) != (file.content_digest == EMPTY_CONTENT_DIGEST):
            raise ReceivedDataError(f"the size of {file.path!r} does not fit its digest")
    return list(files)


def _entry(file: types.File) -> Wanted | Reference:
    if file.kind == types.FILE_KIND_REFERENCE:
        return Reference(file.path, file.size_bytes, file.ref_uri, file.ref_checksum)
    return Wanted(file.path, file.size_bytes, file.content_digest)


def _feed(hasher: VersionHasher, file: types.File) -> None:
    """Have the version's digest cover a file."""
    if file.kind == types.FILE_KIND_REFERENCE:
        hasher.add_reference(file.path, file.size_bytes, file.ref_uri, file.ref_checksum)
    else:
        hasher.add_stored(file.path, file.size_bytes, file.content_digest)
