"""What differs between two versions, file by file, and what they share below file level."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from hydria_server.domain.manifest import FileEntry, decode_entry
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
        totals = Totals(after)
        sought: Counter[bytes] = Counter()
        async with aclosing(self._changes(old, new)) as parts:
            async for changes in parts:
                totals.take(changes)
                yield totals.so_far(changes)
                async for digests in self._chunks_of(new.domain, changes):
                    sought.update(digests)
                    if len(sought) >= _SOUGHT_CHUNKS:
                        totals.new_bytes += await self._not_in(old, sought)
                        sought.clear()
                        yield totals.so_far(())
        totals.new_bytes += await self._not_in(old, sought)
        yield totals.so_far(())

    async def _listed(self, version: VersionRecord) -> _Listed:
        domain = await self._manifests.domain(version)
        return _Listed(version, domain, await self._manifests.shards(version))

    async def _changes(self, old: _Listed, new: _Listed) -> AsyncGenerator[list[FileChange], None]:
        same = {s.digest for s in old.shards} & {s.digest for s in new.shards}
        before = Side(shard for shard in old.shards if shard.digest not in same)
        after = Side(shard for shard in new.shards if shard.digest not in same)
        while before.shards or after.shards or before.raws or after.raws:
            for side, listed in ((before, old), (after, new)):
                if side.wants_more:
                    shard = side.shards.popleft()
                    side.raws.extend(await self._manifests.raws(listed.domain, shard))
            yield await self._threads.run(partial(merge, before, after))

    async def _chunks_of(
        self, domain: Domain, changes: Sequence[FileChange]
    ) -> AsyncGenerator[Counter[bytes], None]:
        """Yield the chunks of those files that were added or changed, as `_chunks`."""
        for change in changes:
            if change.after is not None and not change.after.is_reference:
                async for digests in self._chunks(domain, change.after):
                    yield digests

    async def _chunks(
        self, domain: Domain, entry: FileEntry
    ) -> AsyncGenerator[Counter[bytes], None]:
        """Yield the chunks of a stored file, digest by digest, with all their bytes in it."""
        async for chunks in self._recipes.chunks_between(domain, entry, 0, entry.size_bytes):
            found: Counter[bytes] = Counter()
            for chunk in chunks:
                found[chunk.ref.digest] += chunk.ref.size_bytes
            yield found

    async def _not_in(self, old: _Listed, sought: Counter[bytes]) -> int:
        """Return how many bytes those of the sought chunks have that no file of `old` has."""
        for shard in old.shards if sought else ():
            raws = await self._manifests.raws(old.domain, shard)
            for entry in await self._threads.run(partial(_strike_out, raws, sought)):
                async for digests in self._chunks(old.domain, entry):
                    for digest in digests:
                        sought.pop(digest, None)
            if not sought:
                break
        return sum(sought.values())


def _strike_out(raws: Sequence[bytes], sought: Counter[bytes]) -> list[FileEntry]:
    """Take off what these entries list; return those that have recipes instead."""
    long: list[FileEntry] = []
    for raw in raws:
        entry = decode_entry(raw)
        for ref in entry.listed_chunks():
            sought.pop(ref.digest, None)
        if entry.recipes:
            long.append(entry)
    return long
