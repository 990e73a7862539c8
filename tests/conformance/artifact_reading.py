"""The artifact service through the wire: files and bytes out."""

from __future__ import annotations

import asyncio

import pytest
import xxhash

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from hydria_server.services.page_tokens import encode_token
from tests.conformance.artifact_staging import entry_of_recipes
from tests.refusals import outcome_of, refused
from tests.teams import Download, Team, digest, entry, put, recipe, version_digest

MIB = 1 << 20
TREE = {"a": b"0123456789", "b/c": b"x", "b/d": b"", "bb": b"yy", "é": b"\xff\x00"}


class ReadingContract:
    """What was committed comes out again, whole, in part, in order, and nothing else."""

    async def log_chunked(self, team: Team, path: str, *chunks: bytes) -> bytes:
        """Log a version with one file of these chunks; return its content."""
        upload_id = await team.begin()
        await team.send(upload_id, *chunks)
        await team.stage(upload_id, put(entry(path, *chunks)))
        await team.commit(upload_id)
        return b"".join(chunks)

    # --- lists of files ---------------------------------------------------------------------

    async def test_files_are_listed_by_path_with_what_they_are(self, team: Team) -> None:
        await team.log(TREE)
        listed = await team.stub.ListFiles(pb.ListFilesRequest(ref=team.ref()))
        assert listed.version_ref == team.ref(":v0")
        assert not listed.next_page_token
        assert [file.path for file in listed.files] == ["a", "b/c", "b/d", "bb", "é"]
        for file in listed.files:
            assert file.kind == types_pb2.FILE_KIND_STORED
            assert file.size_bytes == len(TREE[file.path])
            assert file.content_digest == digest(TREE[file.path])
            assert not file.ref_uri

    @pytest.mark.parametrize(
        ("prefix", "paths"),
        [
            ("b", ["b/c", "b/d", "bb"]),
            ("b/", ["b/c", "b/d"]),
            ("b/c", ["b/c"]),
            ("b/c/", []),
            ("zzz", []),
            ("é", ["é"]),
            ("", ["a", "b/c", "b/d", "bb", "é"]),
        ],
    )
    async def test_a_prefix_is_the_text_that_paths_begin_with(
        self, team: Team, prefix: str, paths: list[str]
    ) -> None:
        await team.log(TREE)
        listed = await team.stub.ListFiles(pb.ListFilesRequest(ref=team.ref(), prefix=prefix))
        assert [file.path for file in listed.files] == paths
        streamed = await self.stream(team, pb.StreamFilesRequest(ref=team.ref(), prefix=prefix))
        assert streamed == paths
        if prefix:
            download = await team.download(prefixes=[prefix])
            assert download.contents() == {path: TREE[path] for path in paths}

    async def test_pages_of_files_stay_with_the_version_of_the_first_page(self, team: Team) -> None:
        await team.log({f"{at:03}": b"" for at in range(25)})
        request = pb.ListFilesRequest(ref=team.ref(), page_size=10)
        paths: list[str] = []
        while True:
            page = await team.stub.ListFiles(request)
            paths += [file.path for file in page.files]
            assert page.version_ref == team.ref(":v0")
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
            await team.log({"newer": str(len(paths)).encode()})
        assert paths == [f"{at:03}" for at in range(25)]

    async def test_a_page_that_ends_where_the_files_do_is_the_last(self, team: Team) -> None:
        await team.log({f"{at}": b"" for at in range(5)})
        page = await team.stub.ListFiles(pb.ListFilesRequest(ref=team.ref(), page_size=5))
        assert (len(page.files), page.next_page_token) == (5, "")

    async def test_a_page_has_at_most_1000_files_and_100_by_default(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.stage(upload_id, *[put(entry(f"{at:04}")) for at in range(1200)])
        await team.commit(upload_id)
        for page_size, count in ((0, 100), (1000, 1000), (5000, 1000)):
            page = await team.stub.ListFiles(
                pb.ListFilesRequest(ref=team.ref(), page_size=page_size)
            )
            assert len(page.files) == count
        with refused("FIELD_VIOLATION") as refusal:
            await team.stub.ListFiles(pb.ListFilesRequest(ref=team.ref(), page_size=-1))
        assert refusal.metadata == {"field": "page_size"}

    async def test_a_token_of_files_is_good_only_with_its_ref_and_prefix(self, team: Team) -> None:
        await team.log(TREE)
        await team.log(TREE, collection="other")
        first = await team.stub.ListFiles(pb.ListFilesRequest(ref=team.ref(), page_size=2))
        token = first.next_page_token
        for request in (
            pb.ListFilesRequest(ref=team.ref(":v0"), page_size=2, page_token=token),
            pb.ListFilesRequest(ref=team.ref(collection="other"), page_token=token),
            pb.ListFilesRequest(ref=team.ref(), prefix="b", page_token=token),
            pb.ListFilesRequest(ref=team.ref(), page_token=token[:-5]),
            pb.ListFilesRequest(ref=team.ref(), page_token="garbage"),
            pb.ListFilesRequest(ref=team.ref(), page_token="é"),
        ):
            with refused("PAGE_TOKEN_INVALID"):
                await team.stub.ListFiles(request)

    async def test_a_forged_token_reaches_no_version_but_those_of_its_ref(self, team: Team) -> None:
        """I10."""
        await team.log(TREE)
        secret = await team.log({"a-secret": b"", "b": b""}, collection="secret")
        bound_to = f"files {team.ref()}\0\0"
        for cursor in (
            (secret.ref, "a"),
            ("x",),
            (0, 1 << 40, "a"),
            (1, 1, "a"),
            (-1, 0, "a"),
            (0, "0", "a"),
            (10**18, 0, "a"),
        ):
            forged = encode_token(cursor, bound_to=bound_to)
            request = pb.ListFilesRequest(ref=team.ref(), page_token=forged)
            reason = await outcome_of(team.stub.ListFiles(request))
            assert reason in ("PAGE_TOKEN_INVALID", "RESOURCE_NOT_FOUND", "FIELD_VIOLATION")

    async def stream(self, team: Team, request: pb.StreamFilesRequest) -> list[str]:
        """Return the paths of a stream of files."""
        parts = [part async for part in team.stub.StreamFiles(request)]
        assert [bool(part.version_ref) for part in parts] == [True] + [False] * (len(parts) - 1)
        return [file.path for part in parts for file in part.files]

    async def test_a_stream_of_files_goes_on_after_the_last_path_seen(self, team: Team) -> None:
        upload_id = await team.begin()
        paths = [f"{at:05}" for at in range(3000)]
        await team.stage(upload_id, *[put(entry(path)) for path in paths])
        await team.commit(upload_id)
        request = pb.StreamFilesRequest(ref=team.ref())
        assert await self.stream(team, request) == paths
        request.start_after_path = "01234"
        assert await self.stream(team, request) == paths[1235:]
        request.prefix = "012"
        assert await self.stream(team, request) == paths[1235:1300]
        request.start_after_path = "99999"
        assert await self.stream(team, request) == []

    # --- downloads --------------------------------------------------------------------------

    async def test_a_whole_version_comes_in_the_order_of_paths(self, team: Team) -> None:
        await team.log(TREE)
        download = await team.download()
        assert download.version_ref == team.ref(":v0")
        assert list(download.contents().items()) == list(TREE.items())

    async def test_reads_come_first_in_their_order_then_prefixes_in_theirs(
        self, team: Team
    ) -> None:
        await team.log(TREE)
        download = await team.download(
            reads=[pb.FileRead(path="bb"), pb.FileRead(path="a"), pb.FileRead(path="bb")],
            prefixes=["é", "b/"],
        )
        assert [file.header.path for file in download.files] == ["bb", "a", "bb", "é", "b/c", "b/d"]
        assert all(file.finished for file in download.files)

    @pytest.mark.parametrize(
        ("offset", "length", "expected"),
        [
            (0, 0, (0, 10)),
            (3, 4, (3, 7)),
            (3, 0, (3, 10)),
            (3, 100, (3, 10)),
            (3, 2**64 - 1, (3, 10)),
            (-3, 0, (7, 10)),
            (-3, 2, (7, 9)),
            (-10, 0, (0, 10)),
            (-99, 0, (0, 10)),
            (-(2**63), 1, (0, 1)),
            (10, 0, (10, 10)),
            (9, 1, (9, 10)),
        ],
    )
    @pytest.mark.parametrize("whole_chunks", [False, True])
    async def test_ranges_are_resolved_and_cut(
        self, team: Team, offset: int, length: int, expected: tuple[int, int], whole_chunks: bool
    ) -> None:
        content = await self.log_chunked(team, "a", b"012", b"3456", b"789")
        begin, end = expected
        download = await team.download(
            reads=[pb.FileRead(path="a", offset=offset, length=length)], whole_chunks=whole_chunks
        )
        (file,) = download.files
        assert (file.header.offset, file.header.length) == (begin, end - begin)
        assert (file.header.size_bytes, file.header.content_digest) == (10, digest(content))
        first = file.offsets[0] if file.offsets else begin
        assert file.data[begin - first : end - first] == content[begin:end]
        if whole_chunks:
            touched = [(0, b"012"), (3, b"3456"), (7, b"789")]
            whole = [(at, c) for at, c in touched if begin < at + len(c) and at < end]
            assert file.offsets == [at for at, _ in whole]
            assert file.digests == [digest(chunk) for _, chunk in whole]
        else:
            assert file.data == content[begin:end]
            assert not file.digests

    async def test_a_range_that_begins_beyond_the_end_is_out_of_bounds(self, team: Team) -> None:
        await team.log(TREE)
        for path, offset in (("a", 11), ("b/d", 1), ("a", 2**63 - 1)):
            with refused("RANGE_OUT_OF_BOUNDS") as refusal:
                await team.download(reads=[pb.FileRead(path=path, offset=offset)])
            size = str(len(TREE[path]))
            assert refusal.metadata == {"path": path, "size_bytes": size}

    async def test_ranges_of_an_empty_file_are_empty(self, team: Team) -> None:
        await team.log(TREE)
        for offset in (0, -1):
            read = pb.FileRead(path="b/d", offset=offset, length=5)
            (file,) = (await team.download(reads=[read])).files
            assert (file.data, file.finished, file.header.length) == (b"", True, 0)

    async def test_a_file_that_is_not_there_is_named(self, team: Team) -> None:
        await team.log(TREE)
        for path in ("b", "b/", "nothing", "", "B/C"):
            with refused("FILE_NOT_FOUND") as refusal:
                await team.download(reads=[pb.FileRead(path="a"), pb.FileRead(path=path)])
            assert refusal.metadata == {"path": path}

    async def test_10000_reads_may_be_asked_for_and_not_one_more(self, team: Team) -> None:
        await team.log(TREE)
        reads = [pb.FileRead(path="a", offset=at % 10, length=1) for at in range(1000)]
        download = await team.download(reads=reads)
        assert b"".join(file.data for file in download.files) == b"0123456789" * 100
        with refused("FILE_NOT_FOUND"):
            await team.download(reads=[pb.FileRead(path="nothing")] * 10_000)
        with refused("BATCH_TOO_LARGE") as refusal:
            await team.download(reads=[pb.FileRead(path="nothing")] * 10_001)
        assert refusal.metadata == {"limit": "10000"}
        assert not (await team.download(prefixes=["nothing"] * 20)).files
        with refused("BATCH_TOO_LARGE"):
            await team.download(prefixes=["nothing"] * 10_001)

    async def test_a_prefix_longer_than_any_path_is_refused(self, team: Team) -> None:
        await team.log(TREE)
        with refused("FIELD_VIOLATION"):
            await team.download(prefixes=["x" * 1025])
        with refused("FIELD_VIOLATION"):
            await team.stub.ListFiles(pb.ListFilesRequest(ref=team.ref(), prefix="x" * 1025))

    async def test_many_tiny_files_with_long_paths_share_frames_that_stay_small(
        self, team: Team
    ) -> None:
        """No frame passes 3 MiB: `Download` checks each."""
        upload_id = await team.begin()
        big = bytes(2 * MIB)
        await team.send(upload_id, *[bytes([at]) for at in range(250)], big)
        paths = [f"{at:04}-{'x' * 1000}" for at in range(2500)]
        files = [put(entry(path, bytes([at % 250]))) for at, path in enumerate(paths)]
        empty = [put(entry(f"y{path}")) for path in paths]
        await team.stage(upload_id, *files)
        await team.stage(upload_id, *empty, put(entry("z" * 1024, big)), seq=2)
        await team.commit(upload_id)
        download = await team.download()
        assert len(download.contents()) == 5001
        assert download.frame_count < 30

    async def test_a_file_in_recipes_comes_whole_and_in_ranges(self, team: Team) -> None:
        chunks = [bytes([at % 256]) * (at % 7 + 1) for at in range(1000)]
        recipes = [recipe(*chunks[:100]), recipe(*chunks[100:101]), recipe(*chunks[101:])]
        upload_id = await team.begin()
        await team.send(upload_id, *chunks, *recipes)
        await team.stage(upload_id, put(entry_of_recipes("big", chunks, recipes)))
        await team.commit(upload_id)
        content = b"".join(chunks)
        assert await team.contents() == {"big": content}
        for offset, length in ((0, 1), (395, 20), (2000, 1500), (len(content) - 1, 0)):
            read = pb.FileRead(path="big", offset=offset, length=length)
            (file,) = (await team.download(reads=[read])).files
            assert file.data == content[offset : offset + length if length else None]

    async def test_the_server_shortens_long_chunk_lists_by_itself(self, team: Team) -> None:
        chunks = [at.to_bytes(2, "big") for at in range(3000)]
        content = await self.log_chunked(team, "big", *chunks)
        assert await team.contents() == {"big": content}
        whole = await team.download(whole_chunks=True)
        assert whole.files[0].digests == list(map(digest, chunks))

    async def test_many_downloads_at_once(self, team: Team) -> None:
        files = {f"{at}": bytes([at]) * 10_000 for at in range(50)}
        await team.log(files)
        downloads = await asyncio.gather(*(team.contents() for _ in range(16)))
        assert all(contents == files for contents in downloads)
        assert team.server.services.read_budget.used_bytes == 0

    # --- chunks by digest -------------------------------------------------------------------

    async def fetch(self, team: Team, *chunks: bytes) -> list[bytes]:
        """Fetch chunks by digest, and check each response."""
        request = pb.FetchChunksRequest(ref=team.ref(), digests=b"".join(map(digest, chunks)))
        fetched: list[bytes] = []
        async for part in team.stub.FetchChunks(request):
            assert part.payload_xxh3 == xxhash.xxh3_64_intdigest(part.payload)
            assert part.ByteSize() <= Download.MAX_FRAME_BYTES
            at = 0
            for place, size in enumerate(part.sizes):
                fetched.append(part.payload[at : at + size])
                assert part.digests[32 * place : 32 * place + 32] == digest(fetched[-1])
                at += size
            assert at == len(part.payload)
        return fetched

    async def test_chunks_come_by_digest_in_the_order_asked(self, team: Team) -> None:
        await self.log_chunked(team, "a", b"one", b"two", b"three")
        assert await self.fetch(team, b"three", b"one", b"three") == [b"three", b"one", b"three"]
        assert await self.fetch(team) == []

    async def test_a_chunk_that_the_version_has_not_is_not_found(self, team: Team) -> None:
        """I10: though the store has it, in the same entity or in another."""
        await team.log({"a": b"mine"})
        await team.log({"b": b"another collection's"}, collection="other")
        await Team.new(team.server).log({"c": b"another team's"})
        for foreign in (b"another collection's", b"another team's", b"nobody's"):
            with refused("CHUNK_NOT_FOUND"):
                await self.fetch(team, b"mine", foreign)
        assert await self.fetch(team, b"mine") == [b"mine"]

    async def test_chunks_of_recipes_are_found_too(self, team: Team) -> None:
        chunks = [at.to_bytes(2, "big") for at in range(500)]
        await self.log_chunked(team, "big", *chunks)
        assert await self.fetch(team, *reversed(chunks)) == list(reversed(chunks))

    async def test_20000_digests_may_be_fetched_and_not_one_more(self, team: Team) -> None:
        await team.log({"a": b"x"})
        with refused("BATCH_TOO_LARGE"):
            await self.fetch(team, *[b"x"] * 20_001)
        assert len(await self.fetch(team, *[b"x"] * 20_000)) == 20_000
        with refused("FIELD_VIOLATION"):
            request = pb.FetchChunksRequest(ref=team.ref(), digests=bytes(33))
            async for _ in team.stub.FetchChunks(request):
                pass

    # --- refs -------------------------------------------------------------------------------

    async def test_every_kind_of_ref_finds_its_version(self, team: Team) -> None:
        await team.log({"a": b"1"}, aliases=["best", "two words"])
        await team.log({"a": b"2"})
        by_digest = "@blake3:" + version_digest({"a": b"1"}).hex()
        for suffix in (":v0", ":best", ":two words", by_digest):
            assert (await team.version(suffix)).version == "v0"
        for suffix in ("", ":latest", ":v1"):
            assert (await team.version(suffix)).version == "v1"

    @pytest.mark.parametrize(
        ("ref", "reason"),
        [
            ("", "FIELD_VIOLATION"),
            ("calls", "FIELD_VIOLATION"),
            ("birds/calls:v0", "FIELD_VIOLATION"),
            ("team/birds/calls/more", "FIELD_VIOLATION"),
            ("team//calls", "NAME_INVALID"),
            ("team/birds/calls:", "NAME_INVALID"),
            ("team/birds/calls:a:b", "NAME_INVALID"),
            ("team/birds/calls:v01", "FIELD_VIOLATION"),
            ("team/birds/calls@", "FIELD_VIOLATION"),
            ("team/birds/calls@blake3:00", "FIELD_VIOLATION"),
            ("team/birds/calls@sha256:" + "0" * 64, "FIELD_VIOLATION"),
            ("team/birds/calls@blake3:" + "A" * 64, "FIELD_VIOLATION"),
            ("team/birds/calls:best@blake3:" + "a" * 64, "NAME_INVALID"),
            ("team/birds/calls", "RESOURCE_NOT_FOUND"),
            ("team/birds/calls:v0", "RESOURCE_NOT_FOUND"),
            ("team/birds/calls@blake3:" + "a" * 64, "RESOURCE_NOT_FOUND"),
        ],
    )
    async def test_a_ref_that_names_nothing_says_why(
        self, team: Team, ref: str, reason: str
    ) -> None:
        ref = ref.replace("team", team.name)
        with refused(reason):
            await team.stub.GetVersion(pb.GetVersionRequest(ref=ref))
        with refused(reason):
            await team.stub.ListFiles(pb.ListFilesRequest(ref=ref))
        for call in (
            team.stub.StreamFiles(pb.StreamFilesRequest(ref=ref)),
            team.stub.Download(pb.DownloadRequest(ref=ref)),
            team.stub.ListChunks(pb.ListChunksRequest(ref=ref)),
            team.stub.FetchChunks(pb.FetchChunksRequest(ref=ref)),
        ):
            with refused(reason):
                async for _ in call:
                    pass

    async def test_the_server_tells_its_limits(self, team: Team) -> None:
        info = await team.stub.GetServerInfo(pb.GetServerInfoRequest())
        assert info.server_version
        assert info.store_id
        assert info.digest_function == types_pb2.DIGEST_FUNCTION_BLAKE3_256
        assert list(info.compressions) == [types_pb2.COMPRESSION_IDENTITY]
        assert not info.features
        assert info.chunker == pb.ChunkerParameters(
            min_bytes=131_072, average_bytes=524_288, max_bytes=2_097_152, normalization=2, seed=0
        )
        assert info.limits == pb.ServerLimits(
            max_chunk_bytes=2 * MIB,
            max_batch_bytes=3 * MIB,
            max_message_bytes=4 * MIB,
            max_unacked_bytes=32 * MIB,
            max_digests_per_request=20_000,
            max_operations_per_stage=10_000,
            max_put_version_bytes=MIB,
            max_path_bytes=1024,
            max_metadata_bytes=MIB,
            max_reads_per_download=10_000,
            max_chunks_per_entry=4096,
            upload_lease_seconds=86_400,
        )
