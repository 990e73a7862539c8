"""The artifact service through the wire: chunks in, by unary batches and by streams."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from tests.refusals import refused
from tests.teams import Team, batch, digest, entry, given, put

MIB = 1 << 20
GRPC_DEFAULT_BYTES = 4 * MIB


def lying(*claims: tuple[bytes, bytes], seq: int = 0) -> types_pb2.ChunkBatch:
    """Return a batch of (what it claims to be, what it is)."""
    made = batch(*(data for _, data in claims), seq=seq)
    made.digests = b"".join(digest(claimed) for claimed, _ in claims)
    return made


class ChunksContract:
    """Chunks are verified one by one; a refused one does not harm the rest."""

    async def put_chunks(
        self, team: Team, upload_id: str, made: types_pb2.ChunkBatch
    ) -> pb.PutChunksResponse:
        return await team.stub.PutChunks(pb.PutChunksRequest(upload_id=upload_id, batch=made))

    # --- asking -----------------------------------------------------------------------------

    async def test_missing_chunks_are_told_by_their_places(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"one", b"three")
        assert await team.missing(upload_id, b"one", b"two", b"three", b"four", b"two") == [1, 3, 4]

    async def test_a_known_chunk_with_another_size_is_missing(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"four")
        request = pb.FindMissingChunksRequest(
            upload_id=upload_id, digests=digest(b"four"), sizes=[5]
        )
        assert list((await team.stub.FindMissingChunks(request)).missing_indexes) == [0]

    async def test_no_bytes_at_all_are_never_missing(self, team: Team) -> None:
        assert await team.missing(await team.begin(), b"") == []

    async def test_a_chunk_of_another_entity_is_missing(self, team: Team) -> None:
        """I10: who may not read a chunk cannot detect it either."""
        other = Team.new(team.server)
        await other.log({"secret": b"of another team"})
        assert await team.missing(await team.begin(), b"of another team") == [0]

    async def test_20000_digests_may_be_asked_about_and_not_one_more(self, team: Team) -> None:
        upload_id = await team.begin()
        request = pb.FindMissingChunksRequest(
            upload_id=upload_id,
            digests=b"".join(number.to_bytes(32, "big") for number in range(20_000)),
            sizes=[1] * 20_000,
        )
        found = await team.stub.FindMissingChunks(request)
        assert len(found.missing_indexes) == 20_000
        request.digests += bytes(32)
        request.sizes.append(1)
        with refused("BATCH_TOO_LARGE") as refusal:
            await team.stub.FindMissingChunks(request)
        assert refusal.metadata == {"limit": "20000"}

    @pytest.mark.parametrize(
        ("digests", "sizes"), [(bytes(33), [1]), (bytes(32), []), (bytes(64), [1]), (b"", [1])]
    )
    async def test_columns_that_disagree_are_a_field_violation(
        self, team: Team, digests: bytes, sizes: list[int]
    ) -> None:
        request = pb.FindMissingChunksRequest(
            upload_id=await team.begin(), digests=digests, sizes=sizes
        )
        with refused("FIELD_VIOLATION"):
            await team.stub.FindMissingChunks(request)

    # --- unary batches ----------------------------------------------------------------------

    async def test_a_batch_is_there_when_the_call_returns(self, team: Team) -> None:
        upload_id = await team.begin()
        sent = await team.send(upload_id, b"a", b"bc", b"def")
        assert (sent.stored_bytes, sent.duplicate_bytes, len(sent.errors)) == (6, 0, 0)
        assert await team.missing(upload_id, b"a", b"bc", b"def") == []

    async def test_a_chunk_that_is_there_already_is_a_success(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.send(upload_id, b"known")
        sent = await team.send(upload_id, b"known", b"new")
        assert (sent.stored_bytes, sent.duplicate_bytes, len(sent.errors)) == (3, 5, 0)

    async def test_a_chunk_that_comes_twice_in_a_batch_is_new_once(self, team: Team) -> None:
        sent = await team.send(await team.begin(), b"twice", b"twice")
        assert (sent.stored_bytes, sent.duplicate_bytes) == (5, 5)

    async def test_a_chunk_under_a_wrong_digest_is_refused_alone(self, team: Team) -> None:
        upload_id = await team.begin()
        made = lying((b"good", b"good"), (b"claimed", b"actual!"), (b"fine", b"fine"))
        response = await self.put_chunks(team, upload_id, made)
        (error,) = response.errors
        assert (error.index, error.error.code, error.error.reason) == (1, 3, "DIGEST_MISMATCH")
        assert response.stored_bytes == 8
        assert await team.missing(upload_id, b"good", b"claimed", b"actual!", b"fine") == [1, 2]

    async def test_a_chunk_of_2_mib_is_taken_and_one_more_byte_is_not(self, team: Team) -> None:
        upload_id = await team.begin()
        largest = bytes(2 * MIB)
        assert not (await team.send(upload_id, largest)).errors
        too_large = bytes(2 * MIB + 1)
        (error,) = (await team.send(upload_id, too_large)).errors
        assert (error.index, error.error.code, error.error.reason) == (0, 3, "CHUNK_TOO_LARGE")
        assert error.error.metadata["limit"] == str(2 * MIB)
        assert await team.missing(upload_id, largest, too_large) == [1]

    async def test_a_payload_over_3_mib_is_refused_whole(self, team: Team) -> None:
        upload_id = await team.begin()
        assert not (await team.send(upload_id, *[bytes(MIB)] * 3)).errors
        with refused("BATCH_TOO_LARGE") as refusal:
            await team.send(upload_id, *[bytes(MIB)] * 3, b"x")
        assert refusal.metadata == {"limit": str(3 * MIB)}

    async def test_the_refusals_of_the_largest_batch_fit_into_a_message(self, team: Team) -> None:
        upload_id = await team.begin()
        made = lying(*[(b"claimed", bytes([at % 256])) for at in range(20_000)])
        response = await self.put_chunks(team, upload_id, made)
        assert len(response.errors) == 20_000
        assert response.ByteSize() < GRPC_DEFAULT_BYTES

    async def test_more_than_20000_chunks_are_refused_whole(self, team: Team) -> None:
        upload_id = await team.begin()
        with refused("BATCH_TOO_LARGE"):
            await team.send(upload_id, *[b"x"] * 20_001)

    async def test_sizes_digests_and_bytes_must_agree(self, team: Team) -> None:
        upload_id = await team.begin()
        too_few_bytes, too_few_sizes, empty_chunk = batch(b"abc"), batch(b"a", b"b"), batch(b"")
        too_few_bytes.payload = b"ab"
        too_few_sizes.sizes.pop()
        odd_digests = batch(b"abc")
        odd_digests.digests += b"x"
        for made in (too_few_bytes, too_few_sizes, empty_chunk, odd_digests):
            with refused("FIELD_VIOLATION"):
                await self.put_chunks(team, upload_id, made)

    async def test_identity_is_the_only_compression(self, team: Team) -> None:
        upload_id = await team.begin()
        made = batch(b"plain")
        made.compression = types_pb2.COMPRESSION_IDENTITY
        assert not (await self.put_chunks(team, upload_id, made)).errors
        made.compression = types_pb2.COMPRESSION_ZSTD
        with refused("UNSUPPORTED_COMPRESSION"):
            await self.put_chunks(team, upload_id, made)

    async def test_an_empty_batch_is_fine(self, team: Team) -> None:
        sent = await team.send(await team.begin())
        assert (sent.stored_bytes, sent.duplicate_bytes) == (0, 0)

    async def test_many_clients_may_send_the_same_chunks_at_once(self, team: Team) -> None:
        chunks = [bytes([at]) * 1000 for at in range(50)]
        uploads = [await team.begin() for _ in range(8)]
        sent = await asyncio.gather(*(team.send(upload_id, *chunks) for upload_id in uploads))
        assert not any(response.errors for response in sent)
        assert all(r.stored_bytes + r.duplicate_bytes == 50_000 for r in sent)
        await team.stage(uploads[0], put(entry("all", *chunks)))
        await team.commit(uploads[0])
        assert await team.contents() == {"all": b"".join(chunks)}

    # --- streams ----------------------------------------------------------------------------

    async def test_a_stream_acknowledges_all_of_its_batches_as_durable(self, team: Team) -> None:
        upload_id = await team.begin()
        batches = [batch(bytes([seq]) * 100, b"same", seq=seq) for seq in range(1, 21)]
        responses = await team.stream(upload_id, *batches)
        last = responses[-1]
        assert (last.received_through_seq, last.durable_through_seq) == (20, 20)
        assert last.stored_bytes + last.duplicate_bytes == 20 * 104
        assert last.stored_bytes >= 20 * 100 + 4
        for before, after in itertools.pairwise(responses):
            assert before.durable_through_seq <= after.durable_through_seq
            assert after.durable_through_seq <= after.received_through_seq
        chunks = [bytes([seq]) * 100 for seq in range(1, 21)]
        assert await team.missing(upload_id, *chunks, b"same") == []

    async def test_a_refused_chunk_does_not_harm_the_rest_of_its_stream(self, team: Team) -> None:
        upload_id = await team.begin()
        responses = await team.stream(
            upload_id,
            batch(b"first", seq=1),
            lying((b"ok", b"ok"), (b"claimed", b"actual"), seq=2),
            batch(b"third", seq=3),
        )
        errors = [error for response in responses for error in response.errors]
        assert [(error.seq, error.index, error.error.reason) for error in errors] == [
            (2, 1, "DIGEST_MISMATCH")
        ]
        assert responses[-1].durable_through_seq == 3
        assert await team.missing(upload_id, b"first", b"ok", b"third", b"actual") == [3]

    async def test_the_refusals_of_a_stream_come_in_responses_that_a_client_can_take(
        self, team: Team
    ) -> None:
        upload_id = await team.begin()
        made = [lying(*[(b"claimed", b"x")] * 15_000, seq=seq) for seq in (1, 2)]
        responses = await team.stream(upload_id, *made)
        assert sum(len(response.errors) for response in responses) == 30_000
        assert max(response.ByteSize() for response in responses) < GRPC_DEFAULT_BYTES // 2
        assert responses[-1].durable_through_seq == 2

    async def test_a_stream_of_a_header_alone_is_fine(self, team: Team) -> None:
        (response,) = await team.stream(await team.begin())
        assert response.durable_through_seq == 0

    @pytest.mark.parametrize("seqs", [[2], [1, 3], [1, 1], [0], [1, 2, 2]])
    async def test_a_gap_or_a_repetition_in_seq_ends_the_stream(
        self, team: Team, seqs: list[int]
    ) -> None:
        upload_id = await team.begin()
        with refused("FIELD_VIOLATION") as refusal:
            await team.stream(upload_id, *[batch(b"x", seq=seq) for seq in seqs])
        assert refusal.metadata == {"field": "seq"}

    async def test_a_stream_begins_with_its_header_and_has_one(self, team: Team) -> None:
        header = pb.UploadChunksRequest(header=pb.UploadChunksHeader(upload_id=await team.begin()))
        made = pb.UploadChunksRequest(batch=batch(b"x", seq=1))
        for requests in ([], [made], [header, header], [pb.UploadChunksRequest()], [made, header]):
            with refused("FIELD_VIOLATION"):
                async for _ in team.stub.UploadChunks(given(requests)):
                    pass

    async def test_a_batch_that_cannot_be_taken_ends_the_stream_with_its_status(
        self, team: Team
    ) -> None:
        upload_id = await team.begin()
        disagreeing = batch(b"abc", seq=2)
        disagreeing.payload = b"ab"
        with refused("FIELD_VIOLATION"):
            await team.stream(upload_id, batch(b"x", seq=1), disagreeing, batch(b"y", seq=3))
        compressed = batch(b"abc", seq=1)
        compressed.compression = types_pb2.COMPRESSION_ZSTD
        with refused("UNSUPPORTED_COMPRESSION"):
            await team.stream(upload_id, compressed)
        with refused("BATCH_TOO_LARGE"):
            await team.stream(upload_id, batch(*[bytes(MIB)] * 3, b"x", seq=1))
        assert team.server.services.budget.used_bytes == 0

    async def test_a_failure_comes_in_band_before_it_ends_the_stream(self, team: Team) -> None:
        header = pb.UploadChunksHeader(upload_id="no-such-upload")
        call = team.stub.UploadChunks(given([pb.UploadChunksRequest(header=header)]))
        responses: list[pb.UploadChunksResponse] = []
        with refused("UPLOAD_NOT_FOUND") as refusal:
            async for response in call:
                responses += [response]
        fatal = responses[-1].fatal
        assert (fatal.code, fatal.reason) == (5, "UPLOAD_NOT_FOUND")
        assert (fatal.message, dict(fatal.metadata)) == (refusal.message, refusal.metadata)

    async def test_eight_streams_of_one_upload_go_side_by_side(self, team: Team) -> None:
        upload_id = await team.begin()
        chunks = [[bytes([lane, at]) * 5000 for at in range(10)] for lane in range(8)]
        await asyncio.gather(
            *(
                team.stream(upload_id, *[batch(c, seq=seq) for seq, c in enumerate(lane, 1)])
                for lane in chunks
            )
        )
        assert await team.missing(upload_id, *[chunk for lane in chunks for chunk in lane]) == []
