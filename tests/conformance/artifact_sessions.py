"""The artifact service through the wire: sessions, from their beginning to each of their ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from tests.clocks import ManualClock
from tests.refusals import outcome_of, refused
from tests.teams import Team, batch, entry, put

DAY_SECONDS = 24 * 3600


def calls_on(team: Team, upload_id: str) -> Mapping[str, Callable[[], Awaitable[object]]]:
    """Return one call of each kind that needs an open upload."""
    return {
        "RenewUpload": lambda: team.stub.RenewUpload(pb.RenewUploadRequest(upload_id=upload_id)),
        "FindMissingChunks": lambda: team.missing(upload_id, b"x"),
        "PutChunks": lambda: team.send(upload_id, b"x"),
        "UploadChunks": lambda: team.stream(upload_id, batch(b"x", seq=1)),
        "UploadFile": lambda: team.upload(upload_id, "a", b""),
        "StageFiles": lambda: team.stage(upload_id, put(entry("a"))),
        "CommitUpload": lambda: team.commit(upload_id),
    }


async def outcomes(calls: Mapping[str, Callable[[], Awaitable[object]]]) -> dict[str, str]:
    return {name: await outcome_of(call()) for name, call in calls.items()}


class SessionsContract:
    """An upload is a lease, a staging area and an idempotency key."""

    async def test_an_upload_begins_open_with_a_lease_of_a_day(
        self, team: Team, clock: ManualClock
    ) -> None:
        request = pb.CreateUploadRequest(
            entity=team.name, project="birds", collection="calls", type="dataset"
        )
        upload = (await team.stub.CreateUpload(request)).upload
        assert upload.state == types_pb2.UPLOAD_STATE_OPEN
        assert (upload.entity, upload.project, upload.collection) == (team.name, "birds", "calls")
        assert upload.type == "dataset"
        assert upload.expires_at.seconds - upload.created_at.seconds == DAY_SECONDS
        assert not upload.version_ref
        assert (await team.upload_of(upload.upload_id)) == upload

    async def test_the_same_request_begins_one_upload(self, team: Team) -> None:
        first = await team.begin(request_id="retry-me")
        assert await team.begin(request_id="retry-me") == first
        assert await team.begin() != first

    async def test_a_request_id_with_another_payload_is_refused(self, team: Team) -> None:
        await team.begin(request_id="retry-me")
        with refused("REQUEST_ID_REUSED"):
            await team.begin(request_id="retry-me", collection="other")

    async def test_request_ids_of_two_entities_have_nothing_to_do_with_each_other(
        self, team: Team
    ) -> None:
        other = Team.new(team.server)
        first = await team.begin(request_id="1")
        assert await other.begin(request_id="1") != first

    async def test_a_request_id_has_at_most_128_characters(self, team: Team) -> None:
        await team.begin(request_id="x" * 128)
        with refused("FIELD_VIOLATION") as refusal:
            await team.begin(request_id="x" * 129)
        assert refusal.metadata == {"field": "request_id"}

    async def test_an_upload_tells_where_it_stands(self, team: Team) -> None:
        await team.log({"base": b"0"})
        upload_id = await team.begin(base=team.ref(":latest"))
        await team.stage(upload_id, put(entry("a")), put(entry("b")), writer="one")
        await team.stage(upload_id, put(entry("c")), seq=2, writer="one")
        await team.stage(upload_id, put(entry("d")), writer="two")
        upload = await team.upload_of(upload_id)
        assert upload.base_version == team.ref(":v0")
        progress = [
            (each.writer_id, each.staged_through_seq, each.operation_count)
            for each in upload.writers
        ]
        assert progress == [("one", 2, 3), ("two", 1, 1)]
        await team.commit(upload_id)
        upload = await team.upload_of(upload_id)
        assert upload.state == types_pb2.UPLOAD_STATE_COMMITTED
        assert upload.version_ref == team.ref(":v1")

    async def test_calls_on_an_upload_that_never_was_are_not_found(self, team: Team) -> None:
        found = await outcomes(calls_on(team, "no-such-upload"))
        assert set(found.values()) == {"UPLOAD_NOT_FOUND"}, found
        with refused("UPLOAD_NOT_FOUND"):
            await team.upload_of("no-such-upload")
        with refused("UPLOAD_NOT_FOUND"):
            await team.abort("no-such-upload")

    async def test_calls_on_an_aborted_upload_are_refused(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.stage(upload_id, put(entry("a")))
        await team.abort(upload_id)
        found = await outcomes(calls_on(team, upload_id))
        assert set(found.values()) == {"UPLOAD_NOT_OPEN"}, found
        upload = await team.upload_of(upload_id)
        assert upload.state == types_pb2.UPLOAD_STATE_ABORTED

    async def test_calls_on_a_committed_upload_are_refused(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.commit(upload_id, description="first")
        found = await outcomes(calls_on(team, upload_id))
        assert set(found.values()) == {"UPLOAD_NOT_OPEN"}, found

    async def test_aborting_twice_is_fine_and_after_the_commit_it_is_not(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.abort(upload_id)
        await team.abort(upload_id)
        committed = await team.begin()
        await team.commit(committed)
        with refused("UPLOAD_NOT_OPEN"):
            await team.abort(committed)
        assert (await team.version()).ref == team.ref(":v0")

    async def test_a_renewal_tells_when_the_lease_ends_now(
        self, team: Team, clock: ManualClock
    ) -> None:
        upload_id = await team.begin()
        clock.advance(1000)
        renewed = await team.stub.RenewUpload(pb.RenewUploadRequest(upload_id=upload_id))
        left_us = renewed.expires_at.ToMicroseconds() - clock.now_us
        assert 0 <= DAY_SECONDS * 1_000_000 - left_us < 1000
        assert (await team.upload_of(upload_id)).expires_at == renewed.expires_at

    async def test_an_upload_whose_lease_ran_out_is_expired_and_stays_so(
        self, team: Team, clock: ManualClock
    ) -> None:
        upload_id = await team.begin()
        clock.advance(DAY_SECONDS + 1)
        await team.server.services.sessions.expire_due()
        found = await outcomes(calls_on(team, upload_id))
        assert set(found.values()) == {"UPLOAD_EXPIRED"}, found
        upload = await team.upload_of(upload_id)
        assert upload.state == types_pb2.UPLOAD_STATE_EXPIRED
        await team.abort(upload_id)
        upload = await team.upload_of(upload_id)
        assert upload.state == types_pb2.UPLOAD_STATE_EXPIRED

    async def test_the_state_decides_and_never_the_clock(
        self, team: Team, clock: ManualClock
    ) -> None:
        upload_id = await team.begin()
        clock.advance(DAY_SECONDS + 1)  # and nobody has swept yet
        committed = await team.commit(upload_id)
        assert committed.version.version == "v0"

    @pytest.mark.parametrize(
        "name", ["RenewUpload", "PutChunks", "UploadFile", "FindMissingChunks"]
    )
    async def test_every_call_renews_the_lease(
        self, team: Team, clock: ManualClock, name: str
    ) -> None:
        upload_id = await team.begin()
        for _ in range(3):
            clock.advance(DAY_SECONDS * 0.6)
            await calls_on(team, upload_id)[name]()
            await team.server.services.sessions.expire_due()
        upload = await team.upload_of(upload_id)
        assert upload.state == types_pb2.UPLOAD_STATE_OPEN

    async def test_a_name_of_129_characters_is_refused_wherever_it_stands(self, team: Team) -> None:
        long, fine = "x" * 129, "x" * 128
        for field in ("entity", "project", "collection", "type"):
            request = pb.CreateUploadRequest(
                entity=team.name, project="p", collection="c", type="t"
            )
            setattr(request, field, fine)
            await team.stub.CreateUpload(request)
            setattr(request, field, long)
            with refused("NAME_INVALID") as refusal:
                await team.stub.CreateUpload(request)
            assert refusal.metadata == {"field": field}

    @pytest.mark.parametrize(
        "project", ["model-registry", "registry-models", "registry-", "wandb-registry-x"]
    )
    async def test_projects_that_are_registries_take_no_uploads(
        self, team: Team, project: str
    ) -> None:
        request = pb.CreateUploadRequest(
            entity=team.name, project=project, collection="c", type="t"
        )
        with refused("NAME_RESERVED"):
            await team.stub.CreateUpload(request)

    async def test_a_base_must_be_a_live_version_of_the_same_entity(self, team: Team) -> None:
        other = Team.new(team.server)
        await other.log({"a": b"1"})
        for ref in (other.ref(":v0"), other.ref(":v9"), Team.new(team.server).ref()):
            with refused("FIELD_VIOLATION") as refusal:  # the same, whether it is there or not
                await team.begin(base=ref)
            assert refusal.metadata == {"field": "base_version"}
        with refused("RESOURCE_NOT_FOUND"):
            await team.begin(base=team.ref(":v0"))
        await team.log({"a": b"1"})
        with refused("ALIAS_NOT_FOUND"):
            await team.begin(base=team.ref(":best"))
        await team.delete(":v0")
        with refused("VERSION_DELETED"):
            await team.begin(base=team.ref(":v0"))

    async def test_what_one_upload_was_told_is_present_another_is_told_too(
        self, team: Team
    ) -> None:
        first, second = await team.begin(), await team.begin()
        await team.send(first, b"chunk")
        assert await team.missing(second, b"chunk", b"other") == [1]
