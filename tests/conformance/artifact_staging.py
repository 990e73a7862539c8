"""The artifact service through the wire: staging, by one writer or several, on a base or none."""

from __future__ import annotations

import asyncio

import pytest

from hydria.v1 import artifact_pb2 as pb
from tests.refusals import refused
from tests.teams import Team, digest, entry, put, recipe, remove, remove_prefix

MIB = 1 << 20
BASE = {"a": b"1", "data/x": b"2", "data/y": b"3", "data2/z": b"4"}


class StagingContract:
    """What is staged is kept for good, each batch once, and becomes visible by the commit."""

    # --- batches ----------------------------------------------------------------------------

    async def test_a_replayed_batch_is_acknowledged_and_dropped(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"1", b"2")
        await team.stage(upload_id, put(entry("a", b"1")))
        again = await team.stage(upload_id, put(entry("a", b"2")))
        assert again.staged_through_seq == 1
        await team.stage(upload_id, put(entry("b", b"2")), seq=2)
        assert (await team.stage(upload_id, seq=1)).staged_through_seq == 2
        await team.commit(upload_id)
        assert await team.contents() == {"a": b"1", "b": b"2"}

    async def test_two_twins_of_a_batch_at_once_stage_it_once(self, team: Team) -> None:
        upload_id = await team.begin()
        twins = await asyncio.gather(*(team.stage(upload_id, put(entry("a"))) for _ in range(5)))
        assert {twin.staged_through_seq for twin in twins} == {1}
        (writer,) = (await team.upload_of(upload_id)).writers
        assert writer.operation_count == 1

    @pytest.mark.parametrize("seq", [0, 2, 7, 2**64 - 1])
    async def test_a_gap_in_seq_is_refused(self, team: Team, seq: int) -> None:
        upload_id = await team.begin()
        with refused("FIELD_VIOLATION") as refusal:
            await team.stage(upload_id, put(entry("a")), seq=seq)
        assert refusal.metadata == {"field": "seq"}

    async def test_writers_count_their_batches_for_themselves(self, team: Team) -> None:
        upload_id = await team.begin()
        for writer in ("", "one", "two", "x" * 128):
            staged = await team.stage(upload_id, put(entry(f"by-{writer[:3]}")), writer=writer)
            assert staged.staged_through_seq == 1
        with refused("FIELD_VIOLATION") as refusal:
            await team.stage(upload_id, put(entry("a")), writer="x" * 129)
        assert refusal.metadata == {"field": "writer_id"}
        await team.commit(upload_id)
        assert await team.paths() == ["by-", "by-one", "by-two", "by-xxx"]

    async def test_a_later_put_of_the_same_writer_replaces_the_earlier_one(
        self, team: Team
    ) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"old", b"new", b"newest")
        await team.stage(upload_id, put(entry("a", b"old")), put(entry("b", b"old")))
        await team.stage(upload_id, put(entry("a", b"new")), seq=2)
        await team.upload(upload_id, "b", b"newest")
        await team.commit(upload_id)
        assert await team.contents() == {"a": b"new", "b": b"newest"}

    async def test_one_path_by_two_writers_with_one_content_is_one_file(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"1")
        await team.stage(upload_id, put(entry("a", b"1")), writer="one")
        await team.stage(upload_id, put(entry("a", b"1")), writer="two")
        await team.commit(upload_id)
        assert await team.contents() == {"a": b"1"}

    async def test_one_path_by_two_writers_with_two_contents_fails_the_commit(
        self, team: Team
    ) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"1", b"2")
        await team.stage(upload_id, put(entry("a/b", b"1")), writer="one")
        await team.stage(upload_id, put(entry("a/b", b"2")), writer="two")
        with refused("DUPLICATE_PATH") as refusal:
            await team.commit(upload_id)
        assert refusal.metadata == {"path": "a/b"}
        await team.stage(upload_id, put(entry("a/b", b"1")), seq=2, writer="two")
        await team.commit(upload_id)  # after an error the upload is still open
        assert await team.contents() == {"a/b": b"1"}

    async def test_a_path_twice_in_one_batch_is_refused_and_nothing_is_staged(
        self, team: Team
    ) -> None:
        upload_id = await team.begin()
        with refused("DUPLICATE_PATH") as refusal:
            await team.stage(upload_id, put(entry("b")), put(entry("a")), put(entry("a")))
        assert refusal.metadata == {"path": "a"}
        await team.commit(upload_id)
        assert await team.paths() == []

    async def test_10000_operations_fit_into_a_batch_and_not_one_more(self, team: Team) -> None:
        upload_id = await team.begin()
        operations = [put(entry(f"{at:05}")) for at in range(10_001)]
        with refused("BATCH_TOO_LARGE") as refusal:
            await team.stage(upload_id, *operations)
        assert refusal.metadata == {"limit": "10000"}
        await team.stage(upload_id, *operations[:-1])
        committed = await team.commit(upload_id)
        assert committed.version.file_count == 10_000

    async def test_an_empty_batch_and_an_empty_operation(self, team: Team) -> None:
        upload_id = await team.begin()
        assert (await team.stage(upload_id)).staged_through_seq == 1
        with refused("FIELD_VIOLATION"):
            await team.stage(upload_id, pb.StageOperation(), seq=2)

    async def test_a_batch_of_long_paths_is_kept_in_parts(self, team: Team) -> None:
        upload_id = await team.begin()
        paths = [f"{at:04}-{'x' * 1000}" for at in range(2500)]
        await team.stage(upload_id, *[put(entry(path)) for path in reversed(paths)])
        await team.commit(upload_id)
        assert await team.paths() == paths

    # --- paths ------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "path",
        [
            *("", "/a", "a/", "a//b", ".", "..", "a/../b", "./a"),
            *("a\0b", "a\\b", "e\u0301", "x" * 1025, "é" * 513),
        ],
    )
    async def test_a_malformed_path_is_refused_before_it_is_staged(
        self, team: Team, path: str
    ) -> None:
        upload_id = await team.begin()
        with refused("PATH_INVALID") as refusal:
            await team.stage(upload_id, put(entry(path)))
        assert refusal.metadata == {"field": "path"}
        with refused("PATH_INVALID"):
            await team.upload(upload_id, path, b"")
        with refused("PATH_INVALID"):
            await team.log({path: b""})

    @pytest.mark.parametrize(
        "path",
        ["é", "a b", " a", "...", "a/.b", "x" * 1024, "é" * 512, "a\nb", "\U0001f426/x", "-"],
    )
    async def test_any_other_path_is_kept_to_the_letter(self, team: Team, path: str) -> None:
        await team.log({path: b"x"})
        assert await team.contents() == {path: b"x"}

    async def test_case_twins_are_two_files(self, team: Team) -> None:
        await team.log({"readme": b"1", "README": b"2"})
        assert await team.contents() == {"README": b"2", "readme": b"1"}

    @pytest.mark.parametrize(
        ("file", "below"), [("a", "a/b"), ("a/b", "a/b/c/d"), ("data", "data/x"), ("é", "é/x")]
    )
    async def test_a_file_that_is_also_a_directory_fails_the_commit(
        self, team: Team, file: str, below: str
    ) -> None:
        upload_id = await team.begin()
        await team.stage(upload_id, put(entry(below)), put(entry(f"{file}!between")))
        await team.stage(upload_id, put(entry(file)), seq=2)
        with refused("PATH_CONFLICT") as refusal:
            await team.commit(upload_id)
        assert refusal.metadata == {"path": file}
        with refused("PATH_CONFLICT"):
            await team.log({file: b"", below: b""})

    async def test_a_put_that_conflicts_with_the_base_fails_the_commit(self, team: Team) -> None:
        await team.log(BASE)
        upload_id = await team.begin(base=team.ref())
        await team.stage(upload_id, put(entry("data")))
        with refused("PATH_CONFLICT"):
            await team.commit(upload_id)
        await team.stage(upload_id, remove_prefix("data/"), seq=2)
        await team.commit(upload_id)
        assert await team.paths() == ["a", "data", "data2/z"]

    # --- a base -----------------------------------------------------------------------------

    async def test_without_operations_a_base_is_the_version_itself(self, team: Team) -> None:
        version = await team.log(BASE)
        committed = await team.commit(await team.begin(base=team.ref()))
        assert (committed.created, committed.version.ref) == (False, version.ref)

    async def test_puts_and_removals_act_on_the_base(self, team: Team) -> None:
        await team.log(BASE)
        upload_id = await team.begin(base=team.ref(":v0"))
        await team.send(upload_id, b"new")
        await team.stage(
            upload_id,
            remove("a"),
            remove("never-was-there"),
            remove_prefix("data/"),
            put(entry("data/y", b"new")),
            put(entry("z", b"new")),
        )
        await team.commit(upload_id)
        assert await team.contents() == {"data/y": b"new", "data2/z": b"4", "z": b"new"}
        assert await team.contents(":v0") == BASE

    async def test_a_prefix_is_text_and_not_a_directory(self, team: Team) -> None:
        await team.log(BASE)
        upload_id = await team.begin(base=team.ref())
        await team.stage(upload_id, remove_prefix("dat"))
        await team.commit(upload_id)
        assert await team.paths() == ["a"]

    async def test_removals_leave_puts_alone_whatever_their_order(self, team: Team) -> None:
        await team.log(BASE)
        upload_id = await team.begin(base=team.ref())
        await team.send(upload_id, b"new")
        await team.stage(upload_id, put(entry("a", b"new")), put(entry("data/x", b"new")))
        await team.stage(upload_id, remove("a"), remove_prefix("data"), seq=2)
        await team.stage(upload_id, remove("a"), writer="another")
        await team.commit(upload_id)
        assert await team.contents() == {"a": b"new", "data/x": b"new"}

    async def test_a_removal_names_something(self, team: Team) -> None:
        upload_id = await team.begin()
        for operation in (remove(""), remove_prefix(""), remove("x" * 1025)):
            with refused("FIELD_VIOLATION"):
                await team.stage(upload_id, operation)

    async def test_the_base_may_be_another_collection_of_the_entity(self, team: Team) -> None:
        await team.log({"shared": b"1"}, collection="source")
        upload_id = await team.begin(base=team.ref(":latest", collection="source"))
        await team.stage(upload_id, put(entry("own")))
        await team.commit(upload_id)
        assert await team.contents() == {"shared": b"1", "own": b""}

    async def test_a_base_is_what_the_ref_meant_when_the_upload_began(self, team: Team) -> None:
        await team.log({"a": b"1"})
        upload_id = await team.begin(base=team.ref(":latest"))
        await team.log({"a": b"2"})
        await team.stage(upload_id, put(entry("b")))
        await team.commit(upload_id)
        assert await team.contents() == {"a": b"1", "b": b""}

    # --- chunks that are still to come ------------------------------------------------------

    async def test_files_may_be_staged_before_their_chunks_are_sent(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"here")
        staged = await team.stage(
            upload_id, put(entry("a", b"here", b"late")), put(entry("b", b"later"))
        )
        missing = {staged.missing_digests[at : at + 32] for at in (0, 32)}
        assert missing == {digest(b"late"), digest(b"later")}
        with refused("CHUNKS_MISSING") as refusal:
            await team.commit(upload_id)
        assert refusal.metadata["count"] == "2"
        printed = {f"blake3:{each.hex()}" for each in missing}
        assert set(refusal.metadata["digests"].split(",")) == printed
        await team.send(upload_id, b"late", b"later")
        await team.commit(upload_id)
        assert await team.contents() == {"a": b"herelate", "b": b"later"}

    async def test_of_many_missing_chunks_the_first_are_named(self, team: Team) -> None:
        upload_id = await team.begin()
        files = [put(entry(f"{at:05}", f"missing {at}".encode())) for at in range(10_000)]
        staged = await team.stage(upload_id, *files)
        assert len(staged.missing_digests) == 32 * 10_000
        with refused("CHUNKS_MISSING") as refusal:
            await team.commit(upload_id)
        assert refusal.metadata["count"] == "10000"
        assert len(refusal.metadata["digests"].split(",")) == 8

    async def test_a_missing_chunk_that_many_files_share_counts_once(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.stage(upload_id, put(entry("a", b"one")), put(entry("b", b"one")))
        await team.stage(upload_id, put(entry("c", b"one")), seq=2)
        with refused("CHUNKS_MISSING") as refusal:
            await team.commit(upload_id)
        assert refusal.metadata["count"] == "1"

    async def test_a_chunk_that_only_another_entity_has_is_missing(self, team: Team) -> None:
        """I10: naming a known digest must not make its bytes readable."""
        other = Team.new(team.server)
        await other.log({"secret": b"of another team"})
        upload_id = await team.begin()
        staged = await team.stage(upload_id, put(entry("stolen", b"of another team")))
        assert staged.missing_digests == digest(b"of another team")
        with refused("CHUNKS_MISSING"):
            await team.commit(upload_id)

    # --- big files --------------------------------------------------------------------------

    async def test_a_file_of_4096_chunks_may_list_them_and_of_more_may_not(
        self, team: Team
    ) -> None:
        upload_id = await team.begin()
        chunks = [at.to_bytes(3, "big") for at in range(4096)]
        await team.send(upload_id, *chunks)
        await team.stage(upload_id, put(entry("big", *chunks)))
        with refused("BATCH_TOO_LARGE") as refusal:
            await team.stage(upload_id, put(entry("bigger", *chunks, b"x")), seq=2)
        assert refusal.metadata == {"limit": "4096"}
        await team.commit(upload_id)
        assert await team.contents() == {"big": b"".join(chunks)}

    async def test_a_file_may_be_made_of_recipes(self, team: Team) -> None:
        upload_id = await team.begin()
        chunks = [at.to_bytes(3, "big") for at in range(500)]
        recipes = [recipe(*chunks[:200]), recipe(*chunks[200:])]
        await team.send(upload_id, *chunks, *recipes)
        await team.stage(upload_id, put(entry_of_recipes("big", chunks, recipes)))
        await team.commit(upload_id)
        assert await team.contents() == {"big": b"".join(chunks)}

    async def test_the_same_bytes_in_other_chunks_are_the_same_version(self, team: Team) -> None:
        """C3: the digest covers paths, sizes and contents, whatever the chunking."""
        version = await team.log({"a": b"one two three"})
        upload_id = await team.begin()
        await team.send(upload_id, b"one ", b"two ", b"three")
        await team.stage(upload_id, put(entry("a", b"one ", b"two ", b"three")))
        committed = await team.commit(upload_id)
        assert (committed.created, committed.version.ref) == (False, version.ref)


def entry_of_recipes(path: str, chunks: list[bytes], recipes: list[bytes]) -> pb.FileEntry:
    """Return the true entry of a file whose chunks are in recipes."""
    content = b"".join(chunks)
    return pb.FileEntry(
        path=path,
        size_bytes=len(content),
        content_digest=digest(content),
        recipe_digests=b"".join(map(digest, recipes)),
    )
