"""The past of aliases, the way back and protection through the client, with and without await."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import hydria
from hydria.alias_errors import NoPreviousVersionError
from hydria.client import AsyncClient
from hydria.errors import (
    AliasConflictError,
    AliasNotFoundError,
    InvalidArgumentError,
    ResourceInUseError,
)
from hydria.records import VersionState
from tests.client.trees import plant
from tests.servers import server_process


async def two_versions(client: AsyncClient, folder: Path) -> None:
    """Make `net:v0` and `net:v1`, which have both been `production`."""
    for at in range(2):
        source = plant(folder / str(at), {"a": bytes([at])})
        await client.log("net", source, type="model", aliases=["production"])


async def test_the_past_is_listed_and_resolved(client: AsyncClient, tmp_path: Path) -> None:
    await two_versions(client, tmp_path)
    newer, older = await client.registry.history("team/birds/net", "production").to_list()
    assert (newer.version_ref, newer.to_time) == ("team/birds/net:v1", None)
    assert (older.version, older.to_time, older.actor) == ("v0", newer.from_time, "anonymous")
    assert len(await client.registry.history("birds/net").to_list()) == 4

    then = await client.version("net:production", as_of=older.from_time)
    assert then.ref == "team/birds/net:v0"
    assert (await client.version("net:production", as_of=newer.from_time)).version == "v1"
    with pytest.raises(AliasNotFoundError):
        await client.version("net:production", as_of=older.from_time - timedelta(hours=1))
    (held,) = await client.registry.history(
        "birds/net", "production", as_of=older.from_time
    ).to_list()
    assert held.version == "v0"
    await client.delete_version("net:v0")
    gone = await client.version("net:production", as_of=older.from_time)
    assert gone.state is VersionState.DELETED
    last = await client.registry.history("birds/net", "production").to_list()
    assert [each.state.value for each in last] == ["COMMITTED", "DELETED"]


async def test_a_time_without_a_time_zone_is_refused(client: AsyncClient) -> None:
    with pytest.raises(InvalidArgumentError, match="time zone"):
        await client.version("net", as_of=datetime(2026, 5, 4, 9))  # noqa: DTZ001
    with pytest.raises(InvalidArgumentError, match="time zone"):
        client.registry.history("net", as_of=datetime(2026, 5, 4, 9))  # noqa: DTZ001


async def test_an_alias_goes_back_and_forth(client: AsyncClient, tmp_path: Path) -> None:
    await two_versions(client, tmp_path)
    done = await client.registry.rollback("birds/net", "production", expected_version="v1")
    assert (done.change.version, done.change.previous_version) == ("v0", "v1")
    assert done.version.ref == "team/birds/net:v0"
    with pytest.raises(AliasConflictError):
        await client.registry.rollback("birds/net", "production", expected_version="v1")
    assert (await client.registry.rollback("birds/net", "production")).change.version == "v1"
    await client.delete_version("net:v0")
    with pytest.raises(NoPreviousVersionError) as refusal:
        await client.registry.rollback("birds/net", "production")
    assert refusal.value.details["deleted"] == "v0"


def test_without_await_a_registered_model_is_protected_and_freed(tmp_path: Path) -> None:
    source = plant(tmp_path / "source", {"a": b"1"})
    with (
        server_process(tmp_path / "store") as server,
        hydria.Client(server.address, entity="acme", cache_dir=tmp_path / "cache") as client,
    ):
        client.log("birds/net", source, type="model")
        client.registry.link("birds/net", "Net", aliases=["production"])
        assert client.registry.protect("Net", ["production"]) == ("production",)
        assert client.registry.protect("model-registry", ["gold"], is_registry=True) == ("gold",)
        assert client.registry.get().protected_aliases == ("gold",)
        model = client.collection("model-registry/Net")
        assert model.protected_aliases == ("gold", "production")
        with pytest.raises(ResourceInUseError) as refusal:
            client.delete_version("birds/net:v0", delete_aliases=True, force=True)
        assert refusal.value.details == {"protected_aliases": "acme/model-registry/Net:production"}
        assert client.registry.unprotect("Net", ["production"]) == ()
        assert client.registry.unprotect("model-registry", ["gold"], is_registry=True) == ()
        (held,) = client.registry.history("Net", "production")
        now = datetime.now(UTC) + timedelta(hours=1)
        assert client.version("model-registry/Net:production", as_of=now).version == held.version
        client.update_aliases(
            "model-registry/Net", [hydria.AliasOperation(alias="production", version=None)]
        )
        assert client.registry.rollback("Net", "production").change.previous_version == ""
        client.delete_version("birds/net:v0", delete_aliases=True, force=True)
