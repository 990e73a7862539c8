"""The artifact service through the wire: whole files as plain streams of bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from pyfastcdc import FastCDC

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from tests.noise import noise
from tests.refusals import outcome_of, refused
from tests.teams import Team, digest, entry, given, put, version_digest

MIB = 1 << 20
NINE_MIB = noise(9 * MIB, 9)


def header(
    upload_id: str, path: str = "a", *, size: int | None = None, content_digest: bytes = b""
) -> pb.UploadFileRequest:
    """Return the first message of a file."""
    made = pb.UploadFileHeader(upload_id=upload_id, path=path, content_digest=content_digest)
    if size is not None:
        made.size_bytes = size
    return pb.UploadFileRequest(header=made)


def data(content: bytes) -> pb.UploadFileRequest:
    """Return a message of data."""
    return pb.UploadFileRequest(data=content)


def trailer(size: int, content_digest: bytes = b"") -> pb.UploadFileRequest:
    """Return the last message of a file."""
    return pb.UploadFileRequest(
        trailer=pb.UploadFileTrailer(size_bytes=size, content_digest=content_digest)
    )


class FileUploadsContract:
    """A path appears only when its call returns OK; the server cuts and hashes."""

    async def send_file(
        self, team: Team, messages: Sequence[pb.UploadFileRequest]
    ) -> pb.UploadFileResponse:
        return await team.stub.UploadFile(given(messages))

    async def test_a_file_with_its_size_in_the_header(self, team: Team) -> None:
        upload_id = await team.begin()
        response = await self.send_file(
            team, [header(upload_id, size=6), data(b"one"), data(b""), data(b"two")]
        )
        assert response.file.path == "a"
        assert response.file.size_bytes == 6
        assert response.file.content_digest == digest(b"onetwo")
        assert response.file.kind == types_pb2.FILE_KIND_STORED
        assert (response.stored_bytes, response.duplicate_bytes) == (6, 0)
        committed = await team.commit(upload_id)
        assert committed.version.digest == version_digest({"a": b"onetwo"})

    async def test_a_file_with_its_size_in_a_trailer(self, team: Team) -> None:
        upload_id = await team.begin()
        messages = [header(upload_id), data(b"one"), data(b"two"), trailer(6, digest(b"onetwo"))]
        await self.send_file(team, messages)
        await team.commit(upload_id)
        assert await team.contents() == {"a": b"onetwo"}

    async def test_an_empty_file_by_header_and_by_trailer(self, team: Team) -> None:
        upload_id = await team.begin()
        await self.send_file(team, [header(upload_id, "a", size=0)])
        await self.send_file(team, [header(upload_id, "b"), trailer(0)])
        await self.send_file(team, [header(upload_id, "c", size=0), data(b"")])
        await team.commit(upload_id)
        assert await team.contents() == {"a": b"", "b": b"", "c": b""}

    async def test_a_stream_cut_short_stages_nothing(self, team: Team) -> None:
        """C15."""
        upload_id = await team.begin()
        for messages in (
            [header(upload_id, size=6), data(b"one")],
            [header(upload_id, size=6)],
            [header(upload_id), data(b"one")],
            [header(upload_id)],
        ):
            with refused("SIZE_MISMATCH"):
                await self.send_file(team, messages)
        await team.commit(upload_id)
        assert await team.paths() == []

    async def test_a_file_longer_or_other_than_declared_stages_nothing(self, team: Team) -> None:
        upload_id = await team.begin()
        true, false = digest(b"one"), digest(b"two")
        for messages, reason in (
            ([header(upload_id, size=2), data(b"one")], "SIZE_MISMATCH"),
            ([header(upload_id), data(b"one"), trailer(4)], "SIZE_MISMATCH"),
            ([header(upload_id, size=3), data(b"one"), trailer(4)], "SIZE_MISMATCH"),
            ([header(upload_id, size=4), data(b"one"), trailer(3)], "SIZE_MISMATCH"),
            ([header(upload_id, size=3, content_digest=false), data(b"one")], "DIGEST_MISMATCH"),
            ([header(upload_id), data(b"one"), trailer(3, false)], "DIGEST_MISMATCH"),
            (
                [header(upload_id, content_digest=true), data(b"one"), trailer(3, false)],
                "DIGEST_MISMATCH",
            ),
            ([header(upload_id, size=3, content_digest=b"short"), data(b"one")], "FIELD_VIOLATION"),
            ([header(upload_id), data(b"one"), trailer(3), data(b"more")], "FIELD_VIOLATION"),
            ([header(upload_id), trailer(0), trailer(0)], "FIELD_VIOLATION"),
            ([header(upload_id), header(upload_id)], "FIELD_VIOLATION"),
            ([header(upload_id, size=0), pb.UploadFileRequest()], "FIELD_VIOLATION"),
            ([data(b"one")], "FIELD_VIOLATION"),
            ([trailer(0)], "FIELD_VIOLATION"),
            ([], "FIELD_VIOLATION"),
        ):
            assert await outcome_of(self.send_file(team, messages)) == reason, messages
        await team.commit(upload_id)
        assert await team.paths() == []
        assert team.server.services.file_budget.used_bytes == 0

    async def test_a_declared_size_that_is_passed_ends_the_stream_at_once(self, team: Team) -> None:
        upload_id = await team.begin()
        with refused("SIZE_MISMATCH"):
            await self.send_file(team, [header(upload_id, size=10), *[data(bytes(MIB))] * 20])

    @pytest.mark.parametrize("size", [1, 2 * MIB, 2 * MIB + 1, 8 * MIB, 9 * MIB])
    async def test_a_file_is_cut_as_every_client_would_cut_it(self, team: Team, size: int) -> None:
        """So that the same bytes, however they come, are the same chunks."""
        content = NINE_MIB[:size]
        upload_id = await team.begin()
        pieces = [content[at : at + 700_001] for at in range(0, size, 700_001)]
        response = await self.send_file(
            team, [header(upload_id, size=size), *[data(piece) for piece in pieces]]
        )
        assert response.file.content_digest == digest(content)
        chunks = cut(content)
        assert await team.missing(upload_id, *chunks) == []
        again = await self.send_file(
            team, [header(upload_id, "b", size=size)] + [data(piece) for piece in pieces]
        )
        assert (again.stored_bytes, again.duplicate_bytes) == (0, size)
        await team.commit(upload_id)
        download = await team.download(whole_chunks=True)
        assert [file.digests for file in download.files] == [list(map(digest, chunks))] * 2

    async def test_a_file_that_the_server_cut_needs_no_verification_later(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.upload(upload_id, "a", NINE_MIB)
        staged = await team.stage(upload_id, put(entry("b", *cut(NINE_MIB))))
        assert not staged.missing_digests
        await team.commit(upload_id)
        assert await team.contents() == {"a": NINE_MIB, "b": NINE_MIB}

    async def test_a_file_in_many_small_messages(self, team: Team) -> None:
        upload_id = await team.begin()
        await self.send_file(
            team, [header(upload_id, size=500), *[data(bytes([at % 251])) for at in range(500)]]
        )
        await team.commit(upload_id)
        assert await team.contents() == {"a": bytes(at % 251 for at in range(500))}

    async def test_many_files_of_an_upload_side_by_side(self, team: Team) -> None:
        upload_id = await team.begin()
        files = {f"{at:02}": bytes([at]) * (at * 1000) for at in range(20)}
        await asyncio.gather(
            *(team.upload(upload_id, path, content) for path, content in files.items())
        )
        await team.commit(upload_id)
        assert await team.contents() == files
        assert team.server.services.file_budget.used_bytes == 0

    async def test_a_file_by_two_writers_with_two_contents_fails_the_commit(
        self, team: Team
    ) -> None:
        upload_id = await team.begin()
        for writer in ("one", "two"):
            first = header(upload_id, size=3)
            first.header.writer_id = writer
            await self.send_file(team, [first, data(writer.encode())])
        with refused("DUPLICATE_PATH"):
            await team.commit(upload_id)

    async def test_who_stages_a_file_has_a_short_name(self, team: Team) -> None:
        first = header(await team.begin(), size=0)
        first.header.writer_id = "x" * 129
        with refused("FIELD_VIOLATION") as refusal:
            await self.send_file(team, [first])
        assert refusal.metadata == {"field": "writer_id"}


def cut(content: bytes) -> list[bytes]:
    """Return the chunks of a file, by the words of the contract."""
    if len(content) <= 2 * MIB:
        return [content]
    chunker = FastCDC(
        512 << 10, min_size=128 << 10, max_size=2 * MIB, normalized_chunking=2, seed=0
    )
    return [
        content[chunk.offset : chunk.offset + chunk.length] for chunk in chunker.cut_buf(content)
    ]
