"""The lineage service through the wire: events that are refused, and keep nothing."""

from __future__ import annotations

import json

import pytest

from hydria.v1 import lineage_pb2 as pb
from tests.openlineage_events import JsonObject, dataset, event, facet, new_run_id, texts
from tests.refusals import refused
from tests.run_teams import RunTeam


class RefusedEventsContract:
    """Events that are malformed, and batches that are too large: nothing of them is kept."""

    @pytest.mark.parametrize(
        ("change", "path"),
        [
            ({"run": {"runId": "not-a-uuid"}}, "$.run.runId"),
            ({"run": {}}, "$.run"),
            ({"run": {"runId": 5}}, "$.run.runId"),
            ({"job": {"namespace": "n"}}, "$.job"),
            ({"eventTime": "yesterday"}, "$.eventTime"),
            ({"eventTime": "2026-01-01T00:00:00"}, "$.eventTime"),
            ({"eventTime": "1969-12-31T00:00:00Z"}, "$.eventTime"),
            ({"eventType": "DONE"}, "$.eventType"),
            ({"producer": "no uri"}, "$.producer"),
            ({"inputs": {}}, "$.inputs"),
            ({"inputs": [dataset("a"), {"name": "b"}]}, "$.inputs[1]"),
            ({"inputs": [dataset("a") | {"facets": {"x": {}}}]}, "$.inputs[0].facets.x"),
            ({"inputs": [dataset("a" * 2049)]}, "$.inputs[0].name"),
            (
                {"outputs": [dataset("a") | {"facets": {"version": facet(datasetVersion=1)}}]},
                "$.outputs[0].facets.version.datasetVersion",
            ),
            (
                {"run": {"runId": new_run_id(), "facets": {"parent": facet(run={}, job={})}}},
                "$.run.facets.parent.run",
            ),
        ],
    )
    async def test_a_malformed_event_is_refused_by_its_path(
        self, runs: RunTeam, change: JsonObject, path: str
    ) -> None:
        good = event(new_run_id(), outputs=[dataset("a")])
        with refused("FIELD_VIOLATION") as refusal:
            await runs.ingest(*texts(good, {**event(new_run_id()), **change}))
        assert (refusal.metadata["index"], refusal.metadata["field"]) == ("1", path)
        assert refusal.message.startswith(f"events[1]: {path}: ")
        with refused("RESOURCE_NOT_FOUND"):
            await runs.ids()

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "5",
            "[]",
            "null",
            '{"a": NaN}',
            "[" * 100_000,
            "[" * 101 + "]" * 101,
            '{"run": {}}',
            '"\\ud800"',
        ],
    )
    async def test_what_is_no_event_is_refused(self, runs: RunTeam, text: str) -> None:
        with refused("FIELD_VIOLATION") as refusal:
            await runs.ingest(text)
        assert refusal.metadata["index"] == "0"

    async def test_a_late_error_keeps_nothing_of_the_batch(self, runs: RunTeam) -> None:
        own = facet(ref="x", state="RUNNING", updatedAt="2026-01-01T00:00:00Z", configJson="[]")
        with refused("FIELD_VIOLATION") as refusal:
            await runs.ingest(
                *texts(
                    event(new_run_id(), outputs=[dataset("a")]),
                    event(new_run_id(), facets={"hydria_run": own}),
                )
            )
        assert refusal.metadata["index"] == "1"
        with refused("RESOURCE_NOT_FOUND"):
            await runs.ids()

    async def test_what_has_no_run_is_checked_and_ignored(self, runs: RunTeam) -> None:
        job = {key: value for key, value in event("").items() if key not in ("run", "eventType")}
        static = {key: value for key, value in job.items() if key not in ("job", "inputs")}
        static["dataset"] = dataset("a")
        answer = await runs.ingest(*texts(job, static))
        assert (answer.event_count, answer.ignored_count) == (0, 2)
        with refused("FIELD_VIOLATION"):
            await runs.ingest(*texts({**static, "dataset": {}}))

    async def test_batches_are_bounded(self, runs: RunTeam) -> None:
        small = texts(event(new_run_id(), job="j"))[0]
        for batch in (
            [small] * 101,
            [small.replace('"j"', json.dumps("j" * (1 << 20)))],
            [small + " " * 1_000_000] * 4,
            texts(event(new_run_id(), inputs=[dataset(str(each)) for each in range(501)])),
        ):
            with refused("BATCH_TOO_LARGE") as refusal:
                await runs.ingest(*batch)
            assert int(refusal.metadata["limit"]) > 0
        assert (await runs.ingest(*[small] * 100)).event_count == 100
        assert (await runs.ingest(small + " " * ((1 << 20) - len(small)))).event_count == 1
        assert (await runs.ingest()).event_count == 0

    async def test_runs_are_in_projects_only(self, runs: RunTeam) -> None:
        for project, reason in (("model-registry", "NAME_RESERVED"), ("a/b", "NAME_INVALID")):
            with refused(reason):
                await runs.stub.IngestOpenLineage(
                    pb.IngestOpenLineageRequest(entity=runs.name, project=project)
                )
