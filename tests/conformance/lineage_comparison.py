"""The lineage service through the wire: what differs between runs."""

from __future__ import annotations

import json
import math

from hydria.v1 import lineage_pb2 as pb
from tests.refusals import refused
from tests.run_teams import RunTeam, used


async def compared(runs: RunTeam, *refs: str, with_equal: bool = False) -> pb.CompareRunsResponse:
    """Compare runs."""
    request = pb.CompareRunsRequest(run_refs=refs, with_equal=with_equal)
    return await runs.stub.CompareRuns(request)


def leaves(found: pb.CompareRunsResponse) -> dict[str, list[str]]:
    return {leaf.path: list(leaf.values_json) for leaf in found.config}


class ComparisonContract:
    """Configs, summaries, metrics, inputs and outputs of runs, side by side."""

    async def test_configs_are_compared_leaf_by_leaf_and_to_the_letter(self, runs: RunTeam) -> None:
        first = '{"lr": 0.10, "deep": {"a/b~c": [1, "x"]}, "same": [], "big": 9007199254740993}'
        second = '{"lr": 0.1, "deep": {"a/b~c": [1, "é"]}, "same": [], "new": null}'
        refs = [
            (await runs.begin(name, config_json=config)).run.ref
            for name, config in (("first", first), ("second", second))
        ]
        await runs.finish(refs[0], summary_json='{"best": true}')
        found = await compared(runs, *refs)
        assert [run.ref for run in found.runs] == refs
        assert leaves(found) == {
            "/lr": ["0.10", "0.1"],
            "/deep/a~1b~0c/1": ['"x"', '"é"'],
            "/big": ["9007199254740993", ""],
            "/new": ["", "null"],
        }
        assert [list(leaf.values_json) for leaf in found.summary] == [["true", ""]]
        every = leaves(await compared(runs, *refs, with_equal=True))
        assert every["/same"] == ["[]", "[]"]
        assert every["/deep/a~1b~0c/0"] == ["1", "1"]

    async def test_metrics_inputs_and_outputs_are_compared(self, runs: RunTeam) -> None:
        refs = [await runs.run(name) for name in ("first", "second", "third")]
        shared, own = await runs.team.log({"a": b"1"}), await runs.team.log({"a": b"2"})
        await runs.record(*[used(ref, shared.ref) for ref in refs], used(refs[1], own.ref))
        made = await runs.log(refs[2], collection="net")
        for place, ref in enumerate(refs):
            await runs.put(ref, {"loss": {0: 9.0, 5: float(place)}, "odd": {1: math.nan}})
        await runs.put(refs[0], {"once": {3: 1.0}})

        found = await compared(runs, *refs)
        metrics = {
            each.key: (list(each.run_indexes), list(each.values), list(each.steps))
            for each in found.metrics
        }
        assert metrics == {
            "loss": ([0, 1, 2], [0.0, 1.0, 2.0], [5, 5, 5]),
            "once": ([0], [1.0], [3]),
        }
        assert [(each.version.ref, list(each.run_indexes)) for each in found.inputs] == [
            (own.ref, [1])
        ]
        assert [(each.version.ref, list(each.run_indexes)) for each in found.outputs] == [
            (made.ref, [2])
        ]
        every = await compared(runs, *refs, with_equal=True)
        assert [list(each.run_indexes) for each in every.inputs] == [[0, 1, 2], [1]]
        assert "odd" in [each.key for each in every.metrics]
        assert not found.truncated

    async def test_more_than_a_message_holds_is_left_out_and_said(self, runs: RunTeam) -> None:
        many = json.dumps({f"key{number}": number for number in range(5_001)})
        large = json.dumps({"a": "x" * 900_000, "b": "y" * 100_000})
        wide, first, second = [
            (await runs.begin(name, config_json=config)).run.ref
            for name, config in (("wide", many), ("first", large), ("second", large))
        ]
        found = await compared(runs, wide, first)
        assert (found.truncated, len(found.config)) == (True, 0)
        found = await compared(runs, first, second, wide, with_equal=True)
        assert found.truncated
        found = await compared(runs, first, second, first, with_equal=True)
        assert (found.truncated, list(leaves(found))) == (True, ["/b"])

    async def test_half_of_a_surrogate_pair_is_compared_as_it_is_spelt(self, runs: RunTeam) -> None:
        refs = [
            (await runs.begin(name, config_json=config)).run.ref
            for name, config in (("first", r'{"\ud800": "\ud801"}'), ("second", "{}"))
        ]
        assert leaves(await compared(runs, *refs)) == {r"/\ud800": [r'"\ud801"', ""]}

    async def test_what_cannot_be_compared_is_refused(self, runs: RunTeam) -> None:
        ref = await runs.run()
        for refs, reason in (
            ([ref], "FIELD_VIOLATION"),
            ([ref] * 21, "BATCH_TOO_LARGE"),
            ([ref, "nonsense"], "FIELD_VIOLATION"),
            ([ref, f"{runs.name}/birds/runs/none"], "RESOURCE_NOT_FOUND"),
        ):
            with refused(reason):
                await compared(runs, *refs)
        assert not (await compared(runs, ref, ref)).config
