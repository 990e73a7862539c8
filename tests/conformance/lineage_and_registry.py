"""The lineage service beside the registry service, through the wire: links, and the history."""

from __future__ import annotations

from hydria.v1 import registry_pb2
from tests.conformance.registry_events import data_of, history
from tests.refusals import refused
from tests.run_teams import DERIVED, DOWN, LOGGED, UP, RunTeam, derived, logged, used
from tests.shelves import Shelf
from tests.watchers import told

LINEAGE = (
    "run_created", "run_resumed", "run_updated", "run_finished",
    "version_used", "version_logged", "version_derived",
)  # fmt: skip


class LineageOfLinksContract:
    """A link stands for its source: edges go there."""

    async def test_a_run_that_uses_a_link_uses_its_source(self, runs: RunTeam) -> None:
        source = await runs.team.log({"a": b"1"})
        shelf = Shelf.of(runs.team)
        link = await shelf.link(source.ref, aliases=["production"])
        ref = await runs.run()

        answer = await runs.use(ref, shelf.ref(":production"))
        assert (answer.version.ref, answer.version.source_ref) == (link.ref, source.ref)
        (edge,) = (await runs.edges(ref)).neighbours
        assert (edge.node.ref, edge.edge.recorded_ref) == (source.ref, source.ref)
        assert edge.edge.requested_ref == shelf.ref(":production")
        assert not (await runs.use(ref, source.ref)).created

    async def test_edges_of_a_link_are_those_of_its_source_even_when_it_is_gone(
        self, runs: RunTeam
    ) -> None:
        ref = await runs.run()
        source = await runs.log(ref, content=b"1")
        shelf = Shelf.of(runs.team)
        link = await shelf.link(source.ref)
        assert await runs.others(link.ref, UP) == [ref]
        await shelf.unlink(":v0", delete_aliases=True)
        found = await runs.edges(link.ref)
        assert (found.node.ref, found.node.HasField("deleted_at")) == (source.ref, False)

    async def test_a_batch_names_versions_by_links(self, runs: RunTeam) -> None:
        first, second = await runs.team.log({"a": b"1"}), await runs.team.log({"a": b"2"})
        shelf = Shelf.of(runs.team)
        links = [await shelf.link(version.ref) for version in (first, second)]
        ref = await runs.run()
        batch = (used(ref, links[0].ref), logged(ref, links[1].ref))
        assert await runs.record(*batch, derived(links[1].ref, shelf.ref(":v0"))) == (3, 0)
        assert await runs.others(first.ref, DOWN) == [ref, second.ref]
        assert await runs.others(second.ref, UP, LOGGED, DERIVED) == [ref, first.ref]
        with refused("LINEAGE_CYCLE"):
            await runs.record(derived(links[0].ref, first.ref))

    async def test_no_run_is_in_a_registry(self, runs: RunTeam) -> None:
        with refused("NAME_RESERVED"):
            await runs.begin(project="model-registry")


class HistoryOfLineageContract:
    """What runs do is in the history of their entity."""

    async def test_what_runs_do_is_told(self, runs: RunTeam) -> None:
        first, second = await runs.team.log({"a": b"1"}), await runs.team.log({"a": b"2"})
        ref = await runs.run("train", job_type="fit")
        await runs.use(ref, first.ref)
        await runs.record(logged(ref, second.ref), derived(second.ref, first.ref))
        await runs.finish(ref)
        await runs.resume("train")

        events = await lineage_history(runs)
        assert [told(event) for event in events] == [
            "run_created",
            "version_used v0",
            "version_logged v1",
            "version_derived v1",
            "run_finished",
            "run_resumed",
        ]
        begun, use, _, derivation, end, again = events
        assert (begun.project, begun.collection, begun.version_ref) == ("birds", "", "")
        assert (data_of(begun)["run"], data_of(begun)["job_type"]) == (ref, "fit")
        assert (data_of(use)["run"], use.version_ref) == (ref, first.ref)
        assert data_of(derivation)["source"] == first.ref
        assert (data_of(end)["state"], data_of(again)["attempt"]) == ("FINISHED", 2)

    async def test_use_of_a_foreign_version_is_told_to_the_entity_of_the_run_only(
        self, runs: RunTeam, others: RunTeam
    ) -> None:
        theirs = await others.team.log({"a": b"1"})
        ref, second = await runs.run(), await runs.run()
        await runs.use(ref, theirs.ref)
        await runs.record(used(second, theirs.ref))
        uses = (await lineage_history(runs))[2:]
        assert [event.version_ref for event in uses] == [theirs.ref] * 2
        assert [data_of(event)["entity"] for event in uses] == [others.name] * 2
        assert await lineage_history(others) == []

    async def test_a_commit_tells_of_its_run(self, runs: RunTeam) -> None:
        ref = await runs.run()
        await runs.log(ref, content=b"1")
        await runs.log(ref, content=b"1")
        found = {told(event): event for event in await history(runs.team)}
        for name in ("version_committed v0", "version_reused v0"):
            assert data_of(found[name])["run"] == ref


async def lineage_history(runs: RunTeam) -> list[registry_pb2.Event]:
    """Return the events of a team that are about runs and edges, the oldest first."""
    types = [registry_pb2.EventType.Value(f"EVENT_TYPE_{name.upper()}") for name in LINEAGE]
    return await history(runs.team, filter=registry_pb2.EventFilter(types=types))
