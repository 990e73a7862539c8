"""What must be true of upload sessions and of what they stage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hydria_server.domain.errors import AlreadyExistsError
from hydria_server.domain.records import CommitResult, UploadState, WriterProgress
from hydria_server.storage.metadata.interface import Rows
from tests.conformance.metadata.given import (
    UPLOAD,
    a_line,
    a_run,
    a_version,
    an_upload,
    in_one_write,
    without_ids,
)


class Uploads:
    @in_one_write
    async def test_an_upload_is_kept_as_it_began(self, rows: Rows) -> None:
        line = await a_line(rows)
        base = await a_version(rows, line.collection_id)
        upload = replace(an_upload(line.entity, request_id="r"), base_version_id=base.id)

        await rows.uploads.insert(upload)

        assert await rows.uploads.get(UPLOAD) == upload
        assert await rows.uploads.by_request_id(line.entity.id, "r") == upload
        assert await rows.uploads.get("another") is None

    @in_one_write
    async def test_a_request_id_begins_one_upload_of_its_entity(self, rows: Rows) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        other = await rows.names.ensure_entity("other", now_us=1)
        await rows.uploads.insert(an_upload(acme, "u1", request_id="r"))

        with pytest.raises(AlreadyExistsError):
            await rows.uploads.insert(an_upload(acme, "u2", request_id="r"))

        await rows.uploads.insert(an_upload(other, "u3", request_id="r"))
        assert await rows.uploads.get("u2") is None
        theirs = await rows.uploads.by_request_id(other.id, "r")
        assert theirs is not None
        assert theirs.upload_id == "u3"

    @in_one_write
    async def test_a_request_id_that_is_forgotten_may_begin_another_upload(
        self, rows: Rows
    ) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        await rows.uploads.insert(an_upload(acme, "u1", request_id="r"))

        await rows.uploads.forget_request("u1")

        assert await rows.uploads.by_request_id(acme.id, "r") is None
        await rows.uploads.insert(an_upload(acme, "u2", request_id="r"))
        again = await rows.uploads.by_request_id(acme.id, "r")
        assert again is not None
        assert again.upload_id == "u2"

    @in_one_write
    async def test_uploads_without_a_request_id_have_nothing_in_common(self, rows: Rows) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        await rows.uploads.insert(an_upload(acme, "u1"))
        await rows.uploads.insert(an_upload(acme, "u2"))

        assert await rows.uploads.by_request_id(acme.id, "") is None

    @in_one_write
    async def test_open_uploads_are_counted_by_entity(self, rows: Rows) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        other = await rows.names.ensure_entity("other", now_us=1)
        for number in range(3):
            await rows.uploads.insert(an_upload(acme, f"u{number}"))
        await rows.uploads.insert(an_upload(other, "theirs"))
        await rows.uploads.end("u1", UploadState.ABORTED)

        assert await rows.uploads.count_open(acme.id) == 2

    @in_one_write
    async def test_only_an_open_upload_is_renewed(self, rows: Rows) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        open_, ended = an_upload(acme, "open"), an_upload(acme, "ended")
        await rows.uploads.insert(open_)
        await rows.uploads.insert(ended)
        await rows.uploads.end("ended", UploadState.ABORTED)

        await rows.uploads.renew("open", expires_at_us=9_000)
        await rows.uploads.renew("ended", expires_at_us=9_000)

        assert await rows.uploads.get("open") == replace(open_, expires_at_us=9_000)
        assert await rows.uploads.get("ended") == replace(ended, state=UploadState.ABORTED)

    @in_one_write
    async def test_an_upload_ends_once_and_keeps_what_its_commit_answered(self, rows: Rows) -> None:
        line = await a_line(rows)
        version = await a_version(rows, line.collection_id)
        upload = an_upload(line.entity)
        await rows.uploads.insert(upload)
        result = CommitResult(version.id, False, ("description", "metadata_json"))

        ended = await rows.uploads.end(
            UPLOAD, UploadState.COMMITTED, commit_hash=b"h", commit_result=result
        )
        again = await rows.uploads.end(UPLOAD, UploadState.ABORTED)

        assert (ended, again) == (True, False)
        assert await rows.uploads.end("another", UploadState.ABORTED) is False
        assert await rows.uploads.get(UPLOAD) == replace(
            upload, state=UploadState.COMMITTED, commit_hash=b"h", commit_result=result
        )

    @in_one_write
    async def test_uploads_whose_lease_ended_expire(self, rows: Rows) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        for upload_id, expires_at_us in (("past", 10), ("now", 20), ("future", 21), ("done", 10)):
            upload = replace(an_upload(acme, upload_id), expires_at_us=expires_at_us)
            await rows.uploads.insert(upload)
        await rows.uploads.end("done", UploadState.COMMITTED)

        assert await rows.uploads.expire_due(now_us=20) == 2
        assert await rows.uploads.expire_due(now_us=20) == 0

        states = {}
        for upload_id in ("past", "now", "future", "done"):
            found = await rows.uploads.get(upload_id)
            assert found is not None
            states[upload_id] = found.state
        assert states == {
            "past": UploadState.EXPIRED,
            "now": UploadState.EXPIRED,
            "future": UploadState.OPEN,
            "done": UploadState.COMMITTED,
        }


class Staging:
    @in_one_write
    async def test_runs_come_in_the_order_of_staging(self, rows: Rows) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        await rows.uploads.insert(an_upload(acme))
        runs = [
            a_run("w", 1, 0),
            a_run("w", 1, 1),
            a_run("v", None),
            a_run("w", 2),
            a_run("v", None),
        ]

        await rows.staging.add(UPLOAD, runs[:2])
        await rows.staging.add(UPLOAD, runs[2:])

        stored = await rows.staging.runs(UPLOAD)
        ids = [run.id for run in stored]
        assert without_ids(stored) == runs
        assert ids == sorted(set(ids))
        assert ids[0] > 0

    @in_one_write
    async def test_the_last_seq_is_the_writers_own(self, rows: Rows) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        for upload_id in ("u1", "u2"):
            await rows.uploads.insert(an_upload(acme, upload_id))
        await rows.staging.add("u1", [a_run("w", 1), a_run("w", 2), a_run("v", 9), a_run("", None)])
        await rows.staging.add("u2", [a_run("w", 7)])

        assert await rows.staging.last_seq("u1", "w") == 2
        assert await rows.staging.last_seq("u1", "v") == 9
        assert await rows.staging.last_seq("u1", "") == 0
        assert await rows.staging.last_seq("u2", "v") == 0

    @in_one_write
    async def test_writers_tell_how_far_they_came(self, rows: Rows) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        await rows.uploads.insert(an_upload(acme))
        assert await rows.staging.writers(UPLOAD) == []
        await rows.staging.add(
            UPLOAD, [a_run("w", 1, 0), a_run("w", 1, 1), a_run("w", 2), a_run("", None)]
        )

        assert await rows.staging.writers(UPLOAD) == [
            WriterProgress("", 0, 3),
            WriterProgress("w", 2, 9),
        ]

    @in_one_write
    async def test_resolved_runs_are_marked(self, rows: Rows) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        await rows.uploads.insert(an_upload(acme))
        await rows.staging.add(UPLOAD, [a_run("w", seq) for seq in range(1, 1_203)])
        runs = await rows.staging.runs(UPLOAD)

        await rows.staging.mark_resolved([run.id for run in runs[1:]])

        resolved = [run.resolved for run in await rows.staging.runs(UPLOAD)]
        assert resolved == [False] + [True] * 1_201

    @in_one_write
    async def test_clearing_an_upload_leaves_the_others(self, rows: Rows) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        for upload_id in ("u1", "u2"):
            await rows.uploads.insert(an_upload(acme, upload_id))
            await rows.staging.add(upload_id, [a_run("w", 1)])

        await rows.staging.clear("u1")

        assert await rows.staging.runs("u1") == []
        assert len(await rows.staging.runs("u2")) == 1


class UploadsContract(Uploads, Staging):
    """Everything about uploads."""
