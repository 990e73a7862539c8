"""Searches through the client, with and without await."""

from __future__ import annotations

from pathlib import Path

import pytest

import hydria
from hydria.client import AsyncClient
from hydria.errors import FilterInvalidError, RefInvalidError
from tests.client.trees import plant
from tests.servers import server_process


async def test_versions_and_links_are_found_by_metadata(
    client: AsyncClient, tmp_path: Path
) -> None:
    for at in range(3):
        source = plant(tmp_path / f"{at}", {"a": b"%d" % at})
        await client.log("found", source, type="model", metadata={"found": {"at": at}})
    await client.registry.link("found:v1", "Found")

    found = [version.ref async for version in client.search("metadata.found.at >= 1")]
    links = client.search("metadata.found.at:*", kind="links")
    both = client.search("metadata.found.at = 1", kind="both", order_by="created_at")
    worst = client.search(
        "metadata.found:*", within="team/birds", order_by="metadata.found.at desc"
    )

    assert found == ["team/birds/found:v2", "team/birds/found:v1"]
    assert [link.ref async for link in links] == ["team/model-registry/Found:v0"]
    assert [each.collection async for each in both] == ["found", "Found"]
    assert [version.version async for version in worst] == ["v2", "v1", "v0"]
    models = client.search_collections("name:Fo*", kind="models")
    assert [model.name async for model in models] == ["Found"]


async def test_what_is_malformed_is_told(client: AsyncClient) -> None:
    with pytest.raises(RefInvalidError):
        client.search(within="a//b")
    with pytest.raises(RefInvalidError):
        client.search_collections(within="a/b/c")
    with pytest.raises(FilterInvalidError, match="column 13"):
        await client.search("metadata.a >").to_list()


def test_without_await(tmp_path: Path) -> None:
    with (
        server_process(tmp_path / "data") as running,
        hydria.Client(
            running.address, entity="team", project="birds", cache_dir=tmp_path / "cache"
        ) as client,
    ):
        client.log("net", plant(tmp_path / "net", {"a": b"1"}), type="model", metadata={"n": 1})
        assert [version.version for version in client.search("metadata.n = 1")] == ["v0"]
        assert [each.name for each in client.search_collections("type = model")] == ["net"]
