"""Checks the list of a version's files: each part of it, its totals, and the version digest."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from functools import partial

from blake3 import blake3

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.damage import Damage, DamageKind
from hydria_server.domain.manifest import (
    SHARD_MAGIC,
    VERSION_DIGEST_PREFIX,
    FileEntry,
    decode_entries,
    decode_entry,
    digested_part,
    entry_path,
    entry_size,
)
from hydria_server.domain.records import Domain, ShardRecord, VersionRecord
from hydria_server.services.chunk_audit import ChunkAudit
from hydria_server.services.findings import Findings
from hydria_server.services.hashing import Hashing

# Entries handed on at once: what is done with them holds the event loop up for some milliseconds.
_BATCH = 250


class ManifestAudit:
    """Reads the manifest of one version, once, and notes what is damaged."""

    def __init__(
        self, audit: ChunkAudit, hashing: Hashing, version: VersionRecord, findings: Findings
    ) -> None:
        self._audit = audit
        self._hashing = hashing
        self._version = version
        self._findings = findings
        self._hasher = blake3(VERSION_DIGEST_PREFIX)
        self._file_count = 0
        self._size_bytes = 0

    async def entries(
        self, domain: Domain, shards: Sequence[ShardRecord]
    ) -> AsyncGenerator[list[FileEntry], None]:
        """Yield all entries that can be read, in order; after the last one the totals are settled.

        What a damaged part lists cannot be told: then neither can the version's digest.
        """
        is_whole = True
        for shard in shards:
            raws = await self._raws(domain, shard)
            if raws is None:
                is_whole = False
                self._findings.add(
                    Damage(DamageKind.MANIFEST, shard.digest, shard.first_path, shard.last_path)
                )
                continue
            await self._hashing.run(partial(self._take, raws))
            for at in range(0, len(raws), _BATCH):
                yield [decode_entry(raw) for raw in raws[at : at + _BATCH]]
        if is_whole and not self._adds_up():
            self._findings.add(Damage(DamageKind.VERSION, self._version.digest))

    async def _raws(self, domain: Domain, shard: ShardRecord) -> list[bytes] | None:
        """Return the encoded entries of a shard, if they are those that its row speaks of."""
        (data,) = await self._audit.check(domain, [ChunkRef(shard.digest, shard.size_bytes)])
        if data is None:
            return None
        try:
            raws = list(decode_entries(SHARD_MAGIC, bytes(data)))
        except ValueError:
            return None
        if len(raws) != shard.entry_count or not raws:
            return None
        ends = entry_path(raws[0]).decode(), entry_path(raws[-1]).decode()
        return raws if ends == (shard.first_path, shard.last_path) else None

    def _take(self, raws: Sequence[bytes]) -> None:
        self._hasher.update(b"".join(map(digested_part, raws)))
        self._file_count += len(raws)
        self._size_bytes += sum(map(entry_size, raws))

    def _adds_up(self) -> bool:
        found = (self._hasher.digest(), self._file_count, self._size_bytes)
        version = self._version
        return found == (version.digest, version.file_count, version.size_bytes)
