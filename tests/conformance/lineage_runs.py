"""The lineage service through the wire: the life of runs, and what is said about them."""

from __future__ import annotations

import json
import re

import pytest

from hydria.v1 import lineage_pb2 as pb
from tests.clocks import ManualClock
from tests.refusals import outcome_of, refused
from tests.run_teams import RunTeam

SILENCE_SECONDS = 300


class BeginningRunsContract:
    """How runs begin, are found and listed."""

    async def test_a_run_begins_at_work_with_what_was_said_of_it(self, runs: RunTeam) -> None:
        begun = await runs.begin(
            "first", job_type="train", group="sweep-1", tags=["b", "a"], config_json='{"lr": 1e-3}'
        )

        run = await runs.get(begun.run.ref)
        assert run == begun.run
        assert run.ref == f"{runs.name}/birds/runs/first"
        assert (run.state, run.attempt) == (pb.RUN_STATE_RUNNING, 1)
        assert (run.job_type, run.group, list(run.tags)) == ("train", "sweep-1", ["a", "b"])
        assert (run.config_json, run.summary_json) == ('{"lr": 1e-3}', "{}")
        assert not begun.resumed
        assert begun.silence_timeout_seconds == SILENCE_SECONDS
        assert not run.HasField("exit_code")
        assert not run.HasField("finished_at")

    async def test_the_server_gives_ids_and_names_that_count_the_runs_of_a_project(
        self, runs: RunTeam
    ) -> None:
        made = [(await runs.begin()).run for _ in range(3)]

        assert len({run.run_id for run in made}) == 3
        for number, run in enumerate(made, 1):
            assert re.fullmatch(rf"[a-z]+-[a-z]+-{number}", run.display_name)

    async def test_the_same_request_finds_the_run_that_it_began(self, runs: RunTeam) -> None:
        first = await runs.begin(request_id="r1", job_type="train")
        assert (await runs.begin(request_id="r1", job_type="train")).run == first.run
        with refused("REQUEST_ID_REUSED"):
            await runs.begin(request_id="r1", job_type="other")
        assert len(await runs.ids()) == 1

    async def test_an_id_is_taken_once(self, runs: RunTeam) -> None:
        await runs.begin("one")
        with refused("RESOURCE_ALREADY_EXISTS"):
            await runs.begin("one")

    async def test_config_and_summary_are_kept_to_the_letter(self, runs: RunTeam) -> None:
        document = (
            '{"n": 3, "big": 9007199254740993, "f": 3.0, "deep": {"list": [1, null, true]},'
            ' "index_to_class": {"0": "robin", "1": "wren"}, "é": "ü"}'
        )
        ref = (await runs.begin(config_json=document)).run.ref
        finished = await runs.finish(ref, summary_json=document)

        assert finished.config_json == finished.summary_json == document
        assert (await runs.get(ref)).summary_json == document

    @pytest.mark.parametrize(
        "config_json",
        ["nonsense", "[1]", '{"x": NaN}', json.dumps({"x": "y" * (10 << 18)})],
        ids=["no JSON", "no object", "NaN", "too large"],
    )
    async def test_what_is_no_document_is_refused(self, runs: RunTeam, config_json: str) -> None:
        with refused("FIELD_VIOLATION") as refusal:
            await runs.begin(config_json=config_json)
        assert refusal.metadata["field"] == "config_json"

    async def test_malformed_words_are_refused(self, runs: RunTeam) -> None:
        with refused("FIELD_VIOLATION"):
            await runs.begin("x" * 65)
        with refused("NAME_INVALID"):
            await runs.begin("a/b")
        with refused("NAME_INVALID"):
            await runs.begin(job_type="a:b")
        with refused("NAME_RESERVED"):
            await runs.begin(project="model-registry")
        request = pb.CreateRunRequest(entity=runs.name, project="birds")
        request.git_remote = "https://user:secret@host/repository"
        with refused("FIELD_VIOLATION") as refusal:
            await runs.stub.CreateRun(request)
        assert "secret" not in refusal.message

    async def test_a_run_that_is_not_there_is_not_found(self, runs: RunTeam) -> None:
        with refused("RESOURCE_NOT_FOUND"):
            await runs.get(f"{runs.name}/birds/runs/none")
        with refused("FIELD_VIOLATION"):
            await runs.get(f"{runs.name}/birds/none")

    async def test_runs_are_listed_newest_first_and_filtered(self, runs: RunTeam) -> None:
        await runs.begin("a", job_type="load", tags=["gold"])
        await runs.begin("b", job_type="train", group="g")
        last = await runs.begin("c", job_type="train", tags=["gold"])
        await runs.finish(last.run.ref, pb.RUN_STATE_FAILED)

        assert await runs.ids() == ["c", "b", "a"]
        assert await runs.ids('job_type = "train"') == ["c", "b"]
        assert await runs.ids("tag:gold", order_by="created_at") == ["a", "c"]
        assert await runs.ids("state = FAILED") == ["c"]
        assert await runs.ids("group:g AND state = RUNNING") == ["b"]
        with refused("FILTER_INVALID"):
            await runs.ids("state = BUSY")
        with refused("FILTER_INVALID"):
            await runs.ids(order_by="finished_at")

    async def test_lists_come_in_pages(self, runs: RunTeam) -> None:
        for number in range(5):
            await runs.begin(f"run{number}")
        request = pb.ListRunsRequest(entity=runs.name, project="birds", page_size=2)
        seen: list[str] = []
        while True:
            page = await runs.stub.ListRuns(request)
            seen += [run.run_id for run in page.runs]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        assert seen == ["run4", "run3", "run2", "run1", "run0"]
        request.filter = "tag:x"
        with refused("PAGE_TOKEN_INVALID"):
            await runs.stub.ListRuns(request)

    async def test_words_change_in_whatever_state_a_run_is(self, runs: RunTeam) -> None:
        ref = await runs.run()
        before = await runs.finish(ref)
        request = pb.UpdateRunRequest(
            run_ref=ref, display_name="best", tags=["gold"], summary_json='{"a": 1}'
        )
        request.update_mask.paths.extend(["display_name", "tags", "summary_json"])
        request.etag = before.etag
        after = (await runs.stub.UpdateRun(request)).run

        assert (after.display_name, list(after.tags)) == ("best", ["gold"])
        assert after.summary_json == '{"a": 1}'
        assert after.state == pb.RUN_STATE_FINISHED
        with refused("ETAG_MISMATCH"):
            await runs.stub.UpdateRun(request)
        request.ClearField("update_mask")
        with refused("FIELD_VIOLATION"):
            await runs.stub.UpdateRun(request)


class EndingRunsContract:
    """How runs end, fall silent, and are resumed."""

    async def test_a_run_ends_once(self, runs: RunTeam) -> None:
        ref = await runs.run()
        ended = await runs.finish(ref, pb.RUN_STATE_FAILED, exit_code=3)

        assert (ended.state, ended.exit_code) == (pb.RUN_STATE_FAILED, 3)
        assert ended.HasField("finished_at")
        assert await runs.finish(ref, pb.RUN_STATE_FAILED, exit_code=4) == ended
        with refused("RUN_NOT_RUNNING") as refusal:
            await runs.finish(ref)
        assert refusal.metadata["state"] == "FAILED"

    async def test_running_is_no_way_to_end(self, runs: RunTeam) -> None:
        ref = await runs.run()
        with refused("FIELD_VIOLATION"):
            await runs.finish(ref, pb.RUN_STATE_RUNNING)
        with refused("FIELD_VIOLATION"):
            await runs.finish(ref, pb.RUN_STATE_UNSPECIFIED)

    async def test_a_run_that_ended_takes_no_sign_of_life_and_no_metrics(
        self, runs: RunTeam
    ) -> None:
        ref = await runs.run()
        await runs.finish(ref)
        for call in (runs.beat(ref), runs.put(ref, {"x": {0: 1.0}}), runs.stream(ref)):
            assert await outcome_of(call) == "RUN_NOT_RUNNING"

    async def test_a_run_that_is_silent_for_too_long_has_crashed(
        self, runs: RunTeam, clock: ManualClock
    ) -> None:
        # The server, too, must have been up that long: while it was away nobody could be heard.
        clock.advance(SILENCE_SECONDS)
        silent, alive = await runs.run("silent"), await runs.run("alive")
        clock.advance(SILENCE_SECONDS * 0.7)
        await runs.beat(alive)
        heard_at = (await runs.get(silent)).heartbeat_at
        clock.advance(SILENCE_SECONDS * 0.7)

        assert await runs.ids("state = CRASHED") == ["silent"]
        crashed = await runs.get(silent)
        assert crashed.state == pb.RUN_STATE_CRASHED
        assert crashed.finished_at == heard_at
        assert (await runs.get(alive)).state == pb.RUN_STATE_RUNNING

    async def test_a_sign_of_life_ends_a_crash(self, runs: RunTeam, clock: ManualClock) -> None:
        for wake in (runs.beat, lambda ref: runs.put(ref, {"x": {0: 1.0}})):
            ref = await runs.run()
            clock.advance(SILENCE_SECONDS * 2)
            assert (await runs.get(ref)).state == pb.RUN_STATE_CRASHED
            await wake(ref)
            run = await runs.get(ref)
            assert (run.state, run.attempt) == (pb.RUN_STATE_RUNNING, 1)
            assert not run.HasField("finished_at")

    async def test_a_crashed_run_can_still_be_finished(
        self, runs: RunTeam, clock: ManualClock
    ) -> None:
        ref = await runs.run()
        clock.advance(SILENCE_SECONDS * 2)
        assert (await runs.get(ref)).state == pb.RUN_STATE_CRASHED
        assert (await runs.finish(ref)).state == pb.RUN_STATE_FINISHED

    async def test_a_run_is_resumed_with_all_that_it_had(self, runs: RunTeam) -> None:
        first = await runs.begin("one", job_type="train", tags=["a"], config_json='{"x": 1}')
        await runs.put(first.run.ref, {"loss": {0: 1.0}})
        await runs.finish(first.run.ref, pb.RUN_STATE_FAILED, exit_code=1)

        again = await runs.begin("one", tags=["b"], group="g", resume=pb.RESUME_MODE_MUST)

        assert again.resumed
        run = again.run
        assert (run.state, run.attempt) == (pb.RUN_STATE_RUNNING, 2)
        assert (run.display_name, run.job_type) == (first.run.display_name, "train")
        assert (list(run.tags), run.group, run.config_json) == (["a", "b"], "g", '{"x": 1}')
        assert not run.HasField("exit_code")
        assert await runs.points(run.ref) == {0: 1.0}

    async def test_tags_of_many_attempts_are_no_more_than_those_of_one(self, runs: RunTeam) -> None:
        await runs.begin("one", tags=[f"a{number}" for number in range(60)])
        with refused("FIELD_VIOLATION"):
            more = [f"b{number}" for number in range(60)]
            await runs.begin("one", tags=more, resume=pb.RESUME_MODE_MUST)
        assert (await runs.get(f"{runs.name}/birds/runs/one")).attempt == 1

    async def test_resuming_may_begin_a_run_or_must_not(self, runs: RunTeam) -> None:
        allowed = await runs.begin("one", resume=pb.RESUME_MODE_ALLOW)
        assert (allowed.resumed, allowed.run.attempt) == (False, 1)
        assert (await runs.begin("one", resume=pb.RESUME_MODE_ALLOW)).run.attempt == 2
        with refused("RESOURCE_NOT_FOUND"):
            await runs.resume("two")
        with refused("FIELD_VIOLATION"):
            await runs.begin(resume=pb.RESUME_MODE_MUST)

    async def test_of_two_processes_that_resume_a_run_the_last_one_has_it(
        self, runs: RunTeam
    ) -> None:
        ref = (await runs.begin("one")).run.ref
        first, second = await runs.resume("one"), await runs.resume("one")

        for late in (1, first.run.attempt):
            for call in (
                runs.beat(ref, attempt=late),
                runs.put(ref, {"x": {0: 1.0}}, attempt=late),
                runs.stream(ref, attempt=late),
                runs.finish(ref, attempt=late),
            ):
                assert await outcome_of(call) == "RUN_TAKEN_OVER"
        await runs.put(ref, {"x": {0: 2.0}}, attempt=second.run.attempt)
        await runs.finish(ref, attempt=second.run.attempt)
        assert await runs.points(ref, "x") == {0: 2.0}
