"""A line that breaks, a lease that runs out, a server that says no in the middle."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hydria.client import AsyncClient
from hydria.errors import (
    ClientClosedError,
    HydriaError,
    NotFoundError,
    ServerUnavailableError,
    UploadNotOpenError,
)
from hydria.options import TransferOptions
from hydria.records import Phase, Progress
from hydria.retry import Patience
from hydria.upload.lanes import Lane
from hydria.upload.session import UploadSession
from hydria.v1 import artifact_pb2 as pb
from hydria_server.settings import Settings
from tests.client.lines import Line
from tests.client.trees import MIB, content, plant, tree_of
from tests.servers import Server, memory_server

SLOW = pytest.mark.slow  # another byte at which the line breaks, which others show too
FILES = {f"{number}": content(3 * MIB, number) for number in range(6)} | {
    f"tiny/{number}": b"%d" % number for number in range(100)
}
MANY = FILES | {f"tiny/{number}": b"%d" % number for number in range(1100)}  # more than a batch


@pytest.mark.parametrize("after_bytes", [10, pytest.param(MIB, marks=SLOW), 15 * MIB])
async def test_an_upload_goes_on_after_the_line_broke(
    client_on_line: AsyncClient, line: Line, tmp_path: Path, after_bytes: int
) -> None:
    source = plant(tmp_path / "source", FILES)
    await client_on_line.ping()
    line.cut_after_sent_bytes.append(after_bytes)

    result = await client_on_line.log("calls", source, type="dataset")

    assert line.cuts == 1
    assert result.created
    assert result.new_bytes == result.size_bytes
    await client_on_line.download("calls", tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == FILES


async def test_an_upload_survives_a_line_that_breaks_again_and_again(
    client_on_line: AsyncClient, line: Line, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", MANY)
    await client_on_line.ping()
    line.cut_after_sent_bytes += [3 * MIB, 1000, 100, 5 * MIB, 2 * MIB]

    result = await client_on_line.log("calls", source, type="dataset")

    assert line.cuts == 5
    assert result.new_bytes == result.size_bytes
    await client_on_line.download("calls", tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == MANY


async def test_what_became_durable_is_not_sent_again(
    client_on_line: AsyncClient, line: Line, tmp_path: Path
) -> None:
    size_bytes = 60 * MIB
    source = plant(tmp_path / "source", {"big": content(size_bytes)})
    await client_on_line.ping()
    line.cut_after_sent_bytes.append(56 * MIB)

    result = await client_on_line.log("calls", source, type="dataset")

    assert line.cuts == 1
    assert result.sent_bytes <= size_bytes + 33 * MIB  # at most what was not acknowledged


@pytest.mark.parametrize(
    "after_bytes",
    [10, pytest.param(5000, marks=SLOW), pytest.param(7 * MIB, marks=SLOW), 17 * MIB],
)
async def test_a_download_goes_on_after_the_line_broke(
    client_on_line: AsyncClient, line: Line, tmp_path: Path, after_bytes: int
) -> None:
    await client_on_line.log("calls", plant(tmp_path / "source", FILES), type="dataset")
    line.cut_after_received_bytes.append(after_bytes)

    result = await client_on_line.download("calls", tmp_path / "copy")

    assert line.cuts == 1
    assert tree_of(tmp_path / "copy") == FILES
    assert result.received_bytes <= result.size_bytes + 4 * MIB


async def test_reading_goes_on_after_the_line_broke(
    client_on_line: AsyncClient, line: Line, tmp_path: Path
) -> None:
    await client_on_line.log("calls", plant(tmp_path / "source", FILES), type="dataset")
    line.cut_after_received_bytes.append(2 * MIB)

    assert await client_on_line.read("calls", "3") == FILES["3"]
    assert line.cuts == 1


async def test_a_server_that_stays_away_ends_in_an_error_that_says_so(
    line: Line, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", FILES)
    options = TransferOptions(retry_seconds=0.5)
    async with AsyncClient(
        line.address, project="birds", cache_dir=tmp_path / "cache", options=options
    ) as client:

        def unplug(progress: Progress) -> None:
            if progress.sent_bytes and not line.is_down:
                line.is_down = True
                line.cut()

        with pytest.raises(ServerUnavailableError):
            await client.log("calls", source, type="dataset", progress=unplug)


async def test_two_streams_send_everything_too(line: Line, tmp_path: Path) -> None:
    source = plant(tmp_path / "source", FILES)
    options = TransferOptions(stream_count=3, retry_seconds=20)
    async with AsyncClient(
        line.address, project="birds", cache_dir=tmp_path / "cache", options=options
    ) as client:
        await client.ping()
        line.cut_after_sent_bytes.append(9 * MIB)
        await client.log("calls", source, type="dataset")
        await client.download("calls", tmp_path / "copy")

    assert tree_of(tmp_path / "copy") == FILES


async def test_streams_that_always_break_end_in_an_error_although_asking_works(
    client_on_line: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Lane) -> None:
        await self._next_batch()
        raise ServerUnavailableError("streams do not get through")

    monkeypatch.setattr(Lane, "_run_stream", broken)
    monkeypatch.setattr(client_on_line._runtime, "options", TransferOptions(retry_seconds=0.5))

    with pytest.raises(ServerUnavailableError, match="do not get through"):
        await client_on_line.log("calls", plant(tmp_path / "source", FILES), type="dataset")


async def test_a_log_begins_another_upload_when_its_lease_ran_out(tmp_path: Path) -> None:
    days = 0
    source = plant(tmp_path / "source", FILES)
    async with (
        memory_server(clock=lambda: days * 86_400_000_000) as server,
        AsyncClient(server.address, project="birds", cache_dir=tmp_path / "cache") as client,
    ):
        stage = UploadSession.stage
        staged: list[str] = []

        async def stage_late(
            self: UploadSession, request: pb.StageFilesRequest
        ) -> pb.StageFilesResponse:
            nonlocal days
            staged.append(self.upload_id)
            if len(staged) == 1:
                days = 3
                await server.services.sessions.expire_due()
            return await stage(self, request)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(UploadSession, "stage", stage_late)
            result = await client.log("calls", source, type="dataset")

    assert result.created
    assert len(set(staged)) == 2
    assert result.sent_bytes == 0  # of the second upload: all is there


class Closing:
    """A progress callback that closes a client in one phase."""

    def __init__(self, client: AsyncClient, phase: Phase) -> None:
        self._client = client
        self._phase = phase
        self._closing: list[asyncio.Task[None]] = []

    def __call__(self, progress: Progress) -> None:
        if progress.phase is self._phase:
            self._closing.append(asyncio.create_task(self._client.close()))

    async def done(self) -> None:
        assert self._closing
        await asyncio.gather(*self._closing)


async def test_closing_a_client_ends_its_upload(
    client: AsyncClient, server: Server, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", FILES)
    closing = Closing(client, Phase.UPLOAD)

    with pytest.raises(ClientClosedError):
        await client.log("calls", source, type="dataset", progress=closing)
    await closing.done()

    async with AsyncClient(server.address, entity="team", project="birds") as other:
        with pytest.raises(NotFoundError):
            await other.version("calls")


async def test_closing_a_client_ends_its_download_and_cleans_up(
    client: AsyncClient, tmp_path: Path
) -> None:
    await client.log("calls", plant(tmp_path / "source", FILES), type="dataset")
    closing = Closing(client, Phase.DOWNLOAD)

    with pytest.raises(ClientClosedError):
        await client.download("calls", tmp_path / "copy", progress=closing)
    await closing.done()

    assert not list((tmp_path / "copy").glob(".hydria*"))


async def test_an_upload_that_somebody_aborts_ends_in_that_error_and_at_once(
    client: AsyncClient, server: Server, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", FILES)
    aborting: list[asyncio.Task[object]] = []

    async def abort(upload_id: str) -> None:
        await server.stub.AbortUpload(pb.AbortUploadRequest(upload_id=upload_id))

    def report(progress: Progress) -> None:
        if progress.sent_bytes and not aborting:
            aborting.append(asyncio.create_task(abort(began[0])))

    began: list[str] = []
    create = UploadSession.create

    async def noting(*arguments: object, **options: object) -> UploadSession:
        session = await create(*arguments, **options)  # type: ignore[arg-type]
        began.append(session.upload_id)
        return session

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(UploadSession, "create", noting)
        with pytest.raises(UploadNotOpenError):
            await client.log("calls", source, type="dataset", progress=report)
    assert len(began) == 1
    await asyncio.gather(*aborting)


async def test_a_reader_that_pauses_for_too_long_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stalls: list[HydriaError] = []
    wait = Patience.wait_after_stream

    async def note(self: Patience, error: HydriaError, *, has_moved: bool) -> None:
        stalls.append(error)
        await wait(self, error, has_moved=has_moved)

    monkeypatch.setattr(Patience, "wait_after_stream", note)
    settings = Settings(
        data=tmp_path, listen="127.0.0.1:0", stall_timeout_seconds=0.2, drain_seconds=0.5
    )
    data = content(48 * MIB, 5)
    async with (
        memory_server(settings=settings) as server,
        AsyncClient(server.address, project="birds", cache_dir=tmp_path / "cache") as client,
    ):
        await client.log("calls", plant(tmp_path / "source", {"big": data}), type="dataset")
        pieces: list[bytes] = []
        async for piece in client.iter_bytes("calls", "big"):
            if not pieces:
                await asyncio.sleep(0.6)  # long for this server; there is no event to wait for
            pieces.append(piece)

    assert b"".join(pieces) == data
    assert [error.reason for error in stalls] == ["STREAM_STALLED"]
