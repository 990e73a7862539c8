"""References to http:// against a real web server that is not always kind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from hydria.client import AsyncClient
from hydria.references.errors import (
    BrokenReferenceError,
    ReferenceChangedError,
    ReferenceDeniedError,
    ReferenceInvalidError,
    ReferenceNotFoundError,
    ReferenceUnavailableError,
    ReferenceUnverifiableError,
)
from hydria.references.fetching import fetch
from hydria.references.http import REDIRECTS_MAX, HttpStore
from hydria.references.stores import Stores
from hydria.references.words import Reference
from hydria.threads import Stop
from tests.client.trees import MIB, content, plant, tree_of
from tests.client.web import Page, Site, web_site

DATA = content(3 * MIB)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    with web_site() as site:
        yield site


async def refer(client: AsyncClient, uri: str, name: str | None = None) -> None:
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(uri, name)
        await draft.commit()


async def test_a_page_is_known_by_its_entity_tag_and_fetched_when_it_is_wanted(
    client: AsyncClient, site: Site, tmp_path: Path
) -> None:
    site.pages["/data/a%20b.bin"] = Page(DATA, headers={"etag": 'W/"e-1"'})
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(site.url("/data/a%20b.bin"))
        await draft.add_bytes("stored", b"here")
        result = await draft.commit()
    assert (result.sent_bytes, result.version.size_bytes) == (4, len(DATA) + 4)
    (file, _) = await client.files("calls").to_list()
    assert (file.path, file.size_bytes, file.digest) == ("a b.bin", len(DATA), "")
    assert (file.ref_uri, file.ref_checksum) == (site.url("/data/a%20b.bin"), "etag:e-1")

    downloaded = await client.download("calls", tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == {"a b.bin": DATA, "stored": b"here"}
    assert (downloaded.file_count, downloaded.received_bytes) == (2, len(DATA) + 4)


async def test_a_page_without_an_entity_tag_is_known_by_its_content(
    client: AsyncClient, site: Site, tmp_path: Path
) -> None:
    site.pages["/a"] = Page(DATA, has_length=False)
    await refer(client, site.url("/a"), "sub/a")
    (file,) = await client.files("calls").to_list()
    assert (file.path, file.ref_checksum) == ("sub/a", f"blake3:{blake3(DATA).hexdigest()}")
    await client.download("calls", tmp_path)
    assert (tmp_path / "sub/a").read_bytes() == DATA
    site.asked.clear()
    assert (await client.download("calls", tmp_path)).received_bytes == 0
    assert site.asked == []  # what is in place is known by its content, too


@pytest.mark.parametrize("has_etag", [True, False])
async def test_a_page_that_changed_is_refused_and_leaves_what_is_in_place(
    client: AsyncClient, site: Site, tmp_path: Path, has_etag: bool
) -> None:
    site.pages["/a"] = Page(b"one", headers={"etag": '"1"'} if has_etag else {})
    await refer(client, site.url("/a"))
    site.pages["/a"] = Page(b"two", headers={"etag": '"2"'} if has_etag else {})
    root = plant(tmp_path / "copy", {"a": b"mine"})
    with pytest.raises(ReferenceChangedError, match=r"'a': .* has changed") as raised:
        await client.download("calls", root)
    details = raised.value.details
    assert (details["path"], details["uri"]) == ("a", site.url("/a"))
    if has_etag:
        assert (details["expected"], details["found"]) == ("etag:1", "etag:2")
    else:
        assert details["expected"] == f"blake3:{blake3(b'one').hexdigest()}"
    assert tree_of(root) == {"a": b"mine"}


@pytest.mark.parametrize("checksum", ["etag:1", 'etag:"', "etag:W/", "version:1", "sha1:1"])
def test_a_checksum_that_the_site_does_not_confirm_lets_nothing_through(
    site: Site, checksum: str
) -> None:
    site.pages["/a"] = Page(b"internal")
    with Stores() as stores, pytest.raises((ReferenceChangedError, ReferenceUnverifiableError)):
        fetch(
            Reference("a", 8, site.url("/a"), checksum),
            stores,
            write=lambda _: pytest.fail("let through"),
            stop=Stop(),
        )


@pytest.mark.parametrize("body", [b"shorter", b"longer than it was before"])
@pytest.mark.parametrize("has_length", [True, False])
async def test_a_page_of_another_size_is_refused_whatever_its_entity_tag_says(
    client: AsyncClient, site: Site, tmp_path: Path, body: bytes, has_length: bool
) -> None:
    site.pages["/a"] = Page(b"as it was", headers={"etag": '"1"'})
    await refer(client, site.url("/a"))
    site.pages["/a"] = Page(body, headers={"etag": '"1"'}, has_length=has_length)
    with pytest.raises(ReferenceChangedError, match="9 bytes expected"):
        await client.download("calls", tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == {}


@pytest.mark.parametrize(
    ("page", "error", "words"),
    [
        (Page(status=404), ReferenceNotFoundError, "HTTP 404"),
        (Page(status=410), ReferenceNotFoundError, "HTTP 410"),
        (Page(status=401), ReferenceDeniedError, "netrc"),
        (Page(status=403), ReferenceDeniedError, "credentials"),
        (Page(status=500), ReferenceUnavailableError, "HTTP 500"),
        (Page(status=302, headers={"location": "/a"}), ReferenceUnavailableError, "10 times"),
        (
            Page(status=302, headers={"location": "file:///etc/passwd"}),
            ReferenceUnavailableError,
            "file",
        ),
        (
            Page(status=302, headers={"location": "ftp://127.0.0.1/a"}),
            ReferenceUnavailableError,
            "ftp",
        ),
    ],
)
async def test_a_page_that_cannot_be_had_is_an_error_that_says_why(
    client: AsyncClient,
    site: Site,
    tmp_path: Path,
    page: Page,
    error: type[BrokenReferenceError],
    words: str,
) -> None:
    site.pages["/a"] = Page(b"one", headers={"etag": '"1"'})
    await refer(client, site.url("/a"))
    site.pages["/a"] = page
    with pytest.raises(error, match=words) as raised:
        await client.download("calls", tmp_path / "copy")
    assert raised.value.details["path"] == "a"
    with pytest.raises(error, match=words):
        await refer(client, site.url("/a"))
    assert tree_of(tmp_path / "copy") == {}


async def test_redirects_are_followed_and_their_number_is_bounded(
    client: AsyncClient, site: Site
) -> None:
    for at in range(REDIRECTS_MAX):
        site.pages[f"/{at}"] = Page(status=302, headers={"location": f"/{at + 1}"})
    site.pages[f"/{REDIRECTS_MAX}"] = Page(b"at last", headers={"etag": '"1"'})
    await refer(client, site.url("/0"))
    assert await client.read("calls", "0") == b"at last"
    site.pages["/loop"] = Page(status=307, headers={"location": "/loop"})
    site.asked.clear()
    with pytest.raises(ReferenceUnavailableError):
        await refer(client, site.url("/loop"))
    assert len(site.asked) == REDIRECTS_MAX + 1


async def test_credentials_come_from_the_users_netrc(
    client: AsyncClient, site: Site, tmp_path: Path
) -> None:
    site.pages["/a"] = Page(b"secret", headers={"etag": '"1"'}, password="pass")
    with pytest.raises(ReferenceDeniedError, match=r"127\.0\.0\.1 into ~/\.netrc"):
        await refer(client, site.url("/a"))
    netrc = tmp_path / "home/.netrc"
    netrc.write_text("machine 127.0.0.1 login reader password pass\n")
    netrc.chmod(0o600)
    await refer(client, site.url("/a"))
    assert await client.read("calls", "a") == b"secret"


def test_credentials_go_to_hosts_that_netrc_names_and_never_in_clear(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes a version chooses the host: what answers here stands for somebody else's."""
    netrc = tmp_path / "home/.netrc"
    netrc.write_text("machine lab.example login reader password pass\ndefault login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("http_proxy", f"http://{site.address}")
    monkeypatch.setenv("no_proxy", "")
    for uri in ("http://lab.example/a", "http://evil.example/a"):
        site.pages[uri] = Page(b"a", headers={"etag": "1"}, password="pass")
        store = HttpStore()
        with pytest.raises(ReferenceDeniedError):
            list(store.find(uri))
        store.close()
    assert site.asked == ["http://lab.example/a", "http://evil.example/a"]
    assert site.credentials == []


def test_a_page_that_stalls_is_given_up(site: Site) -> None:
    site.pages["/a"] = Page(b"more than comes", sent_bytes=4)
    store = HttpStore(stall_seconds=0.2)
    with pytest.raises(ReferenceUnavailableError, match="nothing came"):
        list(store.find(site.url("/a")))
    store.close()


async def test_a_download_that_is_cancelled_amid_a_reference_leaves_nothing(
    client: AsyncClient, site: Site, tmp_path: Path
) -> None:
    site.pages["/a"] = Page(DATA, headers={"etag": '"1"'})
    await refer(client, site.url("/a"))
    site.pages["/a"] = Page(DATA, headers={"etag": '"1"'}, sent_bytes=2 * MIB)
    site.is_asked.clear()
    downloading = asyncio.create_task(client.download("calls", tmp_path / "copy"))
    await asyncio.to_thread(site.is_asked.wait, 30)
    downloading.cancel()
    site.is_over.set()
    with pytest.raises(asyncio.CancelledError):
        await downloading
    assert list(await asyncio.to_thread(os.listdir, tmp_path / "copy")) == []


async def test_nobody_who_listens_is_an_error(client: AsyncClient, site: Site) -> None:
    with pytest.raises(ReferenceUnavailableError):
        await refer(client, "http://127.0.0.1:1/a")


async def test_a_reference_is_read_whole_or_in_part_after_it_was_verified(
    client: AsyncClient, site: Site
) -> None:
    site.pages["/a"] = Page(DATA)
    await refer(client, site.url("/a"))
    assert await client.read("calls", "a") == DATA
    assert await client.read("calls", "a", offset=-5) == DATA[-5:]
    assert await client.read("calls", "a", offset=MIB, length=10) == DATA[MIB : MIB + 10]
    site.pages["/a"] = Page(DATA[:-1] + b"!")
    pieces = client.iter_bytes("calls", "a")
    with pytest.raises(ReferenceChangedError):
        await anext(pieces)  # not one piece before all of it was verified


async def test_a_uri_alone_is_kept_and_never_fetched(
    client: AsyncClient, site: Site, tmp_path: Path
) -> None:
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(site.url("/a.bin?x=1"), checksum=False)
        await draft.add_reference("odd+scheme:whatever", "odd", checksum=False)
        await draft.add_bytes("b", b"b")
        await draft.commit()
    assert [file.path for file in await client.files("calls").to_list()] == ["a.bin", "b", "odd"]
    with pytest.raises(ReferenceUnverifiableError, match="without a checksum"):
        await client.download("calls", tmp_path / "copy", paths=["a.bin"])
    result = await client.download("calls", tmp_path / "copy", references=False)
    assert (result.file_count, result.skipped_reference_count) == (1, 2)
    assert tree_of(tmp_path / "copy") == {"b": b"b"}
    assert site.asked == []


@pytest.mark.parametrize(
    "uri",
    ["http://u:secret@127.0.0.1/a", "data/here", "http://h/a\n", "http:///", "http://[", ""],
)
@pytest.mark.parametrize("checksum", [True, False])
async def test_a_uri_that_no_version_may_have_is_refused_at_once(
    client: AsyncClient, uri: str, checksum: bool
) -> None:
    async with client.draft("calls", type="dataset") as draft:
        with pytest.raises((ReferenceInvalidError, ReferenceUnavailableError)) as raised:
            await draft.add_reference(uri, checksum=checksum)
    assert "secret" not in str(raised.value)


async def test_a_failing_reference_adds_nothing_and_leaves_the_draft_open(
    client: AsyncClient, site: Site
) -> None:
    async with client.draft("calls", type="dataset") as draft:
        with pytest.raises(ReferenceNotFoundError):
            await draft.add_reference(site.url("/nothing"))
        result = await draft.commit()
    assert result.version.file_count == 0
