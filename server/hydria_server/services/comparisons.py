"""What differs between two versions, file by file, and what they share below file level."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.manifest import FileEntry, decode_entry, only_chunk
from hydria_server.domain.records import Domain, ShardRecord, VersionRecord
from hydria_server.services.comparing import Comparison, FileChange, Side, Totals, merge
from hydria_server.services.hashing import Hashing
from hydria_server.services.manifest_reader import ManifestReader
from hydria_server.services.recipes import Recipes
from hydria_server.services.turns import in_turn
from hydria_server.services.versions import Versions

_AT_ONCE = 2
# Digests looked for at once: about 16 MiB of them. More of them are looked for in several passes.
_SOUGHT_CHUNKS = 100_000


@dataclass(frozen=True, slots=True)
class _Listed:
    """A version, the domain that holds its chunks, and the parts of its list of files."""

    version: VersionRecord
    domain: Domain
    shards: Sequence[ShardRecord]


class Comparisons:
    """Merges two manifests, past the parts that are the same in both.

    I10: what two versions share is told from their own chunk lists, whatever else their domains
    hold. Memory is that of one part of each, and of a bounded number of digests.
    """

    def __init__(
        self, versions: Versions, manifests: ManifestReader, recipes: Recipes, threads: Hashing
    ) -> None:
        self._versions = versions
        self._manifests = manifests
        self._recipes = recipes
        self._threads = threads
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def open(
        self, from_ref: str, to_ref: str
    ) -> tuple[VersionRecord, VersionRecord, AsyncGenerator[Comparison, None]]:
        """Return both versions, and the steps of their comparison; the last one has the totals.

        Raises:
            As Versions.get. The steps: ChunkCorruptError.
        """
        before = await self._versions.get(from_ref, field="from_ref")
        after = await self._versions.get(to_ref, field="to_ref")
        steps = in_turn(self._turns, self._steps(before, after), waiting=Comparison())
        return before, after, steps

    async def _steps(
        self, before: VersionRecord, after: VersionRecord
    ) -> AsyncGenerator[Comparison, None]:
        old, new = await self._listed(before), await self._listed(after)
        totals = Totals(before, after)
        sought: Counter[bytes] = Counter()
        async with aclosing(self._changes(old, new, totals)) as parts:
            async for changes in parts:
                long = await self._threads.run(partial(_take, changes, totals, sought))
                yield totals.so_far(changes)
                async with aclosing(self._chunks_of(new.domain, long)) as recipes:
                    async for chunks in recipes:
                        sought.update(chunks)
                        if len(sought) >= _SOUGHT_CHUNKS:
                            await self._settle(old, sought, totals)
                            yield totals.so_far(())
                if len(sought) >= _SOUGHT_CHUNKS:
                    await self._settle(old, sought, totals)
                    yield totals.so_far(())
        await self._settle(old, sought, totals)
        yield totals.so_far(())

    async def _listed(self, version: VersionRecord) -> _Listed:
        domain = await self._manifests.domain(version)
        return _Listed(version, domain, await self._manifests.shards(version))

    async def _changes(
        self, old: _Listed, new: _Listed, totals: Totals
    ) -> AsyncGenerator[list[FileChange], None]:
        same = {s.digest for s in old.shards} & {s.digest for s in new.shards}
        before = Side(shard for shard in old.shards if shard.digest not in same)
        after = Side(shard for shard in new.shards if shard.digest not in same)
        while before.shards or after.shards or before.raws or after.raws:
            for side, listed in ((before, old), (after, new)):
                if side.wants_more:
                    raws = await self._manifests.raws(listed.domain, side.next_shard())
                    side.raws.extend(raws)
            changes = await self._threads.run(partial(merge, before, after))
            totals.left_count = before.left_count + after.left_count
            yield changes
        totals.left_count = 0

    async def _chunks_of(
        self, domain: Domain, long: Sequence[FileEntry]
    ) -> AsyncGenerator[Counter[bytes], None]:
        """Yield the chunks of files with recipes, digest by digest, with all their bytes there."""
        for entry in long:
            async for chunks in self._recipes.chunks_between(domain, entry, 0, entry.size_bytes):
                yield _by_digest(chunk.ref for chunk in chunks)

    async def _settle(self, old: _Listed, sought: Counter[bytes], totals: Totals) -> None:
        """Count as new what no file of `old` has of the sought chunks, and seek no more."""
        for shard in old.shards if sought else ():
            raws = await self._manifests.raws(old.domain, shard)
            long = await self._threads.run(partial(_strike_out, raws, sought))
            async with aclosing(self._chunks_of(old.domain, long)) as recipes:
                async for chunks in recipes:
                    for digest in chunks:
                        sought.pop(digest, None)
            if not sought:
                break
        totals.new_bytes += sum(sought.values())
        sought.clear()


def _by_digest(refs: Iterable[ChunkRef]) -> Counter[bytes]:
    sizes: Counter[bytes] = Counter()
    for ref in refs:
        sizes[ref.digest] += ref.size_bytes
    return sizes


def _take(changes: Sequence[FileChange], totals: Totals, sought: Counter[bytes]) -> list[FileEntry]:
    """Count changes, and seek the chunks that they list; return the files with recipes instead."""
    totals.take(changes)
    entries = [change.after for change in changes if change.after is not None]
    for entry in entries:
        for ref in entry.listed_chunks():
            sought[ref.digest] += ref.size_bytes
    return [entry for entry in entries if entry.recipes]


def _strike_out(raws: Sequence[bytes], sought: Counter[bytes]) -> list[FileEntry]:
    """Take off what these entries list; return those that have recipes instead."""
    long: list[FileEntry] = []
    for raw in raws:
        digest = only_chunk(raw)
        if digest is not None:  # most files of those versions that have very many
            sought.pop(digest, None)
            continue
        entry = decode_entry(raw)
        for ref in entry.listed_chunks():
            sought.pop(ref.digest, None)
        if entry.recipes:
            long.append(entry)
    return long
