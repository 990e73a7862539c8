"""The registry service through the wire: links, which point and copy nothing."""

from __future__ import annotations

import asyncio

import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import registry_pb2, types_pb2
from tests.conformance.artifact_rules import events_of, intervals_of
from tests.refusals import refused
from tests.shelves import Shelf, create_registry, links_of, registry_stub
from tests.teams import Team

FILES = {"a": b"1", "data/b": b"2" * 3_000}


class LinksContract:
    """A link is a version of a registered model, with the content of its source."""

    async def test_a_link_has_a_number_and_aliases_of_its_own(self, team: Team) -> None:
        await team.log({"a": b"0"})
        source = await team.log(FILES, aliases=["best"], tags=["gold"], description="what")
        link = await Shelf.of(team).link(team.ref(":best"), aliases=["staging"])
        assert link.ref == f"{team.name}/model-registry/Bird Calls:v0"
        assert (link.source_ref, source.version) == (team.ref(":v1"), "v1")
        assert list(link.aliases) == ["latest", "staging"]
        assert list((await team.version(":v1")).aliases) == ["best", "latest"]
        assert (link.digest, link.size_bytes, link.file_count) == (
            *(source.digest, source.size_bytes),
            source.file_count,
        )
        assert (link.description, list(link.tags), link.type) == ("what", ["gold"], "dataset")

    async def test_the_first_link_makes_the_registered_model(self, team: Team) -> None:
        await team.log(FILES)
        shelf = Shelf.of(team)
        assert not await shelf.team.exists()
        await shelf.link(team.ref())
        model = await shelf.model()
        assert (model.project, model.name, model.type) == (
            *("model-registry", "Bird Calls"),
            "dataset",
        )
        assert (model.version_count, model.latest_version) == (1, "v0")
        assert model.kind == types_pb2.COLLECTION_KIND_PORTFOLIO

    async def test_latest_follows_the_most_recent_link_and_not_the_newest_source(
        self, team: Team
    ) -> None:
        """C8, C9."""
        for content in (b"0", b"1", b"2"):
            await team.log({"a": content})
        shelf = Shelf.of(team)
        for number in (2, 0):
            await shelf.link(team.ref(f":v{number}"))
        assert (await shelf.team.version()).source_ref == team.ref(":v0")
        assert await shelf.team.numbers() == ["v1", "v0"]
        again = await shelf.ask_link(team.ref(":v2"))
        assert (again.created, again.version.version) == (False, "v0")
        assert (await shelf.team.version()).version == "v0"

    async def test_linking_twice_merges_the_aliases_and_changes_nothing_more(
        self, team: Team
    ) -> None:
        await team.log(FILES)
        shelf = Shelf.of(team)
        await shelf.link(team.ref(), aliases=["staging"])
        merged = await shelf.ask_link(team.ref(), aliases=["production"])
        assert not merged.created
        assert list(merged.version.aliases) == ["latest", "production", "staging"]
        before = await events_of(team)
        assert await shelf.ask_link(team.ref(), aliases=["production", "latest"]) == merged
        assert await events_of(team) == before

    async def test_a_link_of_a_link_points_to_the_source(self, team: Team) -> None:
        """C17."""
        await team.log(FILES)
        await Shelf.of(team).link(team.ref(), aliases=["staging"])
        other = Shelf.of(team, "Others")
        link = await other.link(Shelf.of(team).ref(":staging"))
        assert link.source_ref == team.ref(":v0")
        assert (await other.ask_link(team.ref())).created is False

    async def test_many_who_link_at_once_make_one_link(self, team: Team) -> None:
        await team.log(FILES)
        shelf = Shelf.of(team)
        answers = await asyncio.gather(*(shelf.ask_link(team.ref()) for _ in range(8)))
        assert sorted(answer.created for answer in answers) == [False] * 7 + [True]
        assert {answer.version.ref for answer in answers} == {shelf.ref(":v0")}

    async def test_what_is_linked_and_deleted_at_once_is_one_or_the_other(self, team: Team) -> None:
        for number in range(8):
            await team.log({"a": b"%d" % number})
        shelf = Shelf.of(team)
        await shelf.create("dataset")

        async def both(ref: str) -> list[bool]:
            delete = pb.DeleteVersionRequest(ref=ref)
            answers = await asyncio.gather(
                *(shelf.ask_link(ref), team.stub.DeleteVersion(delete)), return_exceptions=True
            )
            return [isinstance(answer, BaseException) for answer in answers]

        refs = [team.ref(f":v{number}") for number in range(8)]
        failed = await asyncio.gather(*(both(ref) for ref in refs))
        assert {tuple(sorted(pair)) for pair in failed} == {(False, True)}
        links = await team.stub.ListVersions(
            pb.ListVersionsRequest(
                entity=team.name, project="model-registry", collection="Bird Calls"
            )
        )
        live = {ref for ref, (not_linked, _) in zip(refs, failed, strict=True) if not not_linked}
        assert {link.source_ref for link in links.versions} == live

    async def test_an_error_names_some_of_many_links(self, team: Team) -> None:
        await team.log(FILES)
        for at in range(25):
            await Shelf.of(team, f"model {at:02}").link(team.ref())
        with refused("RESOURCE_IN_USE") as refusal:
            await team.delete(":v0")
        assert refusal.metadata["links"].count(", ") == 19

    async def test_links_are_found_from_their_source_in_pages(self, team: Team) -> None:
        await team.log(FILES)
        await create_registry(team, "registry-field")
        shelves = [Shelf.of(team, f"m{at}") for at in range(4)]
        shelves.append(Shelf.of(team, "m9", registry="registry-field"))
        made = [await shelf.link(team.ref()) for shelf in shelves]
        found = await links_of(team, team.ref(), order_by="created_at")
        assert [link.ref for link in found] == [link.ref for link in made]
        from_a_link = await links_of(team, made[0].ref, order_by="created_at")
        assert from_a_link == found
        assert [link.ref for link in await links_of(team, team.ref(), filter="name = m9")] == [
            made[-1].ref
        ]
        await shelves[0].unlink()
        assert len(await links_of(team, team.ref())) == 4
        assert len(await links_of(team, team.ref(), filter='state = "DELETED"')) == 1

    async def test_an_unlinked_link_leaves_its_source_and_its_number(self, team: Team) -> None:
        """C18."""
        for content in (b"0", b"1"):
            await team.log({"a": content})
        shelf = Shelf.of(team)
        await shelf.link(team.ref(":v0"))
        await shelf.link(team.ref(":v1"), aliases=["staging"])
        with refused("RESOURCE_IN_USE") as refusal:
            await shelf.unlink(":v1")
        assert refusal.metadata == {"aliases": "staging"}
        gone = await shelf.unlink(":v1", delete_aliases=True)
        assert (gone.state, list(gone.aliases)) == (2, [])
        assert (await shelf.team.version()).version == "v0"
        assert await team.contents(":v1") == {"a": b"1"}
        with refused("VERSION_DELETED"):
            await shelf.team.version(":v1")
        assert (await shelf.link(team.ref(":v1"))).version == "v2"

    async def test_deleting_through_a_link_unlinks_and_deletes_nothing(self, team: Team) -> None:
        await team.log(FILES)
        shelf = Shelf.of(team)
        await shelf.link(team.ref())
        await shelf.team.delete(":latest")
        assert await shelf.team.numbers() == []
        assert await team.contents() == FILES
        assert await shelf.team.delete_collection() == 0

    async def test_only_links_are_unlinked(self, team: Team) -> None:
        await team.log(FILES)
        with refused("FIELD_VIOLATION"):
            await Shelf(team).unlink(":v0")
        shelf = Shelf.of(team)
        link = await shelf.link(team.ref())
        with refused("ETAG_MISMATCH"):
            await shelf.unlink(etag="r99")
        await shelf.unlink(etag=link.etag)

    async def test_types_are_checked(self, team: Team) -> None:
        await team.log(FILES)
        await team.log(FILES, collection="weights", type_="model")
        shelf = Shelf.of(team)
        await shelf.link(team.ref())
        with refused("TYPE_MISMATCH") as refusal:
            await shelf.link(team.ref(collection="weights"))
        assert refusal.metadata["actual"] == "dataset"

    @pytest.mark.parametrize(
        ("suffix", "reason"),
        [
            (":nope", "ALIAS_NOT_FOUND"),
            (":v7", "RESOURCE_NOT_FOUND"),
            (":v0", "VERSION_DELETED"),
            ("/x", "FIELD_VIOLATION"),
        ],
    )
    async def test_what_is_not_there_is_not_linked(
        self, team: Team, suffix: str, reason: str
    ) -> None:
        await team.log({"a": b"0"})
        await team.log({"a": b"1"})
        await team.delete(":v0")
        before = await events_of(team)
        with refused(reason):
            await Shelf.of(team).link(team.ref(suffix))
        assert await events_of(team) == before
        assert not await Shelf.of(team).team.exists()

    async def test_what_is_malformed_is_refused(self, team: Team) -> None:
        await team.log(FILES)
        shelf = Shelf.of(team)
        for alias, reason in (("v3", "NAME_RESERVED"), ("a/b", "NAME_INVALID")):
            with refused(reason):
                await shelf.link(team.ref(), aliases=[alias])
        for registry in ("birds", "registry-", "wandb-registry-", "registry- x", ""):
            with refused("NAME_INVALID"):
                await Shelf.of(team, registry=registry).link(team.ref())
        with refused("RESOURCE_NOT_FOUND"):
            await Shelf.of(team, registry="registry-nope").link(team.ref())

    async def test_aliases_move_by_compare_and_set_and_keep_their_history(self, team: Team) -> None:
        for content in (b"0", b"1"):
            await team.log({"a": content})
        shelf = Shelf.of(team)
        await shelf.link(team.ref(":v0"), aliases=["production"])
        await shelf.link(team.ref(":v1"))
        with refused("ALIAS_CONFLICT"):
            await shelf.team.point("production", "v1", expected="v1")
        await shelf.team.point("production", "v1", expected="v0")
        with refused("NAME_RESERVED"):
            await shelf.team.point("v3", "v1")
        intervals = await intervals_of(shelf.team, "production")
        assert [interval.to_time_us is None for interval in intervals] == [False, True]

    async def test_linking_and_unlinking_are_history(self, team: Team) -> None:
        await team.log(FILES)
        before = len(await events_of(team))
        shelf = Shelf.of(team)
        await shelf.link(team.ref(), aliases=["staging"])
        await shelf.unlink(delete_aliases=True)
        events = (await events_of(team))[before:]
        assert [event.type.value for event in events] == [
            *("collection_created", "version_linked", "alias_set", "alias_set"),
            *("alias_removed", "alias_removed", "version_unlinked"),
        ]
        assert events[1].data["source"] == team.ref(":v0")

    async def test_a_page_token_is_good_for_its_source_only(self, team: Team) -> None:
        for content in (b"0", b"1"):
            await team.log({"a": content})
        for at in range(2):
            await Shelf.of(team, f"m{at}").link(team.ref(":v0"))
        stub = registry_stub(team.server)
        page = await stub.ListLinks(registry_pb2.ListLinksRequest(ref=team.ref(":v0"), page_size=1))
        assert page.source_ref == team.ref(":v0")
        with refused("PAGE_TOKEN_INVALID"):
            await stub.ListLinks(
                registry_pb2.ListLinksRequest(
                    ref=team.ref(":v1"), page_size=1, page_token=page.next_page_token
                )
            )
        with refused("FILTER_INVALID"):
            await links_of(team, team.ref(":v0"), filter="nope = 1")
