"""Lists of files have an end and are what the version says, whatever the server sends."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from hydria.client import AsyncClient
from hydria.connection import Connection
from hydria.errors import ReceivedDataError
from hydria.records import Version
from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2 as types
from tests.client.trees import plant

Response = pb.StreamFilesResponse


@pytest.fixture
async def version(client: AsyncClient, tmp_path: Path) -> Version:
    source = plant(tmp_path / "source", {"a": b"a", "b": b"b"})
    return (await client.log("calls", source, type="dataset")).version


def listed(path: str, *, digest: bytes = b"d" * 32) -> types.File:
    return types.File(path=path, size_bytes=1, kind=types.FILE_KIND_STORED, content_digest=digest)


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> list[Iterable[Response]]:
    """What a server answers to StreamFiles, instead of the one there is."""
    answers: list[Iterable[Response]] = []

    async def stream(
        self: Connection, method: object, request: object, *, stall_seconds: float
    ) -> AsyncIterator[object]:
        for response in answers[0]:
            yield response

    monkeypatch.setattr(Connection, "stream", stream)
    return answers


async def test_a_list_of_nothing_that_never_ends_is_refused(
    client: AsyncClient, version: Version, answer: list[Iterable[Response]], tmp_path: Path
) -> None:
    answer.append(itertools.repeat(Response()))
    with pytest.raises(ReceivedDataError, match="does not end"):
        await client.download(version.ref, tmp_path / "copy")
    with pytest.raises(ReceivedDataError, match="does not end"):
        await client.download(version.ref, tmp_path / "copy", globs=["*"])
    assert not (tmp_path / "copy").exists()


async def test_more_files_than_the_version_has_are_refused(
    client: AsyncClient, version: Version, answer: list[Iterable[Response]], tmp_path: Path
) -> None:
    answer.append(Response(files=[listed(f"{at:09}")]) for at in itertools.count())
    with pytest.raises(ReceivedDataError, match="does not end"):
        await client.download(version.ref, tmp_path / "copy", globs=["*"])


async def test_a_list_that_is_not_that_of_the_version_is_refused(
    client: AsyncClient, version: Version, answer: list[Iterable[Response]], tmp_path: Path
) -> None:
    answer.append([Response(files=[listed("a"), listed("b")])])
    with pytest.raises(ReceivedDataError, match="damaged"):
        await client.download(version.ref, tmp_path / "copy")
    with pytest.raises(ReceivedDataError, match="damaged"):
        await client.copy(version.ref, "guests/zoo/calls")
    answer[0] = [Response(files=[listed("b"), listed("a")])]
    with pytest.raises(ReceivedDataError, match="not in order"):
        await client.download(version.ref, tmp_path / "copy")
