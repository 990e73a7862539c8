"""The artifact service through the wire: references, and copies of entries of other versions."""

from __future__ import annotations

import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from tests.refusals import refused
from tests.teams import Team, digest, entry, put

MIB = 1 << 20


def refer(
    path: str, uri: str = "s3://b/k", size: int = 3, checksum: str = "etag:abc"
) -> pb.StageOperation:
    return pb.StageOperation(
        put_reference=pb.ReferenceEntry(path=path, size_bytes=size, uri=uri, checksum=checksum)
    )


def copy(path: str, source_ref: str, source_path: str) -> pb.StageOperation:
    return pb.StageOperation(
        copy=pb.CopiedEntry(path=path, source_ref=source_ref, source_path=source_path)
    )


async def files_of(team: Team, suffix: str = "") -> list[types_pb2.File]:
    request = pb.StreamFilesRequest(ref=team.ref(suffix))
    return [file async for part in team.stub.StreamFiles(request) for file in part.files]


class ReferencesContract:
    """The server keeps the words of a reference, and never follows them."""

    async def test_a_reference_is_listed_as_it_was_put(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.stage(upload_id, refer("r", "s3://b/k y?x", 3, "etag:a version:1"))
        committed = await team.commit(upload_id)
        assert (committed.version.file_count, committed.version.size_bytes) == (1, 3)
        page = await team.stub.ListFiles(pb.ListFilesRequest(ref=team.ref()))
        expected = types_pb2.File(
            path="r",
            size_bytes=3,
            kind=types_pb2.FILE_KIND_REFERENCE,
            ref_uri="s3://b/k y?x",
            ref_checksum="etag:a version:1",
        )
        assert list(page.files) == await files_of(team) == [expected]

    async def test_equal_references_are_equal_content(self, team: Team) -> None:
        created = []
        for checksum in ("etag:1", "etag:1", "etag:2"):
            upload_id = await team.begin()
            await team.stage(upload_id, refer("r", checksum=checksum))
            created.append((await team.commit(upload_id)).created)
        assert created == [True, False, True]

    async def test_references_and_files_stand_side_by_side_and_replace_each_other(
        self, team: Team
    ) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"1")
        await team.stage(upload_id, put(entry("a", b"1")), refer("b"), refer("c"))
        await team.stage(upload_id, put(entry("c", b"1")), refer("a"), seq=2)
        await team.commit(upload_id)
        kinds = {file.path: file.kind for file in await files_of(team)}
        stored, reference = types_pb2.FILE_KIND_STORED, types_pb2.FILE_KIND_REFERENCE
        assert kinds == {"a": reference, "b": reference, "c": stored}

    async def test_downloads_leave_references_out_unless_they_are_named(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"1")
        await team.stage(upload_id, put(entry("a", b"1")), refer("b"))
        await team.commit(upload_id)
        assert await team.contents() == {"a": b"1"}
        with refused("FIELD_VIOLATION") as refusal:
            await team.download(reads=[pb.FileRead(path="b")])
        assert refusal.metadata == {"field": "reads"}
        with refused("CHUNK_NOT_FOUND"):
            request = pb.FetchChunksRequest(ref=team.ref(), digests=digest(b"b"))
            _ = [frame async for frame in team.stub.FetchChunks(request)]

    @pytest.mark.parametrize(
        ("uri", "size", "checksum"),
        [
            ("", 3, "etag:a"),
            ("no scheme", 3, "etag:a"),
            ("s3:", 3, "etag:a"),
            ("s3://b/k\n", 3, "etag:a"),
            ("s3://b/\x85", 3, "etag:a"),
            ("https://user:secret@host/k", 3, "etag:a"),
            ("https://secret@host", 3, "etag:a"),
            ("s3://b/" + "k" * 4090, 3, "etag:a"),
            ("s3://b/k", 3, "etag"),
            ("s3://b/k", 3, "etag:a  version:1"),
            ("s3://b/k", 3, "Etag:a"),
            ("s3://b/k", 3, "etag:" + "a" * 1020),
            ("s3://b/k", 3, ""),
            ("s3://b/k", 2**50 + 1, "etag:a"),
        ],
    )
    async def test_a_malformed_reference_is_refused_and_nothing_is_staged(
        self, team: Team, uri: str, size: int, checksum: str
    ) -> None:
        upload_id = await team.begin()
        with refused("REFERENCE_INVALID") as refusal:
            await team.stage(upload_id, refer("ok"), refer("bad", uri, size, checksum))
        assert refusal.metadata == {"path": "bad"}
        assert "secret" not in refusal.message
        await team.commit(upload_id)
        assert await team.paths() == []

    async def test_paths_of_references_follow_the_rules_of_paths(self, team: Team) -> None:
        upload_id = await team.begin()
        with refused("PATH_INVALID"):
            await team.stage(upload_id, refer("../r"))
        with refused("DUPLICATE_PATH"):
            await team.stage(upload_id, put(entry("a")), refer("a"))
        await team.stage(upload_id, put(entry("a")), refer("a/b"))
        with refused("PATH_CONFLICT"):
            await team.commit(upload_id)

    async def test_an_at_sign_behind_the_host_is_no_credential(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.stage(upload_id, refer("r", "s3://b/user@host/k"), refer("q", "mailto:a@b"))
        assert (await team.commit(upload_id)).version.file_count == 2

    async def test_sizes_that_no_database_holds_are_refused_by_the_commit(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.stage(upload_id, *(refer(f"{at}", size=2**50) for at in range(8192)))
        with refused("BATCH_TOO_LARGE") as refusal:
            await team.commit(upload_id)
        assert refusal.metadata == {"limit": str(2**63 - 1)}

    async def test_lists_of_long_references_come_in_messages_of_the_usual_size(
        self, team: Team
    ) -> None:
        upload_id = await team.begin()
        for seq in range(1, 5):
            names = [f"{at:04}" + "p" * 1000 for at in range(400 * seq, 400 * seq + 400)]
            await team.stage(
                upload_id,
                *(
                    refer(name, "s3://" + "k" * 4090, checksum="etag:" + "e" * 1000)
                    for name in names
                ),
                seq=seq,
            )
        await team.commit(upload_id)
        assert len(await files_of(team)) == 1600
        paths: list[str] = []
        token = ""
        while True:
            page = await team.stub.ListFiles(
                pb.ListFilesRequest(ref=team.ref(), page_size=1000, page_token=token)
            )
            assert page.ByteSize() < 4 * MIB
            paths += [file.path for file in page.files]
            token = page.next_page_token
            if not token:
                break
        assert paths == sorted(set(paths))
        assert len(paths) == 1600


class EntryCopiesContract:
    """A copied entry is the entry it was, under its new path, and no bytes were sent for it."""

    async def test_a_copied_file_has_the_bytes_of_its_source(self, team: Team) -> None:
        upload_id = await team.begin(collection="source")
        parts = [bytes([at]) * 1000 for at in range(100)]
        await team.send(upload_id, *parts, b"1")
        await team.stage(
            upload_id, put(entry("big", *parts)), put(entry("one", b"1")), put(entry("none"))
        )
        await team.commit(upload_id)
        source = team.ref(":latest", collection="source")

        upload_id = await team.begin()
        staged = await team.stage(
            upload_id,
            copy("x/big", source, "big"),
            copy("x/one", source, "one"),
            copy("x/again", source, "one"),
            copy("none", source, "none"),
        )
        assert not staged.missing_digests
        await team.commit(upload_id)
        assert await team.contents() == {
            "none": b"", "x/again": b"1", "x/big": b"".join(parts), "x/one": b"1",
        }  # fmt: skip

    async def test_a_copied_reference_is_the_same_reference(self, team: Team) -> None:
        upload_id = await team.begin(collection="source")
        await team.stage(upload_id, refer("r", checksum="etag:e"))
        await team.commit(upload_id)
        upload_id = await team.begin()
        await team.stage(upload_id, copy("s", team.ref(collection="source"), "r"))
        await team.commit(upload_id)
        (file,) = await files_of(team)
        assert (file.path, file.ref_uri, file.ref_checksum) == ("s", "s3://b/k", "etag:e")

    async def test_a_copy_outlives_the_deletion_of_its_source(self, team: Team) -> None:
        await team.log({"a": b"1"})
        upload_id = await team.begin(collection="other")
        await team.stage(upload_id, copy("b", team.ref(":v0"), "a"))
        await team.delete(":v0")
        await team.commit(upload_id)
        request = pb.DownloadRequest(ref=team.ref(collection="other"))
        payload = b"".join([frame.payload async for frame in team.stub.Download(request)])
        assert payload == b"1"

    async def test_a_replayed_copy_stays_what_it_was_when_its_alias_moved(self, team: Team) -> None:
        await team.log({"a": b"old"})
        upload_id = await team.begin(collection="other")
        await team.stage(upload_id, copy("b", team.ref(), "a"))
        await team.log({"a": b"new"})
        await team.stage(upload_id, copy("b", team.ref(), "a"))
        committed = await team.commit(upload_id)
        assert committed.version.size_bytes == 3
        request = pb.DownloadRequest(ref=team.ref(collection="other"))
        payload = b"".join([frame.payload async for frame in team.stub.Download(request)])
        assert payload == b"old"

    async def test_a_copy_of_another_entity_is_refused_whether_it_exists_or_not(
        self, team: Team
    ) -> None:
        """I10: the answer is the same, so that nothing can be learned from it."""
        other = Team.new(team.server)
        await other.log({"a": b"1"})
        upload_id = await team.begin()
        messages = set()
        for ref, path in (
            (other.ref(), "a"),
            (other.ref(), "b"),
            (other.ref(":v7"), "a"),
            ("no/such/name", "a"),
        ):
            with refused("CROSS_DOMAIN") as refusal:
                await team.stage(upload_id, copy("x", ref, path))
            messages.add((refusal.message, *refusal.metadata.items()))
        assert len(messages) == 1

    async def test_a_copy_of_what_is_not_there_is_refused(self, team: Team) -> None:
        await team.log({"a": b"1"})
        await team.log({"a": b"2"})
        await team.delete(":v0")
        upload_id = await team.begin()
        for reason, ref, path in (
            ("FILE_NOT_FOUND", team.ref(), "b"),
            ("ALIAS_NOT_FOUND", team.ref(":nope"), "a"),
            ("VERSION_DELETED", team.ref(":v0"), "a"),
            ("RESOURCE_NOT_FOUND", team.ref(collection="nope"), "a"),
            ("PATH_INVALID", team.ref(), "../a"),
            ("FIELD_VIOLATION", "nonsense", "a"),
        ):
            with refused(reason):
                await team.stage(upload_id, copy("x", ref, path))
        with refused("DUPLICATE_PATH"):
            await team.stage(upload_id, copy("x", team.ref(), "a"), refer("x"))
        await team.commit(upload_id)
        assert await team.paths() == []
