"""Reads a version's manifest: all of it, from a path on, under a prefix, or single files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from os.path import commonprefix

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.errors import ChunkCorruptError, FileNotFoundInVersionError
from hydria_server.domain.globs import Glob
from hydria_server.domain.manifest import (
    SHARD_MAGIC,
    FileEntry,
    decode_entries,
    decode_entry,
    entry_path,
)
from hydria_server.domain.records import Domain, ShardRecord, VersionRecord
from hydria_server.services.chunk_reader import ChunkReader
from hydria_server.storage.metadata.interface import MetadataStore

# Entries handed on at once: bounds what a slow reader of a large shard holds. References may be 6
# KiB each, and a batch is a message.
_BATCH = 1000
_BATCH_BYTES = 2 * 1024 * 1024
# How long paths are matched before other calls get their turn.
_TURN_SECONDS = 0.01


class ManifestReader:
    """Finds the shards that may hold what is asked for, and reads only those."""

    def __init__(self, reader: ChunkReader, metadata: MetadataStore) -> None:
        self._reader = reader
        self._metadata = metadata

    async def domain(self, version: VersionRecord) -> Domain:
        """Return the domain that holds the version's chunks."""
        return await self._metadata.read(lambda rows: rows.versions.domain(version.id))

    async def entries(
        self,
        version: VersionRecord,
        *,
        prefix: str = "",
        after: str = "",
        globs: Sequence[Glob] = (),
    ) -> AsyncGenerator[list[FileEntry], None]:
        """Yield the entries whose path begins with `prefix` and comes after `after`, in order.

        With globs only those that any of them stands for.

        Raises:
            ChunkCorruptError: a shard is damaged.
        """
        prefix = _longer_prefix(prefix, globs)
        domain = await self.domain(version)
        first = max(prefix, after)
        shards = await self._metadata.read(
            lambda rows: rows.versions.shards_between(version.id, first=first, last=None)
        )
        begin, wanted = after.encode(), prefix.encode()
        for shard in shards:
            if prefix and shard.first_path > prefix and not shard.first_path.startswith(prefix):
                return  # everything from here on sorts after the prefix
            raws = [
                raw
                for raw in await self.raws(domain, shard)
                if (path := entry_path(raw)).startswith(wanted) and path > begin
            ]
            if globs:
                raws = await _matching(raws, globs)
            for batch in _batches(raws):
                yield [decode_entry(raw) for raw in batch]

    async def entries_of(
        self, version: VersionRecord, paths: Sequence[str]
    ) -> AsyncGenerator[list[FileEntry], None]:
        """Yield the entries of these paths, or of all files when there are none.

        Raises:
            FileNotFoundInVersionError: the version has no such file.
            ChunkCorruptError: a shard is damaged.
        """
        if paths:
            yield list((await self.files(version, paths)).values())
            return
        async for batch in self.entries(version):
            yield batch

    async def files(self, version: VersionRecord, paths: Sequence[str]) -> dict[str, FileEntry]:
        """Return the entries of these paths.

        Raises:
            FileNotFoundInVersionError: the version has no such file.
            ChunkCorruptError: a shard is damaged.
        """
        domain = await self.domain(version)
        found: dict[str, FileEntry] = {}
        wanted = sorted(set(paths))
        if not wanted:
            return found
        shards = await self._metadata.read(
            lambda rows: rows.versions.shards_between(version.id, first=wanted[0], last=wanted[-1])
        )
        encoded = {path.encode() for path in wanted}
        for shard in shards:
            if any(shard.first_path <= path <= shard.last_path for path in wanted):
                for raw in await self.raws(domain, shard):
                    if entry_path(raw) in encoded:
                        entry = decode_entry(raw)
                        found[entry.path] = entry
        missing = next((path for path in wanted if path not in found), None)
        if missing is not None:
            raise FileNotFoundInVersionError(
                f"{version.ref} has no file {missing[:200]!r}", details={"path": missing[:500]}
            )
        return found

    async def shards(self, version: VersionRecord) -> list[ShardRecord]:
        """Return the manifest's shards, in the order of their paths."""
        return await self._metadata.read(lambda rows: rows.versions.shards(version.id))

    async def raws(self, domain: Domain, shard: ShardRecord) -> list[bytes]:
        """Return the encoded entries of a shard.

        Raises:
            ChunkCorruptError: it is damaged.
        """
        data = await self._reader.read_one(domain, ChunkRef(shard.digest, shard.size_bytes))
        try:
            return list(decode_entries(SHARD_MAGIC, data))
        except ValueError:
            raise ChunkCorruptError(shard.digest) from None


def _batches(raws: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    start = size = 0
    for index, raw in enumerate(raws):
        if index - start >= _BATCH or (size and size + len(raw) > _BATCH_BYTES):
            yield raws[start:index]
            start, size = index, 0
        size += len(raw)
    if start < len(raws):
        yield raws[start:]


def _longer_prefix(prefix: str, globs: Sequence[Glob]) -> str:
    """Return what all paths begin with that begin with `prefix` and that a glob stands for."""
    # By characters is what is meant: `da` and `db` begin with `d`.
    common = commonprefix([glob.prefix for glob in globs])  # noqa: RUF071
    return common if common.startswith(prefix) else prefix


async def _matching(raws: Sequence[bytes], globs: Sequence[Glob]) -> list[bytes]:
    """Return those encoded entries that a glob stands for, without holding up other calls."""
    found: list[bytes] = []
    turn_ends_at = time.monotonic() + _TURN_SECONDS
    for raw in raws:
        path = entry_path(raw).decode()
        if any(glob.matches(path) for glob in globs):
            found.append(raw)
        if time.monotonic() > turn_ends_at:
            await asyncio.sleep(0)
            turn_ends_at = time.monotonic() + _TURN_SECONDS
    return found
