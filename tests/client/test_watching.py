"""`watch` and `events` of the client: they go on where they were, whatever happens to the line."""

from __future__ import annotations

import asyncio
import queue
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import hydria
from hydria.client import AsyncClient
from hydria.errors import ClientClosedError, HydriaError, InvalidArgumentError, RefInvalidError
from hydria.history_records import AliasHolder, AliasSnapshot, Event
from hydria.retry import Patience
from hydria.watch_errors import WatchTokenCompactedError, WatchTokenInvalidError
from hydria.watching import Watch, Watched
from tests.client.lines import Line
from tests.histories import forget_all
from tests.servers import Server, server_process


async def events(watch: Watch, count: int) -> list[str]:
    """Return the next events of a watch, in short."""
    found: list[str] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            item = await anext(watch)
            assert isinstance(item, Event)
            found.append(f"{item.type} {item.alias or item.collection}")
    return found


async def snapshot(watch: Watch) -> dict[str, str]:
    """Return where aliases point, as the next item of a watch tells."""
    item = await anext(watch)
    assert isinstance(item, AliasSnapshot)
    return {holder.alias: holder.version_ref for holder in item.holders}


@pytest.fixture
async def v0(client: AsyncClient, tmp_path: Path) -> str:
    (tmp_path / "a").write_bytes(b"1")
    return (await client.log("calls", tmp_path / "a", type="model", aliases=["best"])).version.ref


async def test_a_watch_begins_with_a_snapshot_and_goes_on_with_what_happens(
    client: AsyncClient, v0: str
) -> None:
    async with client.watch("team/birds/calls", types=["alias_set"], snapshot=True) as watch:
        first = await anext(watch)
        assert isinstance(first, AliasSnapshot)
        assert {holder.alias: holder.version_ref for holder in first.holders} == {
            "best": v0,
            "latest": v0,
        }
        assert all(isinstance(holder, AliasHolder) for holder in first.holders)
        assert first.token == watch.token
        await client.set_aliases(v0, ["good"])
        event = await anext(watch)
        assert isinstance(event, Event)
        assert (event.type, event.alias, event.version_ref) == ("alias_set", "good", v0)
        assert event.token == watch.token != first.token
        assert event.data["digest"] == first.holders[0].digest


async def test_a_watch_survives_the_loss_of_its_line(
    client: AsyncClient, client_on_line: AsyncClient, line: Line, v0: str
) -> None:
    async with client_on_line.watch("team", snapshot=True) as watch:
        await snapshot(watch)
        for number in range(5):
            await client.set_aliases(v0, [f"alias-{number}"])
            line.cut()
            assert await events(watch, 1) == [f"alias_set alias-{number}"]


async def test_a_watch_survives_a_server_that_stops_and_comes_back(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").write_bytes(b"1")
    with server_process(tmp_path / "data") as process:
        async with AsyncClient(process.address, project="p", cache_dir=tmp_path / "c") as client:
            ref = (await client.log("calls", tmp_path / "a", type="model")).version.ref
            async with client.watch(types=["alias_set"], snapshot=True) as watch:
                await snapshot(watch)
                await client.set_aliases(ref, ["before"])
                assert await events(watch, 1) == ["alias_set before"]
                waiting = asyncio.create_task(events(watch, 1))
                await asyncio.to_thread(process.terminate)
                with server_process(tmp_path / "data", "--listen", process.address):
                    async with AsyncClient(process.address, project="p") as another:
                        await another.set_aliases(ref, ["after"])
                    assert await waiting == ["alias_set after"]


async def test_a_watch_goes_on_after_a_token_that_was_kept(client: AsyncClient, v0: str) -> None:
    async with client.watch(snapshot=True) as watch:
        await snapshot(watch)
        await client.set_aliases(v0, ["a", "b"])
        assert await events(watch, 1) == ["alias_set a"]
        token = watch.token
    async with client.watch(token=token, snapshot=True) as watch:
        assert await events(watch, 1) == ["alias_set b"]


async def test_an_iteration_that_was_cancelled_can_be_gone_on_with(
    client: AsyncClient, v0: str
) -> None:
    async with client.watch(snapshot=True) as watch:
        await snapshot(watch)
        for number in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await anext(watch)
            await client.set_aliases(v0, [f"alias-{number}"])
            assert await events(watch, 1) == [f"alias_set alias-{number}"]


async def listen(watch: Watch, heard: asyncio.Queue[Watched]) -> None:
    """Put what a watch tells into a queue, until it ends."""
    async for item in watch:
        heard.put_nowait(item)


async def test_closing_ends_an_iteration_that_waits_in_another_task(
    client: AsyncClient, v0: str
) -> None:
    heard: asyncio.Queue[Watched] = asyncio.Queue()
    async with asyncio.timeout(30), client.watch(snapshot=True) as watch:
        listening = asyncio.create_task(listen(watch, heard))
        assert isinstance(await heard.get(), AliasSnapshot)

        await watch.aclose()

        await listening
        with pytest.raises(StopAsyncIteration):
            await anext(watch)


async def test_closing_ends_an_iteration_that_waits_to_connect_anew(
    client_on_line: AsyncClient, line: Line, v0: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = asyncio.Event()

    async def wait_for_ever(_patience: Patience, _error: HydriaError) -> None:
        waits.set()
        await asyncio.get_running_loop().create_future()

    heard: asyncio.Queue[Watched] = asyncio.Queue()
    async with asyncio.timeout(30), client_on_line.watch("team", snapshot=True) as watch:
        listening = asyncio.create_task(listen(watch, heard))
        await heard.get()
        monkeypatch.setattr(Patience, "wait_after", wait_for_ever)
        line.is_down = True
        line.cut()
        await waits.wait()

        await watch.aclose()

        await listening


async def test_a_task_that_is_cancelled_while_its_watch_is_closed_is_cancelled(
    client: AsyncClient, v0: str
) -> None:
    heard: asyncio.Queue[Watched] = asyncio.Queue()
    async with asyncio.timeout(30), client.watch(snapshot=True) as watch:
        listening = asyncio.create_task(listen(watch, heard))
        await heard.get()
        listening.cancel()
        await watch.aclose()
        with pytest.raises(asyncio.CancelledError):
            await listening


async def test_a_watch_without_a_sign_of_life_connects_anew(
    client: AsyncClient, client_on_line: AsyncClient, line: Line, v0: str
) -> None:
    async with asyncio.timeout(30), client_on_line.watch("team", snapshot=True) as watch:
        await snapshot(watch)
        assert watch._line is not None
        stream = watch._line.stream
        waiting = asyncio.create_task(events(watch, 1))
        await asyncio.sleep(0)  # it reads
        stream._stall_seconds = 0.0
        stream._look()  # as its timer does
        await client.set_aliases(v0, ["good"])
        assert await waiting == ["alias_set good"]
        assert watch._line.stream is not stream


async def test_a_token_that_the_history_does_not_reach_is_an_error_or_a_new_snapshot(
    client: AsyncClient, server: Server, v0: str
) -> None:
    async with client.watch(snapshot=True) as watch:
        await snapshot(watch)
        token = watch.token
    await client.set_aliases(v0, ["good"])
    await forget_all(server, "team")
    async with client.watch(token=token) as watch:
        with pytest.raises(WatchTokenCompactedError):
            await anext(watch)
    async with client.watch(token=token, snapshot_again=True) as watch:
        assert await snapshot(watch) == {"best": v0, "good": v0, "latest": v0}
        await client.set_aliases(v0, ["more"])
        assert await events(watch, 1) == ["alias_set more"]


async def test_a_garbled_token_is_an_error_at_once(client: AsyncClient) -> None:
    async with client.watch(token=b"garbage") as watch:
        with pytest.raises(WatchTokenInvalidError):
            await anext(watch)


async def test_wrong_words_are_refused_before_anything_is_sent(client: AsyncClient) -> None:
    with pytest.raises(RefInvalidError):
        client.watch("a/b/c/d")
    with pytest.raises(InvalidArgumentError, match="alias_set"):
        client.events(types=["alias_moved"])


async def test_a_watch_ends_with_its_client(client: AsyncClient, v0: str) -> None:
    watch = client.watch(snapshot=True)
    await snapshot(watch)
    waiting = asyncio.create_task(anext(watch))
    await asyncio.sleep(0)
    await client.close()
    with pytest.raises(ClientClosedError):
        async with asyncio.timeout(30):
            await waiting


async def test_events_are_listed_newest_first(client: AsyncClient, v0: str) -> None:
    await client.set_aliases(v0, ["good"])
    listed = [event async for event in client.events("team/birds/calls")]
    assert [event.type for event in listed] == [
        "alias_set",
        "alias_set",
        "alias_set",
        "version_committed",
        "collection_created",
    ]
    assert (listed[0].alias, listed[0].version_ref, listed[0].token) == ("good", v0, b"")
    oldest = client.events("team", types=["alias_set"], since=listed[1].time, oldest_first=True)
    assert [event.alias async for event in oldest] == ["best", "latest", "good"]


def test_without_await_a_watch_is_an_iterator(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    with (
        server_process(tmp_path / "data") as process,
        hydria.Client(process.address, project="p", cache_dir=tmp_path / "cache") as client,
    ):
        ref = client.log("calls", tmp_path / "a", type="model").version.ref
        with client.watch(snapshot=True) as watch:
            first = next(watch)
            assert isinstance(first, hydria.AliasSnapshot)
            client.set_aliases(ref, ["best"])
            event = next(watch)
            assert isinstance(event, hydria.Event)
            assert event.alias == "best"
            token = watch.token
        assert [event.alias for event in client.events(types=["alias_set"])] == ["best", "latest"]
        client.set_aliases(ref, ["more"])
        with client.watch(token=token) as watch:
            event = next(watch)
            assert isinstance(event, hydria.Event)
            assert event.alias == "more"


def test_without_await_closing_ends_an_iteration_of_another_thread(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    heard: queue.Queue[Watched] = queue.Queue()
    with (
        server_process(tmp_path / "data") as process,
        hydria.Client(process.address, project="p", cache_dir=tmp_path / "cache") as client,
        client.watch(snapshot=True) as watch,
        ThreadPoolExecutor(1) as threads,
    ):

        def listen_in_thread() -> None:
            for item in watch:
                heard.put(item)

        listening = threads.submit(listen_in_thread)
        assert isinstance(heard.get(timeout=30), AliasSnapshot)
        watch.close()
        listening.result(timeout=30)
