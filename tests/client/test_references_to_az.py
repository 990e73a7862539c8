"""References to az:// against Azurite on this machine, where `make test-azure` has put it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from hydria.client import AsyncClient
from hydria.errors import PathInvalidError
from hydria.references.az import AzureStore
from hydria.references.errors import (
    ReferenceChangedError,
    ReferenceDeniedError,
    ReferenceInvalidError,
    ReferenceLimitError,
    ReferenceNotFoundError,
    ReferenceUnavailableError,
    ReferenceUnsupportedError,
)
from hydria.references.listing import list_references
from hydria.references.words import Reference
from hydria.threads import Stop
from tests.client.object_stores import (
    AZURITE_ACCOUNT,
    AZURITE_KEY,
    HAS_AZURITE,
    azure_server,
    refusing_server,
)
from tests.client.trees import MIB, content, tree_of

needs_azurite = pytest.mark.skipif(
    not HAS_AZURITE and "AZURITE_REQUIRED" not in os.environ,
    reason="`make test-azure` installs the server of these tests; it needs Node.js",
)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with azure_server(tmp_path_factory.mktemp("azurite")) as address:
        yield address


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AZURE_STORAGE_") or name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.delenv(name)


@pytest.fixture
def credentials(nobody: None, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AZURE_STORAGE_CONNECTION_STRING",
        f"DefaultEndpointsProtocol=http;AccountName={AZURITE_ACCOUNT};"
        f"AccountKey={AZURITE_KEY};BlobEndpoint={endpoint};",
    )


class Container:
    """A container that no other test uses."""

    def __init__(self) -> None:
        from azure.storage.blob import BlobServiceClient  # which takes long to import

        text = os.environ["AZURE_STORAGE_CONNECTION_STRING"]
        self._service = BlobServiceClient.from_connection_string(text)
        self._container = self._service.create_container(f"container-{uuid4().hex}")
        self.uri = f"az://{self._container.container_name}"

    def put(self, key: str, data: bytes, **metadata: str) -> None:
        self._container.upload_blob(key, data, overwrite=True, metadata=metadata)

    def delete(self, key: str) -> None:
        self._container.delete_blob(key)

    def close(self) -> None:
        self._service.close()


@pytest.fixture
def container(credentials: None) -> Iterator[Container]:
    made = Container()
    yield made
    made.close()


def found(uri: str, *, name: str | None = None, max_objects: int = 10_000) -> dict[str, Reference]:
    return list_references(uri, name, max_objects=max_objects, stop=Stop())


@needs_azurite
async def test_a_prefix_is_referred_to_blob_by_blob_and_comes_back(
    client: AsyncClient, container: Container, tmp_path: Path
) -> None:
    data = content(11 * MIB)
    files = {"a b": b"ab", "sub/big": data, "sub/empty": b"", "date=1/?#%20": b"odd"}
    for path, body in files.items():
        container.put(f"train/{path}", body)
    container.put("train/", b"")  # as tools mark folders, and as accounts with directories do
    container.put("train/sub", b"", hdi_isfolder="true")
    container.put("train", b"", hdi_isfolder="true")
    container.put("training/other", b"other")
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(f"{container.uri}/train")
        await draft.add_reference(f"{container.uri}/train/a b", "alone")
        result = await draft.commit()
    assert (result.sent_bytes, result.version.file_count) == (0, 5)
    listed = {file.path: file for file in await client.files("calls").to_list()}
    assert listed["sub/big"].ref_uri == f"{container.uri}/train/sub/big"
    assert listed["sub/big"].size_bytes == len(data)
    assert listed["a b"].ref_checksum == listed["alone"].ref_checksum
    assert listed["a b"].ref_checksum.startswith("etag:0x")
    await client.download("calls", tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == {**files, "alone": b"ab"}
    assert await client.read("calls", "sub/big", offset=MIB, length=9) == data[MIB : MIB + 9]


@needs_azurite
async def test_a_blob_that_was_overwritten_is_refused(
    client: AsyncClient, container: Container, tmp_path: Path
) -> None:
    container.put("a", b"one")
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(f"{container.uri}/a")
        await draft.commit()
    container.put("a", b"two")
    with pytest.raises(ReferenceChangedError, match=r"'a': .*etag:\w+ expected, etag:\w+ found"):
        await client.download("calls", tmp_path / "copy")
    container.delete("a")
    with pytest.raises(ReferenceNotFoundError):
        await client.download("calls", tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == {}


@needs_azurite
def test_a_blob_that_is_overwritten_while_it_is_read_is_refused(container: Container) -> None:
    container.put("a", content(9 * MIB))
    store = AzureStore()

    def read() -> None:
        with store.open(f"{container.uri}/a", {}) as opened:
            next(opened.pieces)
            container.put("a", content(9 * MIB, seed=1))
            list(opened.pieces)

    with pytest.raises(ReferenceChangedError, match="while it was read"):
        read()
    store.close()


@needs_azurite
def test_listing_stops_at_the_limit_and_says_so(container: Container) -> None:
    for at in range(12):
        container.put(f"{at:02}", b"%d" % at)
    assert len(found(f"{container.uri}/", max_objects=12)) == 12
    with pytest.raises(ReferenceLimitError, match="more than 11 objects"):
        found(container.uri, max_objects=11)


@needs_azurite
def test_what_is_not_there_is_not_found(container: Container) -> None:
    for uri in (f"{container.uri}/a", container.uri, "az://no-such-container/a"):
        with pytest.raises(ReferenceNotFoundError):
            found(uri)
    with pytest.raises(ReferenceInvalidError):
        found("az:///a")


@needs_azurite
def test_a_name_that_makes_no_path_is_an_error_that_names_it(container: Container) -> None:
    container.put("x/..a//b", b"climbs")
    with pytest.raises(PathInvalidError, match=r"\.\.a//b"):
        found(f"{container.uri}/x")


@needs_azurite
def test_a_key_or_a_token_opens_the_account_and_a_wrong_one_is_told_so(
    container: Container, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    container.put("a", b"one")
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
    from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", AZURITE_ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_SERVICE_ENDPOINT", endpoint)
    monkeypatch.setenv("AZURE_STORAGE_KEY", AZURITE_KEY)
    assert list(found(f"{container.uri}/a")) == ["a"]
    monkeypatch.setenv("AZURE_STORAGE_KEY", "d3Jvbmc=")
    with pytest.raises(ReferenceDeniedError, match=r"do not open.*403"):
        found(f"{container.uri}/a")
    monkeypatch.delenv("AZURE_STORAGE_KEY")
    token = generate_account_sas(
        AZURITE_ACCOUNT,
        AZURITE_KEY,
        resource_types=ResourceTypes(container=True, object=True),
        permission=AccountSasPermissions(read=True, list=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", token)
    assert list(found(container.uri)) == ["a"]


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_do_not_open_it_are_told_so(
    nobody: None, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    with refusing_server(status) as address:
        monkeypatch.setenv("AZURE_STORAGE_SERVICE_ENDPOINT", address)
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "somebody")
        monkeypatch.setenv("AZURE_STORAGE_KEY", "c2VjcmV0")
        for uri in ("az://container/a", "az://container"):
            with pytest.raises(ReferenceDeniedError, match=rf"do not open.*{status}"):
                found(uri)


def test_without_credentials_the_error_says_where_to_put_them(
    nobody: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ReferenceDeniedError, match="set AZURE_STORAGE_CONNECTION_STRING"):
        found("az://container/a")
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "nonsense")
    with pytest.raises(ReferenceDeniedError, match="AZURE_STORAGE_"):
        found("az://container/a")


def test_a_store_that_does_not_answer_is_unavailable(
    nobody: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hydria.references.az._TRIES_AGAIN", 0)
    monkeypatch.setenv("AZURE_STORAGE_SERVICE_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "somebody")
    monkeypatch.setenv("AZURE_STORAGE_KEY", "c2VjcmV0")
    with pytest.raises(ReferenceUnavailableError):
        found("az://container/a")


def test_without_the_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "azure.storage.blob", None)
    with pytest.raises(ReferenceUnsupportedError, match=r"pip install 'hydria\[az\]'"):
        found("az://container/a")
