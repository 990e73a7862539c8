"""What must be true of versions, their tags and their shards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hydria_server.domain.errors import NotFoundError
from hydria_server.domain.records import VersionRecord, VersionState
from hydria_server.storage.metadata.interface import Rows
from tests.conformance.metadata.given import a_digest, a_line, a_shard, a_version, in_one_write


class FindingVersions:
    @in_one_write
    async def test_a_new_version_is_committed_and_as_it_was_given(self, rows: Rows) -> None:
        line = await a_line(rows, type_="model")
        exact = '{"big": 9007199254740993, "pi": 3.10, "text": "é"}'

        version = await a_version(
            rows,
            line.collection_id,
            tags=["b", "a", "b"],
            description="Trained.",
            metadata_json=exact,
            size_bytes=1 << 45,
            file_count=1_000_000,
            created_at_us=1_700_000_000_000_000,
        )

        assert version == VersionRecord(
            id=version.id,
            collection_id=line.collection_id,
            entity_id=line.entity.id,
            project_id=line.project_id,
            entity="acme",
            project="vision",
            collection="cats",
            type="model",
            number=0,
            digest=a_digest(0),
            state=VersionState.COMMITTED,
            file_count=1_000_000,
            size_bytes=1 << 45,
            description="Trained.",
            metadata_json=exact,
            aliases=(),
            tags=("a", "b"),
            revision=1,
            created_at_us=1_700_000_000_000_000,
            updated_at_us=1_700_000_000_000_000,
        )
        assert await rows.versions.by_id(version.id) == version

    @in_one_write
    async def test_a_version_is_found_by_id_number_and_alias_whatever_its_state(
        self, rows: Rows
    ) -> None:
        line = await a_line(rows)
        version = await a_version(rows, line.collection_id)
        await rows.aliases.point(line.collection_id, "best", version.id, now_us=5)
        await rows.versions.mark_deleted([version.id], now_us=6)

        expected = replace(version, state=VersionState.DELETED, aliases=("best",))
        assert await rows.versions.by_id(version.id) == expected
        assert await rows.versions.by_number(line.collection_id, 0) == expected
        assert await rows.versions.by_alias(line.collection_id, "best") == expected

    @in_one_write
    async def test_what_is_not_there_is_none_and_an_unknown_id_an_error(self, rows: Rows) -> None:
        line, other = await a_line(rows), await a_line(rows, collection="dogs")
        version = await a_version(rows, line.collection_id)
        await rows.aliases.point(line.collection_id, "best", version.id, now_us=5)

        assert await rows.versions.by_number(line.collection_id, 1) is None
        assert await rows.versions.by_alias(line.collection_id, "Best") is None
        assert await rows.versions.by_digest(line.collection_id, a_digest(1)) is None
        assert await rows.versions.by_number(other.collection_id, 0) is None
        assert await rows.versions.by_alias(other.collection_id, "best") is None
        assert await rows.versions.by_digest(other.collection_id, a_digest(0)) is None
        assert await rows.versions.highest(other.collection_id) is None
        with pytest.raises(NotFoundError):
            await rows.versions.by_id(version.id + 1)

    @in_one_write
    async def test_equal_content_is_the_highest_committed_version_that_has_it(
        self, rows: Rows
    ) -> None:
        line = await a_line(rows)
        same = [await a_version(rows, line.collection_id, digest=a_digest(9)) for _ in range(3)]
        await a_version(rows, line.collection_id)
        await rows.versions.mark_deleted([same[2].id], now_us=6)

        assert await rows.versions.by_digest(line.collection_id, a_digest(9)) == same[1]

    @in_one_write
    async def test_the_highest_version_is_a_committed_one(self, rows: Rows) -> None:
        line = await a_line(rows)
        versions = [await a_version(rows, line.collection_id) for _ in range(4)]
        await rows.versions.mark_deleted([versions[3].id, versions[2].id], now_us=6)

        assert await rows.versions.highest(line.collection_id) == versions[1]
        assert await rows.versions.live_ids(line.collection_id) == [v.id for v in versions[:2]]

    @in_one_write
    async def test_an_alias_is_resolved_by_names(self, rows: Rows) -> None:
        line = await a_line(rows)
        version = await a_version(rows, line.collection_id, tags=["a"])
        await rows.aliases.point(line.collection_id, "best", version.id, now_us=5)
        await rows.aliases.point(line.collection_id, "latest", version.id, now_us=5)

        resolved = await rows.versions.resolve_alias("acme", "vision", "cats", "best")

        assert resolved == replace(version, aliases=("best", "latest"))
        for names in (
            ("other", "vision", "cats", "best"),
            ("acme", "audio", "cats", "best"),
            ("acme", "vision", "dogs", "best"),
            ("acme", "vision", "cats", "worst"),
        ):
            assert await rows.versions.resolve_alias(*names) is None

    @in_one_write
    async def test_resolving_follows_no_redirect_and_sees_no_deleted_collection(
        self, rows: Rows
    ) -> None:
        line = await a_line(rows)
        version = await a_version(rows, line.collection_id)
        await rows.aliases.point(line.collection_id, "best", version.id, now_us=5)
        await rows.names.rename_collection(line.collection_id, "felines", now_us=6)
        assert await rows.versions.resolve_alias("acme", "vision", "cats", "best") is None

        await rows.names.delete_collection(line.collection_id, now_us=7)

        assert await rows.versions.resolve_alias("acme", "vision", "felines", "best") is None


class ChangingVersions:
    @in_one_write
    async def test_an_update_replaces_what_is_not_none_and_the_revision_grows(
        self, rows: Rows
    ) -> None:
        line = await a_line(rows)
        version = await a_version(rows, line.collection_id, tags=["a"], description="One.")

        await rows.versions.update(
            version.id, description=None, metadata_json='{"a": 1.0}', tags=None, now_us=50
        )
        first = await rows.versions.by_id(version.id)
        await rows.versions.update(
            version.id, description="", metadata_json=None, tags=["c", "b", "c"], now_us=60
        )
        second = await rows.versions.by_id(version.id)

        assert first == replace(version, metadata_json='{"a": 1.0}', revision=2, updated_at_us=50)
        assert second == replace(
            first, description="", tags=("b", "c"), revision=3, updated_at_us=60
        )

    @in_one_write
    async def test_adding_tags_counts_as_a_change_only_if_one_is_new(self, rows: Rows) -> None:
        line = await a_line(rows)
        version = await a_version(rows, line.collection_id, tags=["a"])

        await rows.versions.add_tags(version.id, ["a"], now_us=50)
        await rows.versions.add_tags(version.id, [], now_us=50)
        assert await rows.versions.by_id(version.id) == version

        await rows.versions.add_tags(version.id, ["b", "a", "b"], now_us=60)
        assert await rows.versions.by_id(version.id) == replace(
            version, tags=("a", "b"), revision=2, updated_at_us=60
        )

    @in_one_write
    async def test_a_deleted_version_keeps_everything_but_its_state(self, rows: Rows) -> None:
        line = await a_line(rows)
        gone = await a_version(rows, line.collection_id, tags=["a"], shards=[a_shard(1, "a", "b")])
        await a_version(rows, line.collection_id)

        await rows.versions.mark_deleted([gone.id], now_us=50)
        await rows.versions.mark_deleted([gone.id], now_us=60)

        assert await rows.versions.by_id(gone.id) == replace(gone, state=VersionState.DELETED)
        assert await rows.versions.shards(gone.id) == [a_shard(1, "a", "b")]
        collection = await rows.names.collection_by_id(line.collection_id)
        assert collection.version_count == 1, "what is deleted twice is counted once"

    @in_one_write
    async def test_any_number_of_versions_is_deleted_at_once(self, rows: Rows) -> None:
        line = await a_line(rows)
        ids = [(await a_version(rows, line.collection_id)).id for _ in range(600)]

        await rows.versions.mark_deleted(ids[1:], now_us=50)

        assert await rows.versions.live_ids(line.collection_id) == ids[:1]
        collection = await rows.names.collection_by_id(line.collection_id)
        assert collection.version_count == 1


class Shards:
    @in_one_write
    async def test_shards_come_in_the_order_given(self, rows: Rows) -> None:
        line = await a_line(rows)
        shards = [a_shard(n, f"{n:03}", f"{n:03}z") for n in range(20)]
        version = await a_version(rows, line.collection_id, shards=shards)
        empty = await a_version(rows, line.collection_id)

        assert await rows.versions.shards(version.id) == shards
        assert await rows.versions.shards(empty.id) == []

    @in_one_write
    async def test_shards_between_paths_are_those_that_may_hold_them(self, rows: Rows) -> None:
        line = await a_line(rows)
        one, two, three = a_shard(1, "a", "c"), a_shard(2, "d", "f"), a_shard(3, "g", "i")
        version = await a_version(rows, line.collection_id, shards=[one, two, three])

        async def between(first: str, last: str | None) -> list[bytes]:
            found = await rows.versions.shards_between(version.id, first=first, last=last)
            return [shard.digest for shard in found]

        assert await between("d", "f") == [two.digest]
        assert await between("c", "d") == [one.digest, two.digest]
        assert await between("cc", "cd") == [], "between two shards there is nothing"
        assert await between("", None) == [one.digest, two.digest, three.digest]
        assert await between("f", None) == [two.digest, three.digest]
        assert await between("j", None) == []
        assert await between("", "a") == [one.digest]

    @in_one_write
    async def test_paths_are_compared_by_their_bytes(self, rows: Rows) -> None:
        line = await a_line(rows)
        in_order = ["A", "Z", "a", "z", "é", "\uffee", "\U0001f600"]  # not so in UTF-16
        shards = [a_shard(n, path, path) for n, path in enumerate(in_order)]
        version = await a_version(rows, line.collection_id, shards=shards)

        for at, path in enumerate(in_order):
            found = await rows.versions.shards_between(version.id, first=path, last=None)
            assert found == shards[at:]

    @in_one_write
    async def test_a_version_knows_the_domain_of_its_chunks(self, rows: Rows) -> None:
        line = await a_line(rows)
        other = await a_line(rows, entity="other")
        version = await a_version(rows, line.collection_id)
        theirs = await a_version(rows, other.collection_id)

        assert await rows.versions.domain(version.id) == line.entity.domain
        assert await rows.versions.domain(theirs.id) == other.entity.domain


class VersionsContract(FindingVersions, ChangingVersions, Shards):
    """Everything about versions."""
