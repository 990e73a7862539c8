"""What is acknowledged while a commit is under way is in the version, or was refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hydria_server.domain.records import StagedRun, UploadRecord
from hydria_server.services.manifest_builder import BuiltManifest, ManifestBuilder
from hydria_server.services.sessions import UploadSessions
from tests.refusals import refused
from tests.servers import memory_server
from tests.teams import Team, entry, put


@pytest.mark.parametrize("way", ["StageFiles", "UploadFile"])
async def test_a_file_staged_while_the_manifest_is_built_is_in_the_version(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    build = ManifestBuilder.build
    built: list[BuiltManifest] = []

    async with memory_server() as server:
        team = Team.new(server)
        upload_id = await team.begin()
        await team.stage(upload_id, put(entry("early")))

        async def build_and_stage(
            self: ManifestBuilder, upload: UploadRecord, runs: Sequence[StagedRun]
        ) -> BuiltManifest:
            built.append(await build(self, upload, runs))
            if len(built) == 1 and way == "StageFiles":
                await team.stage(upload_id, put(entry("late")), writer="another")
            elif len(built) == 1:
                await team.upload(upload_id, "late", b"")
            return built[-1]

        monkeypatch.setattr(ManifestBuilder, "build", build_and_stage)
        committed = await team.commit(upload_id)
        assert committed.version.file_count == 2
        assert await team.paths() == ["early", "late"]
        assert len(built) == 2


async def test_a_batch_staged_while_its_upload_ends_is_late_not_misnumbered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with memory_server() as server:
        team = Team.new(server)
        upload_id = await team.begin()
        await team.stage(upload_id, put(entry("early")))
        require_open = UploadSessions.require_open

        async def require_open_and_abort(self: UploadSessions, upload_id: str) -> UploadRecord:
            upload = await require_open(self, upload_id)
            await self.abort(upload_id)
            monkeypatch.setattr(UploadSessions, "require_open", require_open)
            return upload

        monkeypatch.setattr(UploadSessions, "require_open", require_open_and_abort)
        with refused("UPLOAD_NOT_OPEN"):
            await team.stage(upload_id, put(entry("late")), seq=2)
