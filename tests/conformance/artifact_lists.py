"""The artifact service through the wire: lists, filtered, ordered and paged."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from tests.clocks import ManualClock
from tests.refusals import refused
from tests.teams import Team

GRPC_DEFAULT_BYTES = 4 << 20


async def fill(team: Team) -> None:
    """Log what filters look for."""
    await team.log({"a": b"1"}, aliases=["best"], tags=["gold", "clean"])
    await team.log({"a": b"22", "b": b""}, tags=["gold"])
    await team.log({"a": b"333"}, aliases=["prod"])
    await team.log({"x": b""}, collection="nets", type_="model", aliases=["best"])
    await team.log({"y": b""}, collection="a b", type_="model")
    request = pb.UpdateCollectionRequest(
        entity=team.name, project="birds", collection="nets", tags=["golden"]
    )
    request.update_mask.paths.append("tags")
    await team.stub.UpdateCollection(request)


class ListsContract:
    """Pages are stable, filters mean what they say, tokens belong to their request.

    `library` is a team whose project was filled by `fill`; tests only read it.
    """

    async def versions(
        self, team: Team, *, filter_: str = "", order_by: str = "", collection: str = "calls"
    ) -> list[str]:
        """Return what a list of versions says: `collection:vN` of each."""
        request = pb.ListVersionsRequest(
            entity=team.name,
            project=team.project,
            collection=collection,
            filter=filter_,
            order_by=order_by,
        )
        listed = await team.stub.ListVersions(request)
        return [f"{each.collection}:{each.version}" for each in listed.versions]

    async def collections(self, team: Team, *, filter_: str = "", order_by: str = "") -> list[str]:
        request = pb.ListCollectionsRequest(
            entity=team.name, project=team.project, filter=filter_, order_by=order_by
        )
        return [each.name for each in (await team.stub.ListCollections(request)).collections]

    # --- versions ---------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("filter_", "expected"),
        [
            ("", ["v2", "v1", "v0"]),
            ("tag:gold", ["v1", "v0"]),
            ('tag = "gold"', ["v1", "v0"]),
            ("tag != gold", ["v2"]),
            ("NOT tag:gold", ["v2"]),
            ("-tag:gold", ["v2"]),
            ("tag:gold tag:clean", ["v0"]),
            ("tag:gold AND tag:clean", ["v0"]),
            ("alias:best OR alias:prod", ["v2", "v0"]),
            ("alias:latest", ["v2"]),
            ("alias:*", ["v2", "v0"]),
            ("tag:g*", ["v1", "v0"]),
            ("alias:nothing", []),
            ("tag:gold AND alias:best OR alias:prod", ["v0"]),
            ("(tag:gold AND alias:best) OR alias:prod", ["v2", "v0"]),
            ("version >= 1", ["v2", "v1"]),
            ("version < 2 AND version > 0", ["v1"]),
            ("version = v1", ["v1"]),
            ("version != 1", ["v2", "v0"]),
            ("size_bytes > 2", ["v2"]),
            ("size_bytes <= 2", ["v1", "v0"]),
            ("file_count = 2", ["v1"]),
            ("name = calls", ["v2", "v1", "v0"]),
            ("name:other", []),
            ('type = "dataset"', ["v2", "v1", "v0"]),
            ("type:model", []),
            ("state = COMMITTED", ["v2", "v1", "v0"]),
            ("state = DELETED", []),
            ("created_at > 2027-01-01", ["v2", "v1", "v0"]),
            ('created_at > "2099-01-31T09:00:00Z"', []),
            ("updated_at < 2099-01-31T09:00:00+01:00", ["v2", "v1", "v0"]),
        ],
    )
    async def test_versions_are_filtered_by_every_field(
        self, library: Team, filter_: str, expected: list[str]
    ) -> None:
        found = await self.versions(library, filter_=filter_)
        assert found == [f"calls:{version}" for version in expected]

    async def test_versions_of_a_whole_project(self, library: Team) -> None:
        found = await self.versions(library, collection="")
        assert found == ["a b:v0", "nets:v0", "calls:v2", "calls:v1", "calls:v0"]
        models = await self.versions(library, collection="", filter_="type:model", order_by="name")
        assert models == ["a b:v0", "nets:v0"]
        best = await self.versions(
            library, collection="", filter_="alias:best", order_by="name desc"
        )
        assert best == ["nets:v0", "calls:v0"]

    @pytest.mark.parametrize(
        ("order_by", "expected"),
        [
            ("version", ["v0", "v1", "v2"]),
            ("version desc", ["v2", "v1", "v0"]),
            ("created_at", ["v0", "v1", "v2"]),
            ("created_at asc", ["v0", "v1", "v2"]),
            ("updated_at desc", ["v2", "v1", "v0"]),
            ("size_bytes", ["v0", "v1", "v2"]),
            ("file_count desc, size_bytes desc", ["v1", "v2", "v0"]),
            (" file_count  desc ,version ", ["v1", "v0", "v2"]),
        ],
    )
    async def test_versions_are_ordered(
        self, library: Team, order_by: str, expected: list[str]
    ) -> None:
        found = await self.versions(library, order_by=order_by)
        assert found == [f"calls:{version}" for version in expected]

    async def test_deleted_versions_are_listed_only_where_the_filter_names_the_state(
        self, team: Team
    ) -> None:
        await fill(team)
        await team.delete(":v1")
        assert await self.versions(team) == ["calls:v2", "calls:v0"]
        assert await self.versions(team, filter_="state = DELETED") == ["calls:v1"]
        either = await self.versions(team, filter_="state:DELETED OR state:COMMITTED")
        assert either == ["calls:v2", "calls:v1", "calls:v0"]
        assert await self.versions(team, filter_="NOT state = COMMITTED") == ["calls:v1"]
        assert await self.versions(team, filter_="version >= 1") == ["calls:v2"]

    async def test_a_renamed_collection_is_listed_under_both_names(self, team: Team) -> None:
        await fill(team)
        await team.rename("songs")
        for name in ("calls", "songs"):
            found = await self.versions(team, collection=name)
            assert found == ["songs:v2", "songs:v1", "songs:v0"]

    # --- pages ------------------------------------------------------------------------------

    async def pages(self, team: Team, request: pb.ListVersionsRequest) -> list[list[str]]:
        """Return the versions of each page; a new one is logged between any two of them."""
        pages: list[list[str]] = []
        while True:
            page = await team.stub.ListVersions(request)
            pages.append([each.version for each in page.versions])
            if not page.next_page_token:
                return pages
            request.page_token = page.next_page_token
            await team.log({"between": str(len(pages)).encode()})

    @pytest.mark.parametrize("order_by", ["", "version desc", "size_bytes desc, version desc"])
    async def test_pages_are_stable_while_versions_come(self, team: Team, order_by: str) -> None:
        for at in range(7):
            await team.log({"a": bytes([at]) * 50})
        request = pb.ListVersionsRequest(
            entity=team.name, project="birds", collection="calls", page_size=3, order_by=order_by
        )
        pages = await self.pages(team, request)
        found = [version for page in pages for version in page]
        assert [version for version in found if int(version[1:]) < 7] == [
            f"v{at}" for at in reversed(range(7))
        ]
        assert len(found) == len(set(found))

    async def test_pages_upward_see_what_is_logged_meanwhile(self, team: Team) -> None:
        for at in range(4):
            await team.log({"a": bytes([at])})
        request = pb.ListVersionsRequest(
            entity=team.name, project="birds", collection="calls", page_size=3, order_by="version"
        )
        assert await self.pages(team, request) == [["v0", "v1", "v2"], ["v3", "v4"]]

    async def test_rows_that_are_equal_in_the_order_are_paged_without_loss(
        self, team: Team
    ) -> None:
        for at in range(7):
            await team.log({"a": bytes([at])})
        request = pb.ListVersionsRequest(
            entity=team.name,
            project="birds",
            collection="calls",
            page_size=2,
            order_by="size_bytes",
        )
        found: list[str] = []
        while True:
            page = await team.stub.ListVersions(request)
            found += [each.version for each in page.versions]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        assert found == [f"v{at}" for at in range(7)]

    async def test_a_page_has_as_many_rows_as_fit_into_a_message(self, team: Team) -> None:
        """However large their words: here 10 MiB of words in eight versions."""
        large = '{"text": "' + "x" * 600_000 + '"}'
        tags = [f"{at:03}" + "t" * 125 for at in range(100)]
        for at in range(8):
            await team.log({"a": bytes([at])}, metadata_json=large, description=large, tags=tags)
        request = pb.ListVersionsRequest(
            entity=team.name, project="birds", collection="calls", page_size=1000
        )
        found: list[str] = []
        while True:
            page = await team.stub.ListVersions(request)
            assert page.ByteSize() < GRPC_DEFAULT_BYTES
            found += [each.version for each in page.versions]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        assert found == [f"v{at}" for at in reversed(range(8))]

    async def test_a_token_is_good_only_with_the_request_it_was_made_for(
        self, library: Team
    ) -> None:
        base = pb.ListVersionsRequest(
            entity=library.name, project="birds", collection="calls", page_size=1
        )
        token = (await library.stub.ListVersions(base)).next_page_token
        assert token
        for changed in (
            {"filter": "tag:gold"},
            {"order_by": "version"},
            {"collection": "nets"},
            {"collection": ""},
            {"page_token": token[:-4]},
            {"page_token": token + "AAAA"},
            {"page_token": "%%%"},
            {"page_token": "é"},
            {"page_token": "WyJ4Il0="},
        ):
            request = pb.ListVersionsRequest()
            request.CopyFrom(base)
            request.page_token = token
            for name, value in changed.items():
                setattr(request, name, value)
            with refused("PAGE_TOKEN_INVALID"):
                await library.stub.ListVersions(request)
        base.page_token = token
        base.page_size = 2
        assert len((await library.stub.ListVersions(base)).versions) == 2

    async def test_a_token_of_one_list_is_not_good_for_another(self, library: Team) -> None:
        collections = await library.stub.ListCollections(
            pb.ListCollectionsRequest(entity=library.name, project="birds", page_size=1)
        )
        with refused("PAGE_TOKEN_INVALID"):
            await library.stub.ListTypes(
                pb.ListTypesRequest(
                    entity=library.name, project="birds", page_token=collections.next_page_token
                )
            )

    async def test_a_negative_page_size_is_refused(self, library: Team) -> None:
        for call in (
            library.stub.ListVersions(
                pb.ListVersionsRequest(entity=library.name, project="birds", page_size=-1)
            ),
            library.stub.ListCollections(
                pb.ListCollectionsRequest(entity=library.name, project="birds", page_size=-1)
            ),
            library.stub.ListTypes(
                pb.ListTypesRequest(entity=library.name, project="birds", page_size=-1)
            ),
            library.stub.ListProjects(pb.ListProjectsRequest(entity=library.name, page_size=-1)),
        ):
            with refused("FIELD_VIOLATION") as refusal:
                await call
            assert refusal.metadata == {"field": "page_size"}

    # --- filters that are wrong -------------------------------------------------------------

    @pytest.mark.parametrize(
        ("filter_", "column"),
        [
            ("tag:", 5),
            ("colour = red", 1),
            ("tag:gold AND colour = red", 14),
            ("tag:gold AND", 13),
            ("(tag:gold", 10),
            ("tag:gold)", 9),
            ("version > high", 11),
            ("created_at > yesterday", 14),
            ("name > a", 6),
            ("tag < gold", 5),
            ("=", 1),
            ("gold", 5),
            ('tag:"gold', 5),
            ("AND tag:gold", 1),
        ],
    )
    async def test_a_filter_that_is_wrong_says_where(
        self, library: Team, filter_: str, column: int
    ) -> None:
        with refused("FILTER_INVALID") as refusal:
            await self.versions(library, filter_=filter_)
        assert refusal.metadata == {"column": str(column)}

    @pytest.mark.parametrize(
        "filter_",
        ["(" * 2000 + "tag:x" + ")" * 2000, "NOT " * 1000 + "tag:x", "tag:x " * 1000, "x" * 5000],
    )
    async def test_a_filter_that_is_too_much_is_refused(self, library: Team, filter_: str) -> None:
        with refused("FILTER_INVALID"):
            await self.versions(library, filter_=filter_)

    @pytest.mark.parametrize(
        "filter_", ["tag:gold " * 450, " OR ".join(["tag:gold"] * 340), "-tag:x " * 580]
    )
    async def test_a_filter_that_just_fits_is_answered(self, library: Team, filter_: str) -> None:
        assert "calls:v1" in await self.versions(library, filter_=filter_)

    @pytest.mark.parametrize(
        "order_by",
        ["colour", "tag", "alias", "name descending", "name,", ",", "name, name", "state"],
    )
    async def test_an_order_that_is_wrong_is_refused(self, library: Team, order_by: str) -> None:
        with refused("FILTER_INVALID") as refusal:
            await self.versions(library, order_by=order_by)
        assert "column" in refusal.metadata

    # --- collections, types, projects -------------------------------------------------------

    @pytest.mark.parametrize(
        ("filter_", "expected"),
        [
            ("", ["a b", "calls", "nets"]),
            ('name = "a b"', ["a b"]),
            ('name:"* b"', ["a b"]),
            ("type = model", ["a b", "nets"]),
            ("type != model", ["calls"]),
            ("alias:best", ["calls", "nets"]),
            ("alias:prod", ["calls"]),
            ("tag:golden", ["nets"]),
            ("created_at > 2027-01-01 AND NOT type:model", ["calls"]),
            ("updated_at < 2027-01-01", []),
        ],
    )
    async def test_collections_are_filtered_by_every_field(
        self, library: Team, filter_: str, expected: list[str]
    ) -> None:
        assert await self.collections(library, filter_=filter_) == expected

    @pytest.mark.parametrize(
        ("order_by", "expected"),
        [
            ("name desc", ["nets", "calls", "a b"]),
            ("type, name desc", ["calls", "nets", "a b"]),
            ("created_at", ["calls", "nets", "a b"]),
            ("updated_at desc", ["nets", "a b", "calls"]),
        ],
    )
    async def test_collections_are_ordered(
        self, library: Team, order_by: str, expected: list[str]
    ) -> None:
        assert await self.collections(library, order_by=order_by) == expected

    async def test_a_collection_says_what_it_is(self, team: Team) -> None:
        await fill(team)
        await team.delete(":v1")
        request = pb.GetCollectionRequest(entity=team.name, project="birds", collection="calls")
        collection = (await team.stub.GetCollection(request)).collection
        assert (collection.name, collection.type) == ("calls", "dataset")
        assert (collection.version_count, collection.latest_version) == (2, "v2")
        assert list(collection.aliases) == ["best", "latest", "prod"]
        listed = await team.stub.ListCollections(
            pb.ListCollectionsRequest(entity=team.name, project="birds", filter="name=calls")
        )
        assert list(listed.collections) == [collection]

    async def test_types_in_use(self, team: Team) -> None:
        await fill(team)
        request = pb.ListTypesRequest(entity=team.name, project="birds")
        types = (await team.stub.ListTypes(request)).types
        assert [(each.name, each.collection_count) for each in types] == [
            ("dataset", 1),
            ("model", 2),
        ]
        request.filter, request.order_by = "name:m*", "created_at desc"
        assert [each.name for each in (await team.stub.ListTypes(request)).types] == ["model"]
        await team.delete_collection()
        request.filter = ""
        assert [each.name for each in (await team.stub.ListTypes(request)).types] == ["model"]

    async def test_projects_of_an_entity(self, team: Team) -> None:
        await fill(team)
        await Team(team.server, team.name, project="bats").log({})
        request = pb.ListProjectsRequest(entity=team.name)
        projects = (await team.stub.ListProjects(request)).projects
        assert [(each.name, each.collection_count) for each in projects] == [
            ("bats", 1),
            ("birds", 3),
        ]
        assert {each.entity for each in projects} == {team.name}
        request.order_by = "created_at"
        assert [each.name for each in (await team.stub.ListProjects(request)).projects] == [
            "birds",
            "bats",
        ]
        request.filter = "name:*ds"
        assert [each.name for each in (await team.stub.ListProjects(request)).projects] == ["birds"]

    async def test_every_list_is_paged(self, team: Team) -> None:
        await fill(team)
        await Team(team.server, team.name, project="bats").log({})
        collections = pb.ListCollectionsRequest(entity=team.name, project="birds", page_size=1)
        types = pb.ListTypesRequest(entity=team.name, project="birds", page_size=1)
        projects = pb.ListProjectsRequest(entity=team.name, page_size=1)
        found: dict[str, list[str]] = {"collections": [], "types": [], "projects": []}
        for _ in range(3):
            page = await team.stub.ListCollections(collections)
            found["collections"] += [each.name for each in page.collections]
            collections.page_token = page.next_page_token
        for _ in range(2):
            of_types = await team.stub.ListTypes(types)
            found["types"] += [each.name for each in of_types.types]
            types.page_token = of_types.next_page_token
            of_projects = await team.stub.ListProjects(projects)
            found["projects"] += [each.name for each in of_projects.projects]
            projects.page_token = of_projects.next_page_token
        assert found == {
            "collections": ["a b", "calls", "nets"],
            "types": ["dataset", "model"],
            "projects": ["bats", "birds"],
        }
        assert {collections.page_token, types.page_token, projects.page_token} == {""}

    async def test_what_nobody_has_used_yet(self, team: Team) -> None:
        listed = await team.stub.ListProjects(pb.ListProjectsRequest(entity=team.name))
        assert not listed.projects
        for call in (
            team.stub.ListCollections(pb.ListCollectionsRequest(entity=team.name, project="birds")),
            team.stub.ListTypes(pb.ListTypesRequest(entity=team.name, project="birds")),
            team.stub.ListVersions(pb.ListVersionsRequest(entity=team.name, project="birds")),
            team.stub.ListVersions(
                pb.ListVersionsRequest(entity=team.name, project="birds", collection="calls")
            ),
        ):
            with refused("RESOURCE_NOT_FOUND"):
                await call

    @pytest.mark.parametrize("names", [("", "birds", "calls"), ("a/b", "birds", ""), ("e", "", "")])
    async def test_malformed_names_are_told_as_such(self, team: Team, names: Sequence[str]) -> None:
        entity, project, collection = names
        with refused("NAME_INVALID"):
            await team.stub.ListVersions(
                pb.ListVersionsRequest(entity=entity, project=project, collection=collection)
            )
        with refused("NAME_INVALID"):
            await team.stub.ListVersions(
                pb.ListVersionsRequest(entity=team.name, project="birds", collection="a:b")
            )

    async def test_a_deleted_version_is_remembered_by_name_digest_and_times(
        self, team: Team, clock: ManualClock
    ) -> None:
        made = await team.log(
            {"a": b"1"}, description="secret", tags=["t"], metadata_json='{"k":1}'
        )
        await team.delete(":v0")
        request = pb.ListVersionsRequest(
            entity=team.name, project="birds", collection="calls", filter="state=DELETED"
        )
        (version,) = (await team.stub.ListVersions(request)).versions
        assert version.state == types_pb2.VERSION_STATE_DELETED
        assert (version.ref, version.digest) == (made.ref, made.digest)
        assert version.created_at == made.created_at
        assert not version.aliases
