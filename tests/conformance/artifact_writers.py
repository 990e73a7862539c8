"""The artifact service through the wire: writers that finish, and commits that wait for them."""

from __future__ import annotations

from hydria.v1 import artifact_pb2 as pb
from tests.refusals import refused
from tests.teams import Team, entry, put


async def finished(team: Team, upload_id: str) -> dict[str, bool]:
    """Return which writers have finished."""
    return {each.writer_id: each.finished for each in (await team.upload_of(upload_id)).writers}


async def commit(team: Team, upload_id: str, *writers: str) -> pb.CommitUploadResponse:
    """Commit when these writers have finished."""
    return await team.stub.CommitUpload(
        pb.CommitUploadRequest(upload_id=upload_id, finished_writers=writers)
    )


class WritersContract:
    """A batch without operations says that its writer is done, until it stages more."""

    async def test_a_writer_has_finished_when_its_last_batch_is_empty(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.stage(upload_id, put(entry("a")), writer="one")
        assert await finished(team, upload_id) == {"one": False}
        await team.stage(upload_id, writer="one", seq=2)
        await team.stage(upload_id, writer="two")
        assert await finished(team, upload_id) == {"one": True, "two": True}
        await team.stage(upload_id, put(entry("b")), writer="one", seq=3)
        assert await finished(team, upload_id) == {"one": False, "two": True}

    async def test_a_commit_takes_place_only_when_the_writers_it_names_have_finished(
        self, team: Team
    ) -> None:
        upload_id = await team.begin()
        await team.stage(upload_id, put(entry("a")), writer="one")
        await team.stage(upload_id, writer="two")
        with refused("WRITERS_UNFINISHED") as refusal:
            await commit(team, upload_id, "two", "one", "three")
        assert refusal.metadata == {"writers": "one,three"}
        await team.stage(upload_id, writer="one", seq=2)
        made = await commit(team, upload_id, "one", "two")
        assert made.version.file_count == 1
        assert await commit(team, upload_id, "somebody") == made, "it is the same request"

    async def test_a_commit_names_at_most_10000_writers(self, team: Team) -> None:
        upload_id = await team.begin()
        with refused("FIELD_VIOLATION") as refusal:
            await commit(team, upload_id, *map(str, range(10_001)))
        assert refusal.metadata == {"field": "finished_writers"}

    async def test_a_replay_says_so_and_a_first_time_does_not(self, team: Team) -> None:
        upload_id = await team.begin()
        first = await team.stage(upload_id, put(entry("a")))
        again = await team.stage(upload_id, put(entry("a")))
        assert (first.was_staged_before, again.was_staged_before) == (False, True)

    async def test_ten_changes_in_a_large_version_store_a_few_shards(self, team: Team) -> None:
        upload_id = await team.begin()
        for seq in range(1, 4):
            puts = [put(entry(f"data/{at:06}")) for at in range(seq * 10_000, (seq + 1) * 10_000)]
            await team.stage(upload_id, *puts, seq=seq)
        await team.commit(upload_id)
        whole = await self.shards(team, ":v0")

        upload_id = await team.begin(base=team.ref(":v0"))
        await team.send(upload_id, b"changed")
        changes = [put(entry(f"data/{at:06}", b"changed")) for at in range(20_000, 20_010)]
        await team.stage(upload_id, *changes)
        changed = await team.commit(upload_id)
        assert (changed.version.file_count, changed.version.size_bytes) == (30_000, 70)
        assert len(await self.shards(team, ":v1") - whole) <= 2
        assert len(whole) >= 4

    async def shards(self, team: Team, suffix: str) -> set[bytes]:
        """Return the digests of the shards of a version's manifest."""
        version = await team.server.services.versions.get(team.ref(suffix))
        found = await team.server.metadata.read(lambda rows: rows.versions.shards(version.id))
        return {shard.digest for shard in found}
