"""Opens the files of a store that nobody serves, and tells which promises they break.

It shares no code with the server, so that a mistake there cannot hide itself here. The database
is copied before it is opened: looking must not recover, and so must not change, what a crash left.
"""

from __future__ import annotations

import itertools
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from blake3 import blake3

from tests.faults.stored_bytes import ChunkRow, Entry, Listed, Packs, entries_of, listed_chunks
from tests.faults.stored_history import alias_problems, event_problems, links_problems

LIVE = 1
OPEN, COMMITTED, ABORTED = 1, 2, 3
VERSION_COMMITTED = 1


def problems_in(data: Path, *, damaged: bool = False) -> list[str]:
    """Return what is wrong with the store in `data`, a sentence each.

    With `damaged` its packs were harmed on purpose: what chunks hold is not looked at.
    """
    with tempfile.TemporaryDirectory() as directory:
        for file in data.glob("meta.db*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, directory)
        connection = sqlite3.connect(Path(directory) / "meta.db")
        try:
            return list(_Checker(connection, Packs(data / "packs"), damaged=damaged).problems())
        finally:
            connection.close()


class _Checker:
    """One look at one store."""

    def __init__(self, connection: sqlite3.Connection, packs: Packs, *, damaged: bool) -> None:
        self._db = connection
        self._packs = packs
        self._damaged = damaged
        self._keys = dict(connection.execute("SELECT id, key FROM domain"))
        rows = connection.execute(
            "SELECT domain_id, digest, state, touch_epoch, size_bytes, pack_id, pack_offset,"
            " stored_bytes FROM chunk"
        )
        self._chunks = {(row[0], row[1]): ChunkRow(*row) for row in rows}
        self._payloads: dict[tuple[int, bytes], bytes] = {}

    def problems(self) -> Iterator[str]:
        yield from self._database()
        yield from self._packs.problems()
        if not self._damaged:
            yield from self._live_chunks()
            yield from self._versions()
            yield from self._staged()
        yield from self._uploads()
        yield from self._numbers()
        yield from links_problems(self._db)
        yield from alias_problems(self._db)
        yield from event_problems(self._db)

    def _database(self) -> Iterator[str]:
        for (result,) in self._db.execute("PRAGMA integrity_check"):
            if result != "ok":
                yield f"the database is damaged: {result}"
        for row in self._db.execute("PRAGMA foreign_key_check"):
            yield f"a reference dangles: {row}"

    # --- I1, I4 ----------------------------------------------------------------------------------

    def _live_chunks(self) -> Iterator[str]:
        ends: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for key, row in self._chunks.items():
            if row.state != LIVE:
                continue
            found = self._packs.payload(row, self._keys[row.domain_id])
            if isinstance(found, str):
                yield f"I1: chunk {row.digest.hex()[:8]} is LIVE, but {found}"
            else:
                self._payloads[key] = found
            ends[row.pack_id].append((row.pack_offset, row.pack_offset + 80 + row.stored_bytes))
        for pack_id, places in ends.items():
            places.sort()
            for (_, end), (start, _) in itertools.pairwise(places):
                if start < end:
                    yield f"I4: two chunks share bytes of pack {pack_id}"

    # --- I2 --------------------------------------------------------------------------------------

    def _versions(self) -> Iterator[str]:
        for version_id, domain_id, digest, files, size in self._db.execute(
            "SELECT version.id, coalesce(project.domain_id, entity.domain_id), version.digest,"
            " version.file_count, version.size_bytes FROM version"
            " JOIN project ON project.id = version.project_id"
            " JOIN entity ON entity.id = project.entity_id"
            " WHERE version.state = ? AND version.source_version_id IS NULL",
            (VERSION_COMMITTED,),
        ):
            name = f"I2: version {version_id}"
            try:
                entries = self._manifest(version_id, domain_id)
                for entry in entries:
                    self._require_content(domain_id, entry)
            except (KeyError, ValueError, IndexError) as error:
                yield f"{name}: {error}"
                continue
            hasher = blake3(b"hydria.version.v1\0")
            for entry in entries:
                hasher.update(entry.digested)
            if hasher.digest() != digest:
                yield f"{name} has another digest than its manifest"
            if (files, size) != (len(entries), sum(entry.size_bytes for entry in entries)):
                yield f"{name} counts its files or bytes wrongly"

    def _manifest(self, version_id: int, domain_id: int) -> list[Entry]:
        entries: list[Entry] = []
        shards = self._db.execute(
            "SELECT position, digest, size_bytes, entry_count, first_path, last_path"
            " FROM version_shard WHERE version_id = ? ORDER BY position",
            (version_id,),
        )
        for expected, (position, digest, size, count, first, last) in enumerate(shards):
            found = entries_of(self._payload(domain_id, (digest, size)), b"HYMS")
            said = (expected, count, first.encode(), last.encode())
            if said != (position, len(found), found[0].path, found[-1].path):
                raise ValueError(f"shard {position} is not what its row says")
            entries += found
        paths = [entry.path for entry in entries]
        if paths != sorted(set(paths)):
            raise ValueError("its paths are not in order")
        return entries

    def _require_content(self, domain_id: int, entry: Entry) -> None:
        if entry.is_reference:
            return
        hasher = blake3()
        for listed in self._chunks_of(domain_id, entry):
            hasher.update(self._payload(domain_id, listed))
        if hasher.digest() != entry.content_digest:
            raise ValueError(f"{entry.path!r} is not what its digest says")

    def _chunks_of(self, domain_id: int, entry: Entry) -> list[Listed]:
        chunks = list(entry.chunks)
        for recipe in entry.recipes:
            chunks += listed_chunks(self._payload(domain_id, recipe))
        return chunks

    def _payload(self, domain_id: int, listed: Listed) -> bytes:
        digest, size = listed
        payload = self._payloads.get((domain_id, digest))
        if payload is None or len(payload) != size:
            raise KeyError(
                f"it needs chunk {digest.hex()[:8]}, which is not LIVE with {size} bytes"
            )
        return payload

    # --- I5 --------------------------------------------------------------------------------------

    def _staged(self) -> Iterator[str]:
        """Whatever an open upload was told to be there, is there and pinned."""
        for upload_id, domain_id, epoch, digest, size, resolved in self._db.execute(
            "SELECT upload.id, upload.domain_id, upload.start_epoch, staged_run.digest,"
            " staged_run.size_bytes, staged_run.resolved FROM staged_run"
            " JOIN upload ON upload.id = staged_run.upload_id WHERE upload.state = ?",
            (OPEN,),
        ):
            try:
                data = self._payload(domain_id, (digest, size))
                if not resolved or data[:4] != b"HYRN":
                    continue
                for entry in entries_of(data, b"HYRN"):
                    self._require_content(domain_id, entry)
                    for chunk, _ in self._chunks_of(domain_id, entry):
                        if self._chunks[domain_id, chunk].touch_epoch < epoch:
                            yield f"I5: upload {upload_id} does not pin chunk {chunk.hex()[:8]}"
            except (KeyError, ValueError, IndexError) as error:
                yield f"I5: a staged run of upload {upload_id}: {error}"

    def _uploads(self) -> Iterator[str]:
        staged = self._db.execute(
            "SELECT DISTINCT upload.id FROM staged_run JOIN upload ON upload.id = upload_id"
            " WHERE upload.state IN (?, ?)",
            (COMMITTED, ABORTED),
        )
        for (upload_id,) in staged:
            yield f"I5: upload {upload_id} has ended and still stages files"
        results = self._db.execute(
            "SELECT id FROM upload WHERE (state = ?) != (result_version_id IS NOT NULL)",
            (COMMITTED,),
        )
        for (upload_id,) in results:
            yield f"upload {upload_id} is half committed"
        made = self._db.execute(
            "SELECT version.id FROM version LEFT JOIN upload ON upload.id = version.upload_id"
            " AND upload.result_version_id = version.id AND upload.result_created"
            " WHERE upload.id IS NULL AND version.source_version_id IS NULL"
        )
        for (version_id,) in made:
            yield f"version {version_id} was made by no upload"

    def _numbers(self) -> Iterator[str]:
        for collection_id, following, count in self._db.execute(
            "SELECT id, next_version, version_count FROM collection"
        ):
            rows = self._db.execute(
                "SELECT number, state FROM version WHERE collection_id = ? ORDER BY number",
                (collection_id,),
            ).fetchall()
            if [number for number, _ in rows] != list(range(following)):
                yield f"the versions of collection {collection_id} have a gap"
            if count != sum(state == VERSION_COMMITTED for _, state in rows):
                yield f"collection {collection_id} counts its versions wrongly"
