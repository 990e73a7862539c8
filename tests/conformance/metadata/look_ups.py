"""What must be true of look-ups: reads of one statement beside the transactions."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hydria_server.domain.errors import StorageUnavailableError
from hydria_server.domain.kinds import CollectionKind
from hydria_server.domain.links import NewLink
from hydria_server.domain.records import VersionRecord
from hydria_server.storage.metadata.interface import MetadataStore, Rows
from tests.conformance.metadata.given import Line, a_line, a_version

CATS = ("acme", "vision", "cats")


async def a_pointed_version(rows: Rows) -> tuple[Line, VersionRecord]:
    """Return v1 of two, which has two aliases, two tags and words."""
    line = await a_line(rows)
    await a_version(rows, line.collection_id)
    version = await a_version(
        rows, line.collection_id, tags=["b", "a"], description="é", metadata_json='{"a": 1.0}'
    )
    for alias in ("latest", "best"):
        await rows.aliases.point(line.collection_id, alias, version.id, now_us=5)
    return line, replace(version, aliases=("best", "latest"))


class LookUpsContract:
    async def test_a_look_up_finds_what_a_transaction_finds(self, store: MetadataStore) -> None:
        _line, version = await store.write(a_pointed_version)

        assert await store.look_ups.resolve_alias(*CATS, "best") == version
        assert await store.look_ups.resolve_number(*CATS, 1) == version
        assert await store.read(lambda rows: rows.versions.resolve_number(*CATS, 1)) == version
        for names in (("b", "vision", "cats"), ("acme", "b", "cats"), ("acme", "vision", "b")):
            assert await store.look_ups.resolve_alias(*names, "best") is None
            assert await store.look_ups.resolve_number(*names, 1) is None
        assert await store.look_ups.resolve_alias(*CATS, "Best") is None
        assert await store.look_ups.resolve_number(*CATS, 2) is None

    async def test_a_look_up_of_a_link_finds_the_words_of_its_source(
        self, store: MetadataStore
    ) -> None:
        _line, source = await store.write(a_pointed_version)

        async def link(rows: Rows) -> VersionRecord:
            registry = await rows.registries.create(
                source.entity_id, "registry-a", description="", types=(), now_us=6
            )
            model = await rows.names.create_collection(
                registry, "m", "dataset", now_us=6, kind=CollectionKind.PORTFOLIO
            )
            made = await rows.links.insert(NewLink(model, 0, source.id, 6))
            await rows.aliases.point(model, "prod", made.id, now_us=6)
            return await rows.versions.by_id(made.id)

        made = await store.write(link)

        assert made.source is not None
        assert await store.look_ups.resolve_alias("acme", "registry-a", "m", "prod") == made
        assert await store.look_ups.resolve_number("acme", "registry-a", "m", 0) == made

    async def test_a_look_up_follows_no_redirect_and_sees_nothing_deleted(
        self, store: MetadataStore
    ) -> None:
        line, version = await store.write(a_pointed_version)

        async def delete_version(rows: Rows) -> None:
            await rows.versions.mark_deleted([version.id], now_us=6)
            await rows.names.rename_collection(line.collection_id, "felines", now_us=6)

        await store.write(delete_version)
        felines = ("acme", "vision", "felines")
        assert await store.look_ups.resolve_alias(*CATS, "best") is None
        assert await store.look_ups.resolve_number(*CATS, 0) is None
        assert await store.look_ups.resolve_number(*felines, 1) is None, "it is deleted"
        assert await store.look_ups.resolve_number(*felines, 0) is not None

        await store.write(lambda rows: rows.names.delete_collection(line.collection_id, now_us=7))
        assert await store.look_ups.resolve_alias(*felines, "best") is None
        assert await store.look_ups.resolve_number(*felines, 0) is None

    async def test_a_look_up_sees_all_that_was_committed_before(self, store: MetadataStore) -> None:
        line, _version = await store.write(a_pointed_version)
        for number in range(2, 30):

            async def move(rows: Rows) -> VersionRecord:
                version = await a_version(rows, line.collection_id)
                await rows.aliases.point(line.collection_id, "best", version.id, now_us=5)
                return version

            made = await store.write(move)
            found = await store.look_ups.resolve_alias(*CATS, "best")
            assert found == replace(made, aliases=("best",))
            assert found == await store.look_ups.resolve_number(*CATS, number)

    async def test_everybody_gets_an_own_answer_though_some_give_up(
        self, store: MetadataStore
    ) -> None:
        line = await store.write(a_line)
        for _ in range(20):
            await store.write(lambda rows: a_version(rows, line.collection_id))

        async def ask(number: int) -> int | None:
            for _ in range(5):
                found = await store.look_ups.resolve_number(*CATS, number)
                assert (found.number if found else None) == (number if number < 20 else None)
            return number

        for round_ in range(10):
            asking = [asyncio.create_task(ask(number)) for number in range(25)]
            for _ in range(round_):
                await asyncio.sleep(0)
            for task in asking[::3]:
                task.cancel()
            done = await asyncio.gather(*asking, return_exceptions=True)
            for number, outcome in enumerate(done):
                gave_up = isinstance(outcome, asyncio.CancelledError) and number % 3 == 0
                assert gave_up or outcome == number

    async def test_a_store_that_closes_leaves_nobody_waiting(self, store: MetadataStore) -> None:
        _line, version = await store.write(a_pointed_version)
        asking = [
            asyncio.create_task(store.look_ups.resolve_alias(*CATS, "best")) for _ in range(20)
        ]
        await asyncio.sleep(0)
        await store.close()

        async with asyncio.timeout(30):
            outcomes = await asyncio.gather(*asking, return_exceptions=True)
        assert outcomes[0] == version, "what has begun"
        for outcome in outcomes:
            assert outcome == version or isinstance(outcome, StorageUnavailableError)
        with pytest.raises(StorageUnavailableError):
            await store.look_ups.resolve_alias(*CATS, "best")
