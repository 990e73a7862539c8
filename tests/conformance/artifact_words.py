"""The artifact service through the wire: words, names, aliases; masks, etags and races."""

from __future__ import annotations

import asyncio

import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from tests.refusals import outcome_of, refused
from tests.teams import Team

MIB = 1 << 20


def change(ref: str, *paths: str) -> pb.UpdateVersionRequest:
    """Return a change of those words."""
    request = pb.UpdateVersionRequest(
        ref=ref, description="new", metadata_json='{"new": 1}', tags=["new"]
    )
    request.update_mask.paths.extend(paths)
    return request


class WordsContract:
    """Words may change, one at a time or together, and never what nobody asked to change."""

    # --- versions ---------------------------------------------------------------------------

    @pytest.mark.parametrize("field", ["description", "metadata_json", "tags"])
    async def test_a_mask_changes_what_it_names_and_nothing_else(
        self, team: Team, field: str
    ) -> None:
        before = await team.log({}, description="old", metadata_json='{"old": 1}', tags=["old"])
        after = (await team.stub.UpdateVersion(change(before.ref, field))).version
        for name in ("description", "metadata_json", "tags"):
            changed = getattr(after, name) != getattr(before, name)
            assert changed == (name == field), name
        assert after.etag != before.etag
        assert after.updated_at.ToMicroseconds() > before.updated_at.ToMicroseconds()
        assert after.created_at == before.created_at
        assert await team.version() == after

    async def test_words_may_be_emptied(self, team: Team) -> None:
        before = await team.log({}, description="old", metadata_json='{"old": 1}', tags=["old"])
        request = pb.UpdateVersionRequest(ref=before.ref)
        request.update_mask.paths.extend(["description", "metadata_json", "tags"])
        after = (await team.stub.UpdateVersion(request)).version
        assert (after.description, after.metadata_json, list(after.tags)) == ("", "{}", [])

    @pytest.mark.parametrize(
        "paths", [[], ["digest"], ["description", "aliases"], ["*"], [""], ["tags.0"]]
    )
    async def test_a_mask_that_is_wrong_changes_nothing(self, team: Team, paths: list[str]) -> None:
        before = await team.log({})
        with refused("FIELD_VIOLATION") as refusal:
            await team.stub.UpdateVersion(change(before.ref, *paths))
        assert refusal.metadata == {"field": "update_mask"}
        assert await team.version() == before

    async def test_an_etag_that_was_read_still_holds_or_the_change_is_refused(
        self, team: Team
    ) -> None:
        before = await team.log({})
        request = change(before.ref, "description")
        request.etag = before.etag
        after = (await team.stub.UpdateVersion(request)).version
        for etag in (before.etag, "garbage", "r0"):
            request.etag = etag
            with refused("ETAG_MISMATCH"):
                await team.stub.UpdateVersion(request)
            with refused("ETAG_MISMATCH"):
                await team.delete(":v0", etag=etag)
        await team.delete(":v0", etag=after.etag)

    async def test_of_many_changes_with_one_etag_exactly_one_wins(self, team: Team) -> None:
        before = await team.log({})
        request = change(before.ref, "description")
        request.etag = before.etag
        outcomes = await asyncio.gather(
            *(outcome_of(team.stub.UpdateVersion(request)) for _ in range(8))
        )
        assert sorted(outcomes) == ["", *["ETAG_MISMATCH"] * 7]

    async def test_words_are_checked_as_in_a_commit(self, team: Team) -> None:
        before = await team.log({})
        for field, value in (
            ("metadata_json", "[]"),
            ("metadata_json", "{" + " " * MIB + "}"),
            ("description", "x" * (MIB + 1)),
            ("description", "a\0b"),
        ):
            request = change(before.ref, field)
            setattr(request, field, value)
            with refused("FIELD_VIOLATION") as refusal:
                await team.stub.UpdateVersion(request)
            assert refusal.metadata == {"field": field}
        request = change(before.ref, "tags")
        request.tags.append("a/b")
        with refused("NAME_INVALID"):
            await team.stub.UpdateVersion(request)
        assert await team.version() == before

    async def test_the_largest_words_of_a_version_can_be_read_again(self, team: Team) -> None:
        document = '{"t": "' + "x" * (MIB - 9) + '"}'
        tags = [f"{at:03}" + "é" * 125 for at in range(100)]
        await team.log({}, metadata_json=document, tags=tags)
        request = change(team.ref(), "description")
        request.description = "é" * (MIB // 2)
        await team.stub.UpdateVersion(request)
        version = await team.version()
        assert (len(version.metadata_json), len(version.description)) == (MIB, MIB // 2)

    async def test_a_deleted_version_has_no_words_to_change(self, team: Team) -> None:
        before = await team.log({})
        await team.delete(":v0")
        with refused("VERSION_DELETED"):
            await team.stub.UpdateVersion(change(before.ref, "description"))

    # --- collections ------------------------------------------------------------------------

    async def update(
        self, team: Team, *paths: str, name: str = "", etag: str = ""
    ) -> types_pb2.Collection:
        request = pb.UpdateCollectionRequest(
            entity=team.name,
            project=team.project,
            collection=team.collection,
            name=name,
            description="new",
            tags=["b", "a", "b"],
            etag=etag,
        )
        request.update_mask.paths.extend(paths)
        return (await team.stub.UpdateCollection(request)).collection

    async def test_the_words_of_a_collection_change(self, team: Team) -> None:
        await team.log({})
        described = await self.update(team, "description")
        assert (described.description, list(described.tags)) == ("new", [])
        tagged = await self.update(team, "tags", etag=described.etag)
        assert (tagged.description, list(tagged.tags)) == ("new", ["a", "b"])
        assert tagged.updated_at.ToMicroseconds() > described.updated_at.ToMicroseconds()
        with refused("ETAG_MISMATCH"):
            await self.update(team, "tags", etag=described.etag)
        with refused("FIELD_VIOLATION"):
            await self.update(team, "version_count")
        with refused("FIELD_VIOLATION"):
            await self.update(team)

    async def test_a_rename_keeps_versions_aliases_and_words(self, team: Team) -> None:
        await team.log({"a": b"1"}, aliases=["best"])
        await self.update(team, "description")
        renamed = await self.update(team, "name", name="songs")
        assert (renamed.name, renamed.description) == ("songs", "new")
        assert (renamed.version_count, list(renamed.aliases)) == (1, ["best", "latest"])
        assert (await team.version(":best", collection="songs")).collection == "songs"
        found = await self.read(team)
        assert found == renamed, "the old name finds the collection that had it"

    async def read(self, team: Team) -> types_pb2.Collection:
        request = pb.GetCollectionRequest(
            entity=team.name, project=team.project, collection=team.collection
        )
        return (await team.stub.GetCollection(request)).collection

    async def test_a_name_that_is_taken_or_malformed_is_refused(self, team: Team) -> None:
        await team.log({})
        await team.log({}, collection="songs")
        with refused("RESOURCE_ALREADY_EXISTS"):
            await self.update(team, "name", name="songs")
        for name in ("", "a/b", "x" * 129):
            with refused("NAME_INVALID"):
                await self.update(team, "name", name=name)
        assert (await self.read(team)).name == "calls"

    async def test_a_rename_to_its_own_name_changes_nothing(self, team: Team) -> None:
        await team.log({})
        before = await self.read(team)
        assert await self.update(team, "name", name="calls") == before

    async def test_a_collection_may_go_there_and_back_again(self, team: Team) -> None:
        first = await team.log({"a": b"1"})
        await team.rename("songs")
        await team.rename("tunes")  # by its first name, which redirects
        for name in ("calls", "songs", "tunes"):
            version = await team.version(collection=name)
            assert (version.collection, version.digest) == ("tunes", first.digest)
        renamed = Team(team.server, team.name, collection="tunes")
        await renamed.rename("calls")
        assert (await team.version(collection="songs")).collection == "calls"

    async def test_a_name_given_up_may_be_taken_by_a_rename(self, team: Team) -> None:
        await team.log({"a": b"1"})
        await team.log({"a": b"2"}, collection="other")
        await team.rename("songs")
        other = Team(team.server, team.name, collection="other")
        await other.rename("calls")
        assert await team.contents() == {"a": b"2"}
        assert (await team.version(collection="songs")).size_bytes == 1
        assert await other.contents() == {"a": b"2"}

    async def test_deleting_a_collection_by_its_etag(self, team: Team) -> None:
        await team.log({"a": b"1"}, aliases=["best"])
        before = await self.read(team)
        await self.update(team, "description")
        with refused("ETAG_MISMATCH"):
            await team.delete_collection(etag=before.etag)
        assert await team.delete_collection(etag=(await self.read(team)).etag) == 1
        with refused("RESOURCE_NOT_FOUND"):
            await team.delete_collection()
        with refused("RESOURCE_NOT_FOUND"):
            await self.update(team, "description")

    async def test_a_deleted_collection_takes_its_redirects_with_it(self, team: Team) -> None:
        await team.log({"a": b"1"})
        await team.rename("songs")
        await Team(team.server, team.name, collection="songs").delete_collection()
        assert not await team.exists()

    # --- aliases ----------------------------------------------------------------------------

    async def three(self, team: Team) -> None:
        """Log three versions."""
        for at in range(3):
            await team.log({"a": bytes([at])})

    async def test_aliases_are_set_moved_and_removed(self, team: Team) -> None:
        await self.three(team)
        changes = (await team.point("best", "v0")).changes
        assert [(c.alias, c.version, c.previous_version) for c in changes] == [("best", "v0", "")]
        changes = (await team.point("best", "v2")).changes
        assert [(c.version, c.previous_version) for c in changes] == [("v2", "v0")]
        removal = pb.AliasOperation(alias="best", remove=True)
        changes = (await team.change_aliases(removal)).changes
        assert [(c.version, c.previous_version) for c in changes] == [("", "v2")]
        changes = (await team.change_aliases(removal)).changes
        assert [(c.version, c.previous_version) for c in changes] == [("", "")]

    async def test_all_operations_happen_or_none(self, team: Team) -> None:
        await self.three(team)
        await team.point("best", "v0")
        with refused("ALIAS_CONFLICT") as refusal:
            await team.change_aliases(
                pb.AliasOperation(alias="prod", set_version="v1"),
                pb.AliasOperation(alias="best", set_version="v1", expected_version="v2"),
            )
        assert refusal.metadata == {"alias": "best", "actual": "v0"}
        with refused("ALIAS_NOT_FOUND"):
            await team.version(":prod")
        with refused("RESOURCE_NOT_FOUND"):
            await team.change_aliases(
                pb.AliasOperation(alias="prod", set_version="v1"),
                pb.AliasOperation(alias="next", set_version="v9"),
            )
        with refused("ALIAS_NOT_FOUND"):
            await team.version(":prod")
        changed = await team.change_aliases(
            pb.AliasOperation(alias="prod", set_version="v1", expected_version=""),
            pb.AliasOperation(alias="best", remove=True, expected_version="v0"),
            pb.AliasOperation(alias="next", set_version="v2"),
        )
        assert [change.alias for change in changed.changes] == ["prod", "best", "next"]

    @pytest.mark.parametrize(
        ("expected", "actual"), [("v1", "v0"), ("", "v0"), ("v0", ""), ("v2", "")]
    )
    async def test_an_alias_that_is_elsewhere_than_expected_stays_there(
        self, team: Team, expected: str, actual: str
    ) -> None:
        await self.three(team)
        if actual:
            await team.point("best", actual)
        with refused("ALIAS_CONFLICT") as refusal:
            await team.point("best", "v2", expected=expected)
        assert refusal.metadata == {"alias": "best", "actual": actual}

    async def test_of_many_clients_that_expect_the_same_exactly_one_wins(self, team: Team) -> None:
        for at in range(16):
            await team.log({"a": bytes([at])})
        await team.point("prod", "v0")
        outcomes = await asyncio.gather(
            *(outcome_of(team.point("prod", f"v{at}", expected="v0")) for at in range(1, 16))
        )
        assert sorted(outcomes) == ["", *["ALIAS_CONFLICT"] * 14]
        winner = outcomes.index("") + 1
        assert (await team.version(":prod")).version == f"v{winner}"

    async def test_of_many_clients_that_set_a_new_alias_exactly_one_wins(self, team: Team) -> None:
        await self.three(team)
        outcomes = await asyncio.gather(
            *(outcome_of(team.point("new", f"v{at % 3}", expected="")) for at in range(12))
        )
        assert outcomes.count("") == 1

    async def test_names_that_are_kept_by_the_server_cannot_be_set(self, team: Team) -> None:
        await self.three(team)
        for alias in ("latest", "v0", "v7", "v007"):
            with refused("NAME_RESERVED"):
                await team.point(alias, "v0")
            with refused("NAME_RESERVED"):
                await team.change_aliases(pb.AliasOperation(alias=alias, remove=True))
        with refused("NAME_INVALID"):
            await team.point("a/b", "v0")

    async def test_operations_that_are_malformed_are_refused(self, team: Team) -> None:
        await self.three(team)
        for operations in (
            [],
            [pb.AliasOperation(alias="a")],
            [pb.AliasOperation(alias="a", remove=False)],
            [pb.AliasOperation(alias="a", set_version="")],
            [pb.AliasOperation(alias="a", set_version="latest")],
            [pb.AliasOperation(alias="a", set_version="v01")],
            [pb.AliasOperation(alias="a", set_version="v0", expected_version="0")],
            [pb.AliasOperation(alias="a", set_version="v0")] * 2,
            [pb.AliasOperation(alias=f"a{at}", set_version="v0") for at in range(101)],
        ):
            with refused("FIELD_VIOLATION"):
                await team.change_aliases(*operations)
        await team.change_aliases(
            *[pb.AliasOperation(alias=f"a{at}", set_version="v0") for at in range(100)]
        )

    async def test_a_deleted_version_gets_no_alias(self, team: Team) -> None:
        await self.three(team)
        await team.delete(":v1")
        with refused("VERSION_DELETED"):
            await team.point("best", "v1")

    async def test_aliases_of_a_renamed_collection_move_by_its_old_name(self, team: Team) -> None:
        await self.three(team)
        await team.rename("songs")
        await team.point("best", "v1")
        assert (await team.version(":best", collection="songs")).version == "v1"
        with refused("RESOURCE_NOT_FOUND"):
            await Team.new(team.server).point("best", "v1")
