"""The artifact service through the wire: clients that lie about files never make a version."""

from __future__ import annotations

import pytest

from hydria.v1 import artifact_pb2 as pb
from tests.conformance.artifact_staging import entry_of_recipes
from tests.refusals import refused
from tests.teams import Team, digest, entry, put, recipe

MIB = 1 << 20


class LiesContract:
    """File digests are the server's own finding (decision 19a)."""

    async def test_true_chunks_under_a_false_content_digest_are_refused(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"one", b"two")
        lie = entry("a", b"one", b"two")
        lie.content_digest = digest(b"another content")
        with refused("DIGEST_MISMATCH") as refusal:
            await team.stage(upload_id, put(entry("fine", b"one")), put(lie))
        assert refusal.metadata == {"path": "a"}
        await team.commit(upload_id)
        assert await team.paths() == [], "nothing of the batch was staged"

    async def test_a_lie_that_is_staged_before_its_chunks_fails_the_commit(
        self, team: Team
    ) -> None:
        upload_id = await team.begin()
        lie = entry("a", b"one", b"two")
        lie.content_digest = digest(b"another content")
        await team.stage(upload_id, put(lie))
        await team.send(upload_id, b"one", b"two")
        with refused("DIGEST_MISMATCH"):
            await team.commit(upload_id)
        assert await team.exists() is False

    async def test_the_chunks_in_another_order_are_a_lie(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"one", b"two")
        await team.stage(upload_id, put(entry("true", b"one", b"two")))
        lie = entry("a", b"two", b"one")
        lie.content_digest = digest(b"onetwo")
        with refused("DIGEST_MISMATCH"):
            await team.stage(upload_id, put(lie), seq=2)

    async def test_one_chunk_under_another_digest_is_a_lie(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"one")
        lie = pb.FileEntry(
            path="a",
            size_bytes=3,
            content_digest=digest(b"two"),
            chunk_digests=digest(b"one"),
            chunk_sizes=[3],
        )
        with refused("DIGEST_MISMATCH"):
            await team.stage(upload_id, put(lie))

    async def test_a_recipe_of_one_chunk_under_another_digest_is_a_lie(self, team: Team) -> None:
        upload_id = await team.begin()
        made = recipe(b"one")
        await team.send(upload_id, b"one", made)
        lie = entry_of_recipes("a", [b"one"], [made])
        lie.content_digest = digest(b"two")
        with refused("DIGEST_MISMATCH"):
            await team.stage(upload_id, put(lie))

    async def test_recipes_under_a_false_digest_are_a_lie(self, team: Team) -> None:
        upload_id = await team.begin()
        chunks = [at.to_bytes(2, "big") for at in range(200)]
        made = [recipe(*chunks[:100]), recipe(*chunks[100:])]
        await team.send(upload_id, *chunks, *made)
        lie = entry_of_recipes("a", chunks, [made[1], made[0]])
        with refused("DIGEST_MISMATCH"):
            await team.stage(upload_id, put(lie))

    async def test_no_bytes_have_one_digest(self, team: Team) -> None:
        upload_id = await team.begin()
        lie = pb.FileEntry(path="a", size_bytes=0, content_digest=digest(b"x"))
        with refused("DIGEST_MISMATCH"):
            await team.stage(upload_id, put(lie))

    @pytest.mark.parametrize("size", [5, 7, 0, 2**64 - 1])
    async def test_sizes_that_do_not_add_up_are_refused(self, team: Team, size: int) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"one", b"two")
        lie = entry("a", b"one", b"two")
        lie.size_bytes = size
        with refused("SIZE_MISMATCH"):
            await team.stage(upload_id, put(lie))

    async def test_a_file_of_one_chunk_with_another_size_has_a_missing_chunk(
        self, team: Team
    ) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"one")
        lie = entry("a", b"one")
        lie.size_bytes = 4
        staged = await team.stage(upload_id, put(lie))
        assert staged.missing_digests == digest(b"one")
        with refused("CHUNKS_MISSING"):
            await team.commit(upload_id)

    async def test_chunk_sizes_that_add_up_but_are_not_theirs_are_missing_chunks(
        self, team: Team
    ) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"one", b"three")
        lie = entry("a", b"one", b"three")
        del lie.chunk_sizes[:]
        lie.chunk_sizes.extend([4, 4])
        await team.stage(upload_id, put(lie))
        with refused("CHUNKS_MISSING"):
            await team.commit(upload_id)

    async def test_a_large_file_must_say_what_it_is_made_of(self, team: Team) -> None:
        upload_id = await team.begin()
        lie = pb.FileEntry(path="a", size_bytes=2 * MIB + 1, content_digest=digest(b"x"))
        with refused("FIELD_VIOLATION") as refusal:
            await team.stage(upload_id, put(lie))
        assert refusal.metadata == {"field": "chunk_digests"}

    async def test_a_file_cannot_have_a_chunk_over_2_mib_or_of_no_bytes(self, team: Team) -> None:
        upload_id = await team.begin()
        lie = pb.FileEntry(
            path="a",
            size_bytes=2 * MIB + 1,
            content_digest=digest(b"x"),
            chunk_digests=digest(b"y"),
            chunk_sizes=[2 * MIB + 1],
        )
        with refused("CHUNK_TOO_LARGE"):
            await team.stage(upload_id, put(lie))
        with refused("FIELD_VIOLATION"):
            await team.stage(upload_id, put(entry("a", b"one", b"")))

    @pytest.mark.parametrize("length", [0, 31, 33])
    async def test_a_content_digest_has_32_bytes(self, team: Team, length: int) -> None:
        upload_id = await team.begin()
        lie = pb.FileEntry(path="a", size_bytes=1, content_digest=bytes(length))
        with refused("FIELD_VIOLATION"):
            await team.stage(upload_id, put(lie))

    async def test_chunk_columns_must_agree(self, team: Team) -> None:
        upload_id = await team.begin()
        few_sizes, odd_digests, odd_recipes = (entry("a", b"one", b"two") for _ in range(3))
        few_sizes.chunk_sizes.pop()
        odd_digests.chunk_digests += b"x"
        odd_recipes.recipe_digests = b"x"
        for lie in (few_sizes, odd_digests, odd_recipes):
            with refused("FIELD_VIOLATION"):
                await team.stage(upload_id, put(lie))

    async def test_a_file_has_chunks_or_recipes_and_not_both(self, team: Team) -> None:
        upload_id = await team.begin()
        made = recipe(b"one", b"two")
        await team.send(upload_id, b"one", b"two", made)
        lie = entry("a", b"one", b"two")
        lie.recipe_digests = digest(made)
        with refused("FIELD_VIOLATION") as refusal:
            await team.stage(upload_id, put(lie))
        assert refusal.metadata == {"field": "recipe_digests"}

    @pytest.mark.parametrize(
        "not_a_recipe",
        [
            b"plain data",
            b"HYRC\x01",
            b"HYRC\x02" + bytes(36),
            b"HYRC\x01" + bytes(35),
            b"HYRC\x01" + b"d" * 32 + bytes(4),  # a chunk of no bytes
            b"HYRC\x01" + (b"d" * 32 + b"\1\0\0\0") * 32_769,  # one more than fit
        ],
    )
    async def test_a_chunk_that_is_no_recipe_makes_no_file(
        self, team: Team, not_a_recipe: bytes
    ) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, not_a_recipe)
        lie = pb.FileEntry(
            path="a",
            size_bytes=1,
            content_digest=digest(b"x"),
            recipe_digests=digest(not_a_recipe),
        )
        with refused("FIELD_VIOLATION"):
            await team.stage(upload_id, put(lie))

    async def test_a_recipe_comes_before_the_file_that_needs_it(self, team: Team) -> None:
        upload_id = await team.begin()
        made = recipe(b"one", b"two")
        lie = entry_of_recipes("a", [b"one", b"two"], [made])
        with refused("CHUNKS_MISSING") as refusal:
            await team.stage(upload_id, put(lie))
        assert refusal.metadata == {"count": "1", "digests": f"blake3:{digest(made).hex()}"}

    async def test_a_recipe_of_another_entity_is_missing(self, team: Team) -> None:
        """I10: neither a recipe nor what it lists crosses from one entity to another."""
        other = Team.new(team.server)
        made = recipe(b"one", b"two")
        theirs = await other.begin()
        await other.send(theirs, b"one", b"two", made)
        upload_id = await team.begin()
        stolen = entry_of_recipes("a", [b"one", b"two"], [made])
        with refused("CHUNKS_MISSING"):
            await team.stage(upload_id, put(stolen))
        await team.send(upload_id, made)
        staged = await team.stage(upload_id, put(stolen))
        assert staged.missing_digests == digest(b"one") + digest(b"two")

    async def test_the_size_of_a_file_in_recipes_is_checked(self, team: Team) -> None:
        upload_id = await team.begin()
        made = recipe(b"one", b"two")
        await team.send(upload_id, b"one", b"two", made)
        lie = entry_of_recipes("a", [b"one", b"two"], [made])
        lie.size_bytes = 7
        with refused("SIZE_MISMATCH"):
            await team.stage(upload_id, put(lie))

    async def test_what_was_verified_in_one_entity_says_nothing_in_another(
        self, team: Team
    ) -> None:
        other = Team.new(team.server)
        honest = await other.begin()
        await other.send(honest, b"one", b"two")
        await other.stage(honest, put(entry("a", b"one", b"two")))
        upload_id = await team.begin()
        staged = await team.stage(upload_id, put(entry("a", b"one", b"two")))
        assert len(staged.missing_digests) == 64
