"""Registries and links through the client, and links read as any version."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

import hydria
from hydria.client import AsyncClient
from hydria.errors import AlreadyExistsError, ResourceInUseError, TypeMismatchError
from tests.client.trees import content, plant, tree_of
from tests.servers import server_process

FILES = {"weights.bin": content(700_000, 1), "below/config.json": b"{}"}
MODEL = "team/model-registry/Model Registry Tutorial"


async def test_a_model_is_handed_on_and_read_by_its_registered_name(
    client: AsyncClient, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", FILES)
    logged = await client.log("net", source, type="model", metadata={"epochs": 3})
    linked = await client.registry.link("net", MODEL, aliases=["staging"])
    again = await client.registry.link("net:v0", "Model Registry Tutorial")

    assert (linked.created, again.created, again.version) == (True, False, linked.version)
    assert linked.version.source_ref == logged.version.ref == "team/birds/net:v0"
    assert linked.version.metadata == {"epochs": 3}
    got = await client.download(f"{MODEL}:staging", tmp_path / "got")
    assert got.ref == f"{MODEL}:v0"
    assert tree_of(tmp_path / "got") == FILES
    assert (
        await client.read(f"{MODEL}:staging", "weights.bin", offset=5, length=9)
        == (FILES["weights.bin"][5:14])
    )
    assert [file.path async for file in client.files(MODEL)] == sorted(FILES)
    assert [link.ref async for link in client.registry.links("net")] == [f"{MODEL}:v0"]
    assert (await client.collection(MODEL)).is_registered_model
    assert not (await client.collection("net")).is_registered_model


async def test_aliases_and_words_of_a_link(client: AsyncClient, tmp_path: Path) -> None:
    for number in range(2):
        await client.log("net", plant(tmp_path / f"{number}", {"a": b"%d" % number}), type="model")
        await client.registry.link("net", MODEL)
    await client.set_aliases(f"{MODEL}:v0", ["production"])
    await client.update_version(f"{MODEL}:production", description="good")
    await client.update_collection(MODEL, description="# The card", tags=["vision"])

    assert (await client.version("net:v0")).description == "good"
    assert (await client.collection(MODEL)).aliases == ("latest", "production")
    with pytest.raises(ResourceInUseError, match="aliases"):
        await client.registry.unlink(f"{MODEL}:v0")
    with pytest.raises(ResourceInUseError, match="Model Registry Tutorial:v0"):
        await client.delete_version("net:v0")
    await client.registry.unlink("Model Registry Tutorial:v0", delete_aliases=True)
    await client.delete_version("net:v0")
    assert [link.version async for link in client.versions(MODEL)] == ["v1"]


async def test_registries_are_kept(client: AsyncClient, tmp_path: Path) -> None:
    await client.log("net", plant(tmp_path / "a", {"a": b"1"}), type="model")
    made = await client.registry.create("registry-field", description="ours", types=["dataset"])
    assert (made.path, made.types) == ("team/registry-field", ("dataset",))
    with pytest.raises(AlreadyExistsError):
        await client.registry.create("team/wandb-registry-field")
    with pytest.raises(TypeMismatchError):
        await client.registry.link("net", "registry-field/Net")
    await client.registry.update("registry-field", new_name="registry-b", types=["model"])
    model = await client.registry.create_model("registry-b/Net", type="model", tags=["a"])
    assert model.tags == ("a",)
    await client.registry.link("net", "registry-field/Net")
    assert (await client.registry.get("registry-field")).collection_count == 1
    assert (await client.registry.get()).name == "model-registry"
    names = [each.name async for each in client.registry.registries()]
    assert names == ["model-registry", "registry-b"]
    with pytest.raises(ResourceInUseError):
        await client.registry.delete("registry-b")
    assert await client.registry.delete("registry-b", force=True) == 1


def test_links_are_made_without_await_and_read_by_fsspec(tmp_path: Path) -> None:
    with (
        server_process(tmp_path / "data") as process,
        hydria.Client(process.address, entity="team", cache_dir=tmp_path / "cache") as client,
    ):
        client.log("birds/net", plant(tmp_path / "source", FILES), type="model")
        client.registry.create("registry-field", types=["model"])
        linked = client.registry.link("birds/net", "registry-field/The Net", aliases=["staging"])
        url = "hydria://team/wandb-registry-field/The Net:staging/below/config.json"
        with fsspec.open(url, "rb", address=process.address, entity="team") as file:
            assert file.read() == b"{}"
        assert [each.ref for each in client.registry.links("birds/net")] == [linked.version.ref]
        assert [each.name for each in client.registry.registries()] == [
            *("model-registry", "registry-field"),
        ]
        client.registry.update("registry-field", description="ours")
        assert client.registry.get("registry-field").description == "ours"
        assert client.registry.create_model("Other", type="model").name == "Other"
        gone = client.registry.unlink(linked.version.ref, delete_aliases=True)
        assert gone.state is hydria.VersionState.DELETED
        assert client.registry.delete("registry-field", force=True) == 1
