"""The lineage service through the wire: what a version has an effect on."""

from __future__ import annotations

from hydria.v1 import artifact_pb2
from hydria.v1 import lineage_pb2 as pb
from tests.graph_walks import a_pipeline, walk
from tests.refusals import refused
from tests.run_teams import RunTeam


async def impact(
    runs: RunTeam, node: str, *, budget: int = 0, page_size: int = 0, page_token: str = ""
) -> pb.GetImpactResponse:
    """Return a page of the impact of a node."""
    return await runs.stub.GetImpact(
        pb.GetImpactRequest(node=node, max_nodes=budget, page_size=page_size, page_token=page_token)
    )


async def call(runs: RunTeam, ref: str, *aliases: str) -> None:
    """Give aliases to a version."""
    collection, _, number = ref.rpartition("/")[2].partition(":v")
    await runs.team.stub.UpdateAliases(
        artifact_pb2.UpdateAliasesRequest(
            entity=runs.name,
            project="birds",
            collection=collection,
            operations=[
                artifact_pb2.AliasOperation(alias=alias, set_version=f"v{number}")
                for alias in aliases
            ],
        )
    )


class ImpactContract:
    """Versions downstream that somebody has given a name to."""

    async def test_impact_is_what_has_an_alias_downstream(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        await call(runs, refs["model1"], "staging", "best")
        await call(runs, refs["raw"], "gold")
        found = await impact(runs, refs["clean"])
        (model,) = found.versions
        assert (model.version.ref, list(model.aliases)) == (refs["model1"], ["best", "staging"])
        assert model.version.depth == 2
        ids = {node.ref: node.id for node in (await walk(runs, refs["clean"])).nodes}
        assert list(model.path_ids) == [ids[refs[name]] for name in ("clean", "train1", "model1")]
        assert (found.node.ref, found.visited_count) == (refs["clean"], 6)
        assert not found.truncated

    async def test_what_is_asked_for_is_part_of_its_own_impact(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        await call(runs, refs["raw"], "gold")
        (raw,) = (await impact(runs, refs["raw"])).versions
        assert (raw.version.ref, raw.version.depth, len(raw.path_ids)) == (refs["raw"], 0, 1)
        assert not (await impact(runs, refs["train1"])).versions

    async def test_impact_comes_in_pages_nearest_first(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        for name in ("raw", "clean", "model1", "model2"):
            await call(runs, refs[name], f"the-{name}")
        page = await impact(runs, refs["raw"], page_size=3)
        rest = await impact(runs, refs["raw"], page_size=3, page_token=page.next_page_token)
        assert [each.version.ref for each in (*page.versions, *rest.versions)] == [
            refs[name] for name in ("raw", "clean", "model1", "model2")
        ]
        assert rest.next_page_token == ""
        with refused("PAGE_TOKEN_INVALID"):
            await impact(runs, refs["clean"], page_token=page.next_page_token)

    async def test_impact_beyond_its_budget_says_so(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        await call(runs, refs["model1"], "best")
        found = await impact(runs, refs["raw"], budget=2)
        assert (found.truncated, found.visited_count, len(found.versions)) == (True, 2, 0)
        with refused("FIELD_VIOLATION") as refusal:
            await impact(runs, refs["raw"], budget=10_001)
        assert refusal.metadata["field"] == "max_nodes"
        with refused("RESOURCE_NOT_FOUND"):
            await impact(runs, "v999999999")
