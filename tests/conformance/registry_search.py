"""The registry service through the wire: searches over all of an entity."""

from __future__ import annotations

import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import registry_pb2, types_pb2
from tests.refusals import refused
from tests.shelves import Shelf, create_registry, registry_stub
from tests.teams import Team

BOTH = types_pb2.COLLECTION_KIND_UNSPECIFIED
SEQUENCES = types_pb2.COLLECTION_KIND_SEQUENCE
PORTFOLIOS = types_pb2.COLLECTION_KIND_PORTFOLIO


async def fill(team: Team) -> None:
    """Log models and a dataset with metadata, in two projects, and link one of them."""
    for at, rate in enumerate((0.1, 0.01, 0.001)):
        metadata = f'{{"val": {{"acc": 0.{7 + at}}}, "rate": {rate}, "labels": ["a", "b{at}"]}}'
        await team.log(
            {"w": b"%d" % at * (at + 1)},
            collection="net",
            type_="model",
            metadata_json=metadata,
            tags=["gold"] if at == 1 else [],
        )
    audio = Team(team.server, team.name, project="audio")
    await audio.log({"s": b"sound"}, collection="calls", metadata_json='{"two words": {"a.b": 1}}')
    shelf = Shelf.of(team, "Net")
    await shelf.link(f"{team.name}/birds/net:v1", aliases=["staging"])


class SearchContract:
    """What is found is what the filter says, in all projects and registries of one entity."""

    async def found(
        self,
        team: Team,
        filter_: str = "",
        *,
        project: str = "",
        collection: str = "",
        order_by: str = "",
        kind: types_pb2.CollectionKind.ValueType = BOTH,
    ) -> list[str]:
        """Return the refs of what a search finds, page by page, without the entity."""
        refs: list[str] = []
        request = registry_pb2.SearchVersionsRequest(
            entity=team.name,
            project=project,
            collection=collection,
            filter=filter_,
            order_by=order_by,
            kind=kind,
            page_size=2,
        )
        while True:
            page = await registry_stub(team.server).SearchVersions(request)
            refs += [version.ref.partition("/")[2] for version in page.versions]
            request.page_token = page.next_page_token
            if not request.page_token:
                return refs

    async def found_collections(
        self, team: Team, filter_: str = "", *, kind: types_pb2.CollectionKind.ValueType = BOTH
    ) -> list[str]:
        request = registry_pb2.SearchCollectionsRequest(entity=team.name, filter=filter_, kind=kind)
        page = await registry_stub(team.server).SearchCollections(request)
        return [each.name for each in page.collections]

    async def test_versions_and_links_are_found_by_what_they_are(self, team: Team) -> None:
        await fill(team)
        versions = ["audio/calls:v0", "birds/net:v2", "birds/net:v1", "birds/net:v0"]
        link = "model-registry/Net:v0"
        assert await self.found(team) == [link, *versions]
        assert await self.found(team, kind=SEQUENCES) == versions
        assert await self.found(team, kind=PORTFOLIOS) == [link]
        for filter_, expected in {
            "type = model AND kind:x": None,
            "metadata.val.acc >= 0.8": [link, *versions[1:3]],
            "metadata.val.acc >= 0.8 AND metadata.rate = 1e-3": [versions[1]],
            "metadata.labels:a": [link, *versions[1:]],
            "metadata.labels:(b0 OR b2)": [versions[1], versions[3]],
            'metadata."two words"."a.b" = 1': [versions[0]],
            "NOT metadata.val:*": [versions[0]],
            "metadata.rate != (0.1 OR 0.01)": [versions[0], versions[1]],
            'metadata.labels = "b*" tag:gold': [link, versions[2]],
            "alias:staging": [link],
            "project = audio OR size_bytes = 3": [versions[0], versions[1]],
            "state = DELETED": [],
            'name = "Net"': [link],
        }.items():
            if expected is None:
                with refused("FILTER_INVALID"):
                    await self.found(team, filter_)
            else:
                assert await self.found(team, filter_) == expected, filter_

    async def test_a_search_may_keep_to_a_project_or_a_collection(self, team: Team) -> None:
        await fill(team)
        assert await self.found(team, project="audio") == ["audio/calls:v0"]
        assert await self.found(team, project="model-registry") == ["model-registry/Net:v0"]
        net = await self.found(team, "metadata.val.acc > 0.75", project="birds", collection="net")
        assert net == ["birds/net:v2", "birds/net:v1"]
        assert await self.found(team, project="birds", kind=PORTFOLIOS) == []
        with refused("RESOURCE_NOT_FOUND"):
            await self.found(team, project="nowhere")
        with refused("RESOURCE_NOT_FOUND"):
            await self.found(team, project="birds", collection="nothing")
        with refused("FIELD_VIOLATION"):
            await self.found(team, collection="net")

    async def test_what_is_found_is_ordered_by_metadata(self, team: Team) -> None:
        await fill(team)
        net = ["birds/net:v0", "birds/net:v1", "birds/net:v2"]
        by_accuracy = await self.found(team, order_by="metadata.val.acc, name", kind=SEQUENCES)
        assert by_accuracy == [*net, "audio/calls:v0"]
        best = await self.found(team, order_by="metadata.val.acc desc", kind=SEQUENCES)
        assert best == [*net[::-1], "audio/calls:v0"]
        by_project = await self.found(team, order_by="project, version desc")
        assert by_project == ["audio/calls:v0", *net[::-1], "model-registry/Net:v0"]

    async def test_list_versions_takes_the_same_filters_and_orders(self, team: Team) -> None:
        await fill(team)
        listed = await team.stub.ListVersions(
            pb.ListVersionsRequest(
                entity=team.name,
                project="birds",
                collection="net",
                filter="metadata.val.acc > 0.75",
                order_by="metadata.rate",
            )
        )
        assert [version.version for version in listed.versions] == ["v2", "v1"]

    async def test_changed_metadata_is_found_and_deleted_versions_are_not(self, team: Team) -> None:
        await fill(team)
        request = pb.UpdateVersionRequest(
            ref=f"{team.name}/birds/net:v1", metadata_json='{"val": {"acc": 0.99}}'
        )
        request.update_mask.paths.append("metadata_json")
        await team.stub.UpdateVersion(request)
        both = ["model-registry/Net:v0", "birds/net:v1"]
        assert await self.found(team, "metadata.val.acc > 0.95") == both
        assert await self.found(team, "metadata.labels:b1") == []
        await team.stub.DeleteVersion(pb.DeleteVersionRequest(ref=request.ref, force=True))
        assert await self.found(team, "metadata.val.acc > 0.95") == []
        gone = await self.found(team, "metadata.val.acc > 0.95 AND state = DELETED")
        assert set(gone) == set(both)

    async def test_nothing_of_another_entity_is_found(self, team: Team) -> None:
        await fill(team)
        other = Team.new(team.server)
        assert await self.found(other) == []
        await other.log({"a": b"1"}, metadata_json='{"val": {"acc": 1}}')
        assert await self.found(other, "metadata.val.acc > 0") == ["birds/calls:v0"]
        assert "birds/calls:v0" not in await self.found(team, "metadata.val.acc > 0")

    async def test_collections_and_registered_models_are_found(self, team: Team) -> None:
        await fill(team)
        await Shelf.of(team, "Whale").create()
        assert await self.found_collections(team) == ["Net", "Whale", "calls", "net"]
        assert await self.found_collections(team, kind=SEQUENCES) == ["calls", "net"]
        assert await self.found_collections(team, kind=PORTFOLIOS) == ["Net", "Whale"]
        assert await self.found_collections(team, "alias:staging") == ["Net"]
        assert await self.found_collections(team, 'description:"*card*"') == ["Whale"]
        assert await self.found_collections(team, "project:audio OR tag:audio") == [
            "Whale",
            "calls",
        ]

    async def test_registries_are_found(self, team: Team) -> None:
        await create_registry(team, "registry-field", types=["model"])
        request = registry_pb2.ListRegistriesRequest(
            entity=team.name, filter='type:model AND name:"registry-*"'
        )
        found = (await registry_stub(team.server).ListRegistries(request)).registries
        assert [registry.name for registry in found] == ["registry-field"]

    @pytest.mark.parametrize(
        ("filter_", "column"),
        [
            ("metadata = 1", 9),
            ("metadata. = 1", 1),
            ("tag:a AND metadata.a", 21),
            ("metadata.a >", 13),
            ("metadata.a = (1 OR", 19),
            ("metadata.a = (1 AND 2)", 17),
            ('metadata."a = 1', 1),
            ("other.a = 1", 1),
            (f"metadata.a = {'x' * 1030}", 14),
            (f"metadata.{'x' * 1030} = 1", 1),
            (f'metadata.a = "{"x" * 1030}*"', 14),
        ],
    )
    async def test_a_filter_by_metadata_that_is_wrong_says_where(
        self, team: Team, filter_: str, column: int
    ) -> None:
        with refused("FILTER_INVALID") as refusal:
            await self.found(team, filter_)
        assert refusal.metadata == {"column": str(column)}

    async def test_tokens_are_good_for_their_search_only(self, team: Team) -> None:
        await fill(team)
        stub = registry_stub(team.server)
        request = registry_pb2.SearchVersionsRequest(
            entity=team.name, page_size=1, order_by="metadata.rate"
        )
        request.page_token = (await stub.SearchVersions(request)).next_page_token
        assert len((await stub.SearchVersions(request)).versions) == 1
        for changed in ({"filter": "tag:x"}, {"kind": PORTFOLIOS}, {"page_token": "WyJ4Il0="}):
            other = registry_pb2.SearchVersionsRequest()
            other.CopyFrom(request)
            for name, value in changed.items():
                setattr(other, name, value)
            with refused("PAGE_TOKEN_INVALID"):
                await stub.SearchVersions(other)
