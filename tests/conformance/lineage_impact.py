"""The lineage service through the wire: what a version has an effect on."""

from __future__ import annotations

from hydria.v1 import artifact_pb2
from hydria.v1 import lineage_pb2 as pb
from tests.clocks import ManualClock
from tests.conformance.registry_deployments import Serving
from tests.graph_walks import a_pipeline, walk
from tests.refusals import refused
from tests.run_teams import RunTeam
from tests.shelves import Shelf


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


def served_by(impacted: pb.ImpactedVersion) -> list[tuple[str, str]]:
    """Return who serves a version, and what of it."""
    return [(each.name, each.version_ref) for each in impacted.deployments]


class ImpactContract:
    """Versions downstream that somebody asks for."""

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

    async def test_a_link_downstream_counts_with_its_own_aliases(
        self, runs: RunTeam, others: RunTeam
    ) -> None:
        refs = await a_pipeline(runs)
        net, theirs = Shelf.of(runs.team, "Net"), Shelf.of(others.team, "Borrowed")
        gone = Shelf.of(runs.team, "Gone")
        await gone.link(refs["model1"], aliases=["production"])
        first = await net.link(refs["model1"], aliases=["staging", "production"])
        second = await theirs.link(refs["model1"])
        await gone.unlink(":v0", delete_aliases=True)
        await gone.link(refs["model2"])
        await gone.unlink(":v1")

        (model,) = (await impact(runs, refs["raw"])).versions
        assert (model.version.ref, list(model.aliases)) == (refs["model1"], [])
        assert [(link.ref, list(link.aliases)) for link in model.links] == [
            (first.ref, ["production", "staging"]),
            (second.ref, []),
        ]
        assert not model.deployments
        assert not model.truncated

    async def test_who_serves_something_made_from_it_is_told(
        self, runs: RunTeam, clock: ManualClock
    ) -> None:
        refs = await a_pipeline(runs)
        net = Shelf.of(runs.team, "Net")
        link = await net.link(refs["model1"], aliases=["production"])
        lost, live = Serving(runs.team, "lost"), Serving(runs.team, "live")
        await lost.report(refs["model2"], lease_seconds=5)
        clock.advance(6)
        assert [each.version.ref for each in (await impact(runs, refs["raw"])).versions] == [
            refs["model1"]
        ]
        await live.report(refs["model2"], labels={"zone": "eu"})
        by_alias = await Serving(runs.team, "by alias").report(
            net.ref(":production"), alias="production"
        )
        ended = Serving(runs.team, "ended")
        await ended.report(refs["clean"])
        await ended.end()

        first, second = (await impact(runs, refs["raw"])).versions
        assert served_by(first) == [("by alias", link.ref)]
        assert first.deployments[0] == by_alias
        assert (served_by(second), second.version.ref) == (
            [("live", refs["model2"])],
            refs["model2"],
        )
        assert dict(second.deployments[0].labels) == {"zone": "eu"}
        assert not second.links
        await live.end()
        assert len((await impact(runs, refs["raw"])).versions) == 1

    async def test_impact_reaches_into_other_entities(
        self, runs: RunTeam, others: RunTeam, clock: ManualClock
    ) -> None:
        refs = await a_pipeline(runs)
        ref = await others.run()
        await others.use(ref, refs["model1"])
        made = await others.log(ref, collection="tuned", type_="model")
        await Serving(others.team).report(made.ref)
        (tuned,) = (await impact(runs, refs["raw"])).versions
        assert (tuned.version.ref, served_by(tuned)) == (made.ref, [("api", made.ref)])
        assert tuned.version.depth == 6

    async def test_a_link_is_asked_about_as_its_source(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        shelf = Shelf.of(runs.team, "Cleaned")
        await shelf.link(refs["clean"], aliases=["gold"])
        await call(runs, refs["model2"], "best")
        found = await impact(runs, shelf.ref(":gold"))
        assert found.node.ref == refs["clean"]
        assert [each.version.ref for each in found.versions] == [refs["clean"], refs["model2"]]
        assert found == await impact(runs, refs["clean"])

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

    async def test_pages_of_impact_have_each_its_links_and_servers(
        self, runs: RunTeam, clock: ManualClock
    ) -> None:
        refs = await a_pipeline(runs)
        await Shelf.of(runs.team, "Raw").link(refs["raw"])
        await Serving(runs.team).report(refs["clean"])
        await call(runs, refs["model2"], "best")
        pages = [await impact(runs, refs["raw"], page_size=1)]
        await call(runs, refs["raw"], "late")  # on a page that was read
        late = await runs.run("late")
        await runs.use(late, refs["raw"])
        made = await runs.log(late, collection="late")
        await call(runs, made.ref, "new")  # made since the first page
        while pages[-1].next_page_token:
            token = pages[-1].next_page_token
            pages.append(await impact(runs, refs["raw"], page_size=1, page_token=token))
        found = [each for page in pages for each in page.versions]
        assert [each.version.ref for each in found] == [
            refs[name] for name in ("raw", "clean", "model2")
        ]
        assert [len(each.links) for each in found] == [1, 0, 0]
        assert [len(each.deployments) for each in found] == [0, 1, 0]
        assert [list(each.aliases) for each in found] == [[], [], ["best"]]

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
