"""The lineage service through the wire: events of other systems become runs and edges."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

from hydria.v1 import artifact_pb2
from hydria.v1 import lineage_pb2 as pb
from tests.openlineage_events import JsonObject, dataset, event, facet, new_run_id, texts
from tests.run_teams import DOWN, LOGGED, UP, USED, RunTeam

TYPE = "openlineage-dataset"


class IngestedRunsContract:
    """What events say of runs."""

    async def test_a_job_elsewhere_is_a_run_with_inputs_and_outputs(self, runs: RunTeam) -> None:
        run_id, start = new_run_id(), "2026-03-04T05:00:00.123456Z"
        answer = await runs.ingest(
            *texts(
                event(run_id, "START", at=start, inputs=[dataset("raw/orders")]),
                event(run_id, inputs=[dataset("raw/orders")], outputs=[dataset("clean/orders")]),
            )
        )
        ref = f"{runs.name}/birds/runs/{run_id}"
        assert (list(answer.run_refs), answer.event_count) == ([ref], 2)
        assert (answer.created_edge_count, answer.ignored_count) == (2, 0)
        run = await runs.get(ref)
        assert (run.state, run.job_type) == (pb.RUN_STATE_FINISHED, "orders.clean")
        assert run.created_at.ToJsonString() == start
        assert run.finished_at.ToJsonString() == "2026-03-04T05:06:07Z"
        job = json.loads(run.config_json)["openlineage"]["job"]
        assert (job["namespace"], job["name"]) == ("airflow-prod", "orders.clean")

        (used,) = (await runs.edges(ref, UP, USED)).neighbours
        (made,) = (await runs.edges(ref, DOWN, LOGGED)).neighbours
        assert used.node.type == made.node.type == TYPE
        assert used.node.name.startswith("raw_orders-")
        files = await runs.team.stub.GetVersion(artifact_pb2.GetVersionRequest(ref=made.node.ref))
        said = json.loads(files.version.metadata_json)["openlineage"]
        assert said == {
            "namespace": "s3://lake",
            "name": "clean/orders",
            "version": f"run:{run_id}",
            "facets": {},
        }
        assert files.version.description == "clean/orders at s3://lake"

    async def test_events_may_come_in_any_order_and_again(self, runs: RunTeam) -> None:
        for end, state, orders in (
            ("COMPLETE", "FINISHED", list(itertools.permutations((0, 1, 2)))),
            ("FAIL", "FAILED", [(2, 0, 1)]),
            ("ABORT", "KILLED", [(2, 1, 0)]),
        ):
            found = set()
            for order in orders:
                run_id = new_run_id()
                told = [
                    event(
                        run_id,
                        ("START", "RUNNING", end)[place],
                        at=f"2026-03-04T05:0{place}:00Z",
                        facets={"by": facet(place=place), f"at{place}": facet()},
                        inputs=[dataset("raw")],
                    )
                    for place in order
                ]
                for each in (*told, *reversed(told)):
                    (ref,) = (await runs.ingest(*texts(each))).run_refs
                run = await runs.get(ref)
                assert pb.RunState.Name(run.state) == f"RUN_STATE_{state}"
                assert run.created_at.ToJsonString() == "2026-03-04T05:00:00Z"
                assert len((await runs.edges(ref)).neighbours) == 1
                found.add(run.config_json)
            (config,) = found
            facets = json.loads(config)["openlineage"]["run"]["facets"]
            assert facets["by"]["place"] == 2
            assert sorted(facets) == ["at0", "at1", "at2", "by"]

    async def test_the_later_of_two_ends_stands(self, runs: RunTeam) -> None:
        for first, second in itertools.permutations(
            (("FAIL", "2026-03-04T05:00:00Z"), ("COMPLETE", "2026-03-04T06:00:00Z"))
        ):
            run_id = new_run_id()
            await runs.ingest(*texts(event(run_id, first[0], at=first[1])))
            (ref,) = (await runs.ingest(*texts(event(run_id, second[0], at=second[1])))).run_refs
            assert (await runs.get(ref)).state == pb.RUN_STATE_FINISHED

    async def test_tasks_of_one_parent_are_a_group(self, runs: RunTeam) -> None:
        parent, root = new_run_id(), new_run_id()
        job = {"namespace": "airflow-prod", "name": "orders"}
        told = facet(run={"runId": parent}, job=job)
        (ref,) = (await runs.ingest(*texts(event(new_run_id(), facets={"parent": told})))).run_refs
        assert (await runs.get(ref)).group == parent
        deep = told | {"root": {"run": {"runId": root}, "job": job}}
        (ref,) = (await runs.ingest(*texts(event(new_run_id(), facets={"parent": deep})))).run_refs
        assert (await runs.get(ref)).group == root

    async def test_numbers_of_facets_stay_to_the_letter(self, runs: RunTeam) -> None:
        text = texts(event(new_run_id(), facets={"stats": facet(rows=1)}))[0]
        (ref,) = (
            await runs.ingest(text.replace('"rows": 1', '"rows": 9007199254740993.10'))
        ).run_refs
        assert '"rows":9007199254740993.10' in (await runs.get(ref)).config_json

    async def test_whatever_a_job_is_called_it_has_a_type(self, runs: RunTeam) -> None:
        for job, type_ in (
            ("dag/task:1", "dag_task_1"),
            ("- x\n\x00\u202ey ", "_x_y"),
            ("a" * 500, "a" * 128),
            ("", "_"),
            ("é\ud800", "é_"),
        ):
            (ref,) = (await runs.ingest(*texts(event(new_run_id(), job=job)))).run_refs
            assert (await runs.get(ref)).job_type == type_


class IngestedDatasetsContract:
    """What events say of inputs and outputs."""

    async def test_who_reads_what_another_run_wrote_is_downstream_of_it(
        self, runs: RunTeam
    ) -> None:
        writer, reader = new_run_id(), new_run_id()
        answer = await runs.ingest(
            *texts(
                event(reader, "START", at="2026-03-04T06:00:00Z", inputs=[dataset("orders")]),
                event(writer, outputs=[dataset("orders")]),
            )
        )
        refs = {ref.rpartition("/")[2]: ref for ref in answer.run_refs}
        (made,) = await runs.others(refs[writer], DOWN)
        assert await runs.others(refs[reader], UP) == [made]

        again = new_run_id()
        await runs.ingest(*texts(event(again, outputs=[dataset("orders")])))
        await runs.ingest(*texts(event(reader, inputs=[dataset("orders")])))
        assert await runs.others(refs[reader], UP) == [made]

    async def test_each_run_writes_a_version_and_a_version_that_is_told_is_one(
        self, runs: RunTeam
    ) -> None:
        first, second, third = new_run_id(), new_run_id(), new_run_id()
        for run_id, version in ((first, ""), (second, "7"), (third, "7")):
            told = event(run_id, outputs=[dataset("t", version)])
            await runs.ingest(*texts(told, told))
        made = {
            run_id: await runs.others(f"{runs.name}/birds/runs/{run_id}", DOWN, LOGGED)
            for run_id in (first, second, third)
        }
        assert [len(refs) for refs in made.values()] == [1, 1, 1]
        assert made[first] != made[second] == made[third]
        (ref,) = (
            await runs.ingest(*texts(event(new_run_id(), inputs=[dataset("t", "7")])))
        ).run_refs
        assert await runs.others(ref, UP) == made[second]

    async def test_what_is_planned_or_failed_is_not_written(self, runs: RunTeam) -> None:
        for type_, count in (("START", 0), ("FAIL", 0), ("ABORT", 0), ("RUNNING", 1), ("OTHER", 1)):
            told = event(new_run_id(), type_, outputs=[dataset(f"of-{type_}")])
            (ref,) = (await runs.ingest(*texts(told))).run_refs
            assert len(await runs.others(ref, DOWN)) == count, type_

    async def test_versions_of_ours_are_used_and_logged_as_they_are(
        self, runs: RunTeam, others: RunTeam
    ) -> None:
        own, theirs = await runs.team.log({"a": b"1"}), await others.team.log({"a": b"2"})
        told = event(
            new_run_id(),
            "FAIL",
            inputs=[ours(others, theirs.digest.hex()), ours(runs, "00"), ours(runs, version="v9")],
            outputs=[ours(runs, own.digest.hex()), ours(others)],
        )
        (ref,) = (await runs.ingest(*texts(told))).run_refs
        used = await runs.others(ref, UP, USED)
        assert used[0] == theirs.ref
        assert own.ref not in used
        logged = await runs.others(ref, DOWN, LOGGED)
        assert logged[0] == own.ref
        assert (len(used), len(logged)) == (3, 2)
        assert theirs.ref not in logged

    async def test_a_dataset_elsewhere_keeps_its_versions_under_a_new_name(
        self, runs: RunTeam
    ) -> None:
        (ref,) = (await runs.ingest(*texts(event(new_run_id(), outputs=[dataset("t")])))).run_refs
        (made,) = await runs.others(ref, DOWN)
        collection = made.split("/")[2].partition(":")[0]
        await replace(runs.team, collection=collection).rename("orders")
        (ref,) = (await runs.ingest(*texts(event(new_run_id(), outputs=[dataset("t")])))).run_refs
        assert await runs.others(ref, DOWN) == [f"{runs.name}/birds/orders:v1"]


def ours(team: RunTeam, digest: str = "", *, version: str = "v0") -> JsonObject:
    """Return a version of the team's as our export names it."""
    named = dataset("calls", version, namespace=f"hydria://{team.name}/birds")
    if digest:
        facets = named["facets"]
        assert isinstance(facets, dict)
        facets["hydria_version"] = facet(ref="x", digest=f"blake3:{digest}")
    return named
