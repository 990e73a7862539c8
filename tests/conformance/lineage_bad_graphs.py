"""The lineage service through the wire: questions about nothing, and circles."""

from __future__ import annotations

from hydria.v1 import artifact_pb2
from hydria.v1 import lineage_pb2 as pb
from tests.conformance.lineage_impact import call, impact
from tests.conformance.lineage_provenance import provenance
from tests.graph_walks import a_pipeline, found, is_cut, walk
from tests.refusals import refused
from tests.run_teams import DOWN, UP, RunTeam, derived, logged, used
from tests.shelves import Shelf


class BadGraphsContract:
    """Every question refuses what is no node, ends in a circle, and sees one moment."""

    async def test_every_question_about_what_is_not_there_is_refused(self, runs: RunTeam) -> None:
        version = await runs.team.log({"a": b"1"})
        for unknown, reason in (
            ("v999999999", "RESOURCE_NOT_FOUND"),
            ("r999999999", "RESOURCE_NOT_FOUND"),
            (f"{runs.name}/birds/runs/none", "RESOURCE_NOT_FOUND"),
            (f"{runs.name}/none/calls:v0", "RESOURCE_NOT_FOUND"),
            (runs.team.ref(":v9"), "RESOURCE_NOT_FOUND"),
            (runs.team.ref(":best"), "ALIAS_NOT_FOUND"),
            (Shelf.of(runs.team).ref(":v0"), "RESOURCE_NOT_FOUND"),
            ("nonsense", "FIELD_VIOLATION"),
            ("a/b/c/d/e", "FIELD_VIOLATION"),
        ):
            for asked in (
                walk(runs, version.ref, unknown),
                walk(runs, unknown, shape=pb.LINEAGE_SHAPE_GROUPED),
                provenance(runs, unknown),
                impact(runs, unknown),
                runs.edges(unknown),
            ):
                with refused(reason):
                    await asked

    async def test_a_version_is_not_derived_from_itself_by_any_of_its_names(
        self, runs: RunTeam
    ) -> None:
        version = await runs.team.log({"a": b"1"}, aliases=["gold"])
        link = await Shelf.of(runs.team).link(version.ref)
        names = (version.ref, runs.team.ref(), runs.team.ref(":gold"), link.ref)
        for name in names:
            for from_name in names:
                with refused("LINEAGE_CYCLE"):
                    await runs.record(derived(name, from_name))
        assert await runs.others(version.ref) == []

    async def test_no_question_loops_where_used_and_logged_go_in_a_circle(
        self, runs: RunTeam
    ) -> None:
        first, second = await runs.run("first"), await runs.run("second")
        state = await runs.log(first, collection="state", content=b"1")
        other = await runs.log(second, collection="other", content=b"2")
        for ref in (first, second):
            await runs.record(used(ref, state.ref), used(ref, other.ref))
            await runs.record(logged(ref, state.ref), logged(ref, other.ref))
        await call(runs, other.ref, "best")
        everything = {state.ref, other.ref, first, second}
        for root in everything:
            for way in (UP, DOWN):
                page = await walk(runs, root, way=way, depth=100)
                assert set(found(page)) == everything
                assert len(page.edges) == 8
                assert not is_cut(page)
            affected = await impact(runs, root)
            assert [each.version.ref for each in affected.versions] == [other.ref]
            assert (affected.visited_count, affected.truncated) == (4, False)
            made = await provenance(runs, root)
            assert {step.run.ref for step in made.steps} == {first, second}
            assert not made.truncated

    async def test_pages_of_provenance_see_the_edges_of_one_moment(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        alias = refs["model1"].rpartition(":")[0] + ":best"
        await call(runs, refs["model1"], "best")
        whole = await provenance(runs, alias)
        pages = [await provenance(runs, alias, page_size=1)]
        late = await runs.team.log({"late": b"1"})
        await runs.use(refs["load"], late.ref)
        await runs.record(derived(refs["clean"], late.ref))
        await call(runs, refs["model2"], "best")
        while pages[-1].next_page_token:
            token = pages[-1].next_page_token
            pages.append(await provenance(runs, alias, page_size=1, page_token=token))
        assert [step for page in pages for step in page.steps] == list(whole.steps)
        assert [node for page in pages for node in page.sources] == list(whole.sources)
        again = await provenance(runs, refs["model1"])
        assert late.ref in {node.ref for step in again.steps for node in step.inputs}

    async def test_pages_go_on_after_the_root_was_deleted(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        await runs.log(refs["load"], collection="clean", content=b"newer")
        first = await walk(runs, refs["clean"], page_size=2)
        await runs.team.stub.DeleteVersion(artifact_pb2.DeleteVersionRequest(ref=refs["clean"]))
        token = first.next_page_token
        rest = await walk(runs, refs["clean"], page_size=1000, page_token=token)
        assert refs["eval"] in found(rest)
        assert rest.next_page_token == ""

    async def test_a_run_of_another_entity_gets_no_edges(
        self, runs: RunTeam, others: RunTeam
    ) -> None:
        ours, theirs = await runs.log(await runs.run()), await others.run()
        for edge in (used(theirs, ours.ref), logged(theirs, ours.ref)):
            with refused("FIELD_VIOLATION") as refusal:
                await runs.record(edge)
            assert refusal.metadata["index"] == "0"
            with refused("FIELD_VIOLATION"):
                await runs.record(logged(theirs, ours.ref), entity=others.name)
        assert await others.others(theirs) == []
