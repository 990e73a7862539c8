"""The lineage service through the wire: how things came to be."""

from __future__ import annotations

from collections.abc import Iterable

from hydria.v1 import lineage_pb2 as pb
from tests.graph_walks import a_pipeline
from tests.refusals import refused
from tests.run_teams import RunTeam, derived, logged, used


async def provenance(
    runs: RunTeam, node: str, *, budget: int = 0, page_size: int = 0, page_token: str = ""
) -> pb.GetProvenanceResponse:
    """Return a page of the provenance of a node."""
    return await runs.stub.GetProvenance(
        pb.GetProvenanceRequest(
            node=node, max_nodes=budget, page_size=page_size, page_token=page_token
        )
    )


def refs(nodes: Iterable[pb.LineageNode]) -> list[str]:
    return [node.ref for node in nodes]


class ProvenanceContract:
    """Sources, and steps in an order in which they can be done again."""

    async def test_steps_come_after_those_that_they_need(self, runs: RunTeam) -> None:
        refs_of = await a_pipeline(runs)
        found = await provenance(runs, refs_of["eval"])
        order = [step.run.ref for step in found.steps]
        names = ("collect", "load", "train1", "train2", "eval")
        assert sorted(order) == sorted(refs_of[name] for name in names)
        assert order[0] == refs_of["collect"]
        assert order[-1] == refs_of["eval"]
        assert order.index(refs_of["load"]) < order.index(refs_of["train1"])
        assert refs(found.steps[-1].inputs) == [refs_of["model1"], refs_of["model2"]]
        load = found.steps[order.index(refs_of["load"])]
        assert (refs(load.inputs), refs(load.outputs)) == ([refs_of["raw"]], [refs_of["clean"]])
        assert all(len(node.digest) == 32 for node in (*load.inputs, *load.outputs))
        assert not found.sources
        assert not found.truncated

    async def test_steps_carry_config_and_code(self, runs: RunTeam) -> None:
        ref = (await runs.begin("train", config_json='{"n": 9007199254740993}')).run.ref
        source = await runs.team.log({"a": b"1"})
        await runs.use(ref, source.ref)
        model = await runs.log(ref, collection="net", type_="model")
        found = await provenance(runs, model.ref)
        assert refs(found.sources) == [source.ref]
        (step,) = found.steps
        assert step.run == await runs.get(ref)
        assert step.run.config_json == '{"n": 9007199254740993}'
        assert found.node.ref == model.ref

    async def test_what_lies_beside_the_way_is_left_out(self, runs: RunTeam) -> None:
        refs_of = await a_pipeline(runs)
        await runs.log(refs_of["train1"], collection="log", content=b"beside")
        found = await provenance(runs, refs_of["model1"])
        assert refs_of["train2"] not in [step.run.ref for step in found.steps]
        assert refs(found.steps[-1].outputs) == [refs_of["model1"]]

    async def test_a_derivation_is_a_step_without_a_run(self, runs: RunTeam) -> None:
        first, second = await runs.team.log({"a": b"1"}), await runs.team.log({"a": b"2"})
        third = await runs.team.log({"a": b"3"})
        await runs.record(derived(third.ref, second.ref), derived(second.ref, first.ref))
        found = await provenance(runs, third.ref)
        assert [(refs(step.inputs), refs(step.outputs)) for step in found.steps] == [
            ([first.ref], [second.ref]),
            ([second.ref], [third.ref]),
        ]
        assert not any(step.HasField("run") for step in found.steps)
        assert refs(found.sources) == [first.ref]

    async def test_edges_in_a_circle_are_steps_in_the_order_of_time(self, runs: RunTeam) -> None:
        first, second = await runs.run("first"), await runs.run("second")
        state = await runs.log(first, collection="state", content=b"1")
        other = await runs.log(second, collection="other", content=b"2")
        await runs.record(used(first, other.ref), used(second, state.ref))
        await runs.record(used(first, state.ref), logged(second, state.ref))
        found = await provenance(runs, state.ref)
        assert [step.run.ref for step in found.steps] == [first, second]
        assert not found.sources

    async def test_a_version_that_nothing_made_is_its_own_source(self, runs: RunTeam) -> None:
        version = await runs.team.log({"a": b"1"})
        found = await provenance(runs, version.ref)
        assert (refs(found.sources), len(found.steps)) == ([version.ref], 0)

    async def test_provenance_beyond_its_budget_says_so_and_calls_nothing_a_source(
        self, runs: RunTeam
    ) -> None:
        refs_of = await a_pipeline(runs)
        found = await provenance(runs, refs_of["model1"], budget=3)
        assert found.truncated
        assert [step.run.ref for step in found.steps] == [refs_of["train1"]]
        assert not found.sources

    async def test_pages_together_are_the_provenance(self, runs: RunTeam) -> None:
        refs_of = await a_pipeline(runs)
        source = await runs.team.log({"a": b"1"})
        await runs.use(refs_of["collect"], source.ref)
        whole = await provenance(runs, refs_of["eval"])
        pages = [await provenance(runs, refs_of["eval"], page_size=2)]
        await runs.use(refs_of["collect"], refs_of["clean"])  # later than the first page
        while pages[-1].next_page_token:
            token = pages[-1].next_page_token
            pages.append(await provenance(runs, refs_of["eval"], page_size=2, page_token=token))
        assert [len(page.sources) + len(page.steps) for page in pages] == [2, 2, 2]
        assert [step for page in pages for step in page.steps] == list(whole.steps)
        assert refs(pages[0].sources) == [source.ref]
        with refused("PAGE_TOKEN_INVALID"):
            await provenance(runs, refs_of["raw"], page_token=pages[0].next_page_token)

    async def test_pages_end_before_their_documents_are_too_many(self, runs: RunTeam) -> None:
        version = await runs.team.log({"a": b"1"})
        for number in range(4):
            config = '{"x": "%s"}' % ("y" * 900_000)
            ref = (await runs.begin(f"run{number}", config_json=config)).run.ref
            await runs.record(logged(ref, version.ref))
        page = await provenance(runs, version.ref)
        assert len(page.steps) == 2
        rest = await provenance(runs, version.ref, page_token=page.next_page_token)
        assert (len(rest.steps), rest.next_page_token) == (2, "")

    async def test_a_step_with_many_inputs_comes_in_parts(self, runs: RunTeam) -> None:
        ref = await runs.run("big")
        versions = [(await runs.team.log({"a": b"%d" % number})).ref for number in range(201)]
        await runs.record(*[used(ref, version) for version in versions])
        found = await provenance(runs, ref, page_size=1000)
        parts = found.steps
        assert [(step.part, len(step.inputs)) for step in parts] == [(0, 200), (1, 1)]
        assert [bool(step.run.config_json) for step in parts] == [True, False]
        assert len(found.sources) == 201

    async def test_provenance_of_nothing_is_refused(self, runs: RunTeam) -> None:
        with refused("RESOURCE_NOT_FOUND"):
            await provenance(runs, "v999999999")
        with refused("FIELD_VIOLATION"):
            await provenance(runs, "nonsense")
        with refused("FIELD_VIOLATION") as refusal:
            await provenance(runs, await runs.run(), budget=10_001)
        assert refusal.metadata["field"] == "max_nodes"
