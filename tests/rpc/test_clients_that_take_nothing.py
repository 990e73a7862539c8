"""Clients that stop reading a stream of responses, or go away in the middle of it."""

from __future__ import annotations

import pytest

from hydria.v1 import artifact_pb2 as pb
from tests.noise import noise
from tests.rpc.call_log import call_log
from tests.servers import Server, memory_server, settings_for_tests
from tests.teams import Download, Team

BIG = noise(24 << 20, 7)


async def log_big_file(server: Server) -> Team:
    team = Team.new(server)
    upload_id = await team.begin()
    await team.upload(upload_id, "big.bin", BIG)
    await team.commit(upload_id)
    return team


async def test_a_download_that_is_not_taken_ends_as_stalled_and_holds_nothing() -> None:
    async with memory_server(settings=settings_for_tests(stall_timeout_seconds=0.2)) as server:
        team = await log_big_file(server)
        with call_log() as log:
            call = server.stub.Download(pb.DownloadRequest(ref=team.ref()))
            await call.read()
            ended = await log.ended("Download")
        assert ended["reason"] == "STREAM_STALLED"
        assert server.services.read_budget.used_bytes == 0
        call.cancel()
        assert len((await team.contents())["big.bin"]) == len(BIG)


@pytest.mark.parametrize("frames_read", [1, 3])
async def test_a_client_that_goes_away_while_it_downloads_leaves_nothing_behind(
    frames_read: int,
) -> None:
    async with memory_server() as server:
        team = await log_big_file(server)
        with call_log() as log:
            call = server.stub.Download(pb.DownloadRequest(ref=team.ref()))
            download = Download()
            for _ in range(frames_read):
                frame = await call.read()
                assert isinstance(frame, pb.DownloadResponse)
                download.take(frame)
            call.cancel()
            ended = await log.ended("Download")
        assert ended["code"] == "CANCELLED"
        assert server.services.read_budget.used_bytes == 0
        assert (await team.contents())["big.bin"] == BIG
