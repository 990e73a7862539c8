"""Verifying and comparing: of directories, of stored bytes, and of servers that lie."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from hydria.client import AsyncClient
from hydria.errors import (
    AliasNotFoundError,
    HydriaError,
    ReceivedDataError,
    SourceError,
)
from hydria.inspection.comparison import Changes, Comparison
from hydria.inspection.records import DamageKind, FileChange
from hydria.inspection.stored import StoredBytes
from hydria.records import Phase, Progress
from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2 as types
from tests.client.lines import Line
from tests.client.trees import SIZES, content, plant
from tests.servers import Server


async def test_a_version_that_was_just_logged_is_intact_on_both_sides(
    client: AsyncClient, tmp_path: Path
) -> None:
    root = plant(tmp_path / "tree", SIZES)
    logged = await client.log("calls", root, type="dataset")
    seen: list[Progress] = []
    stored = await client.verify("calls", progress=seen.append)
    assert stored.is_intact
    assert (stored.ref, stored.root) == (logged.version.ref, None)
    assert (stored.file_count, stored.size_bytes) == (len(SIZES), logged.size_bytes)
    assert [step.phase for step in seen][-1] is Phase.DONE
    assert seen[-1].bytes_done == seen[-1].bytes_total == logged.size_bytes
    local = await client.verify("calls", root=root, progress=seen.append)
    assert local.is_intact
    assert (local.root, local.file_count, local.size_bytes) == (root, len(SIZES), logged.size_bytes)


async def test_a_directory_is_compared_file_by_file(client: AsyncClient, tmp_path: Path) -> None:
    root = plant(tmp_path / "tree", {f"{n:02}": content(100, n) for n in range(20)})
    await client.log("calls", root, type="dataset")
    for path in ("00", "09", "19"):
        (root / path).unlink()
    (root / "03").write_bytes(content(100, 99))
    (root / "04").write_bytes(b"short")
    plant(root, {"0": b"", "09/inner": b"", "99": b""})
    result = await client.verify("calls", root=root)
    assert not result.is_intact
    assert result.missing == ("00", "09", "19")
    assert result.changed == ("03", "04")
    assert result.extra == ("0", "09/inner", "99")
    assert result.file_count == 17


async def test_a_flipped_bit_is_found_though_no_time_changed(
    client: AsyncClient, tmp_path: Path
) -> None:
    root = plant(tmp_path / "tree", {"file": content(1000)})
    os.utime(root / "file", (1, 1))
    await client.log("calls", root, type="dataset")
    (root / "file").write_bytes(b"\0" + content(1000)[1:])
    os.utime(root / "file", (1, 1))
    assert (await client.verify("calls", root=root)).changed == ("file",)


async def test_an_empty_directory_lacks_everything(client: AsyncClient, tmp_path: Path) -> None:
    await client.log("calls", plant(tmp_path / "tree", SIZES), type="dataset")
    (tmp_path / "empty").mkdir()
    result = await client.verify("calls", root=tmp_path / "empty")
    assert set(result.missing) == set(SIZES)


async def test_what_cannot_be_compared_is_an_error_that_names_it(
    client: AsyncClient, tmp_path: Path
) -> None:
    root = plant(tmp_path / "tree", {"file": b"x"})
    await client.log("calls", root, type="dataset")
    with pytest.raises(NotADirectoryError):
        await client.verify("calls", root=root / "file")
    with pytest.raises(FileNotFoundError):
        await client.verify("calls", root=tmp_path / "nowhere")
    (root / "pipe").unlink(missing_ok=True)
    os.mkfifo(root / "pipe")
    with pytest.raises(SourceError, match="pipe"):
        await client.verify("calls", root=root)
    with pytest.raises(AliasNotFoundError):
        await client.verify("calls:nothing")


async def test_damage_is_in_the_result_and_logging_again_repairs_it(
    client: AsyncClient, server: Server, tmp_path: Path
) -> None:
    root = plant(tmp_path / "tree", {"a": content(5000, 1), "b": content(5000, 2)})
    await client.log("calls", root, type="dataset")
    for pack in (tmp_path / "server").rglob("*.pack*"):
        pack.write_bytes(pack.read_bytes().replace(content(5000, 2), content(5000, 3)))
    result = await client.verify("calls")
    assert not result.is_intact
    assert (result.damage_count, result.damaged_paths) == (1, ("b",))
    (found,) = result.damages
    assert (found.kind, found.offset, found.size_bytes) == (DamageKind.CHUNK, 0, 5000)
    assert (await client.log("calls", root)).sent_bytes == 5000
    assert (await client.verify("calls")).is_intact


async def test_a_broken_line_begins_the_verification_again(
    client_on_line: AsyncClient, line: Line, tmp_path: Path
) -> None:
    await client_on_line.log("calls", plant(tmp_path / "tree", SIZES), type="dataset")
    version = await client_on_line.version("calls")
    seen: list[Progress] = []

    def cut_once(progress: Progress) -> None:
        if not seen:
            line.cut()
        seen.append(progress)

    result = await client_on_line.verify("calls", progress=cut_once)
    assert len(seen) > 2
    assert result.is_intact
    assert (result.file_count, result.size_bytes) == (version.file_count, version.size_bytes)


async def test_a_diff_has_what_changed_and_what_is_shared(
    client: AsyncClient, tmp_path: Path
) -> None:
    big = content(8_000_000)
    root = plant(tmp_path / "tree", {"big": big, "gone": b"gone", "same": b"same"})
    await client.log("calls", root, type="dataset")
    (root / "gone").unlink()
    plant(root, {"big": big[:4_000_000] + b"inserted" + big[4_000_000:], "new": b"new"})
    await client.log("calls", root)
    found = await client.diff("calls:v0", "calls:v1")
    assert (found.from_ref, found.to_ref) == ("team/birds/calls:v0", "team/birds/calls:v1")
    assert [file.path for file in found.added] == ["new"]
    assert [file.path for file in found.removed] == ["gone"]
    assert [(c.file.path, c.previous.size_bytes) for c in found.changed] == [("big", 8_000_000)]
    totals = found.totals
    assert totals.shared_bytes + totals.new_bytes == 8_000_008 + 3 + 4
    assert totals.new_bytes < 3_000_000
    assert (await client.diff("calls:v1", "calls")).is_empty


async def test_differences_are_taken_as_they_come_instead_of_kept(
    client: AsyncClient, tmp_path: Path
) -> None:
    root = plant(tmp_path / "tree", {"a": b"a", "b": b"b", "c": b"c"})
    await client.log("calls", root, type="dataset")
    (root / "a").unlink()
    plant(root, {"b": b"other", "d": b"d"})
    await client.log("calls", root)
    taken: list[FileChange] = []
    seen: list[Progress] = []
    found = await client.diff("calls:v0", "calls", take=taken.append, progress=seen.append)
    told = [(c.previous and c.previous.path, c.file and c.file.path) for c in taken]
    assert told == [("a", None), ("b", "b"), (None, "d")]
    assert (found.added, found.removed, found.changed) == ((), (), ())
    assert not found.is_empty
    assert (found.totals.changed_count, found.totals.unchanged_count) == (1, 1)
    assert seen[-1].phase is Phase.DONE
    assert seen[-1].files_done == 6


def test_an_answer_that_begins_again_is_taken_from_where_it_broke() -> None:
    taken: list[FileChange] = []
    comparison = Comparison("f:latest", "t:latest", taken.append)
    refs = pb.CompareVersionsResponse(from_ref="f:v1", to_ref="t:v2")
    for paths in ("ab", "abc"):
        comparison.begin()
        comparison.take(refs)
        comparison.take(pb.CompareVersionsResponse(changes=[change(path) for path in paths]))
    assert comparison.request == pb.CompareVersionsRequest(from_ref="f:v1", to_ref="t:v2")
    assert [c.file and c.file.path for c in taken] == ["a", "b", "c"]
    assert comparison.totals(pb.CompareSummary(added_count=3)).added_count == 3


def change(path: str, *, previous: str = "") -> pb.FileChange:
    before = types.File(path=previous) if previous else None
    return pb.FileChange(file=types.File(path=path) if path else None, previous_file=before)


LIES: dict[str, Sequence[pb.FileChange]] = {
    "a path twice": [change("a"), change("a")],
    "paths out of order": [change("b"), change("a")],
    "a path that climbs": [change("../a")],
    "two paths that are not one": [change("a", previous="b")],
    "nothing": [pb.FileChange()],
    "more than the totals say": [change("a"), change("b")],
}


@pytest.mark.parametrize("changes", LIES.values(), ids=LIES.keys())
def test_a_comparison_that_contradicts_itself_is_refused(changes: Sequence[pb.FileChange]) -> None:
    def believe() -> None:
        comparison = Comparison("f", "t", Changes().take)
        comparison.take(pb.CompareVersionsResponse(from_ref="f", to_ref="t", changes=changes))
        comparison.totals(pb.CompareSummary(added_count=1))

    with pytest.raises(HydriaError):
        believe()


def test_a_comparison_without_its_parts_is_refused() -> None:
    with pytest.raises(ReceivedDataError):
        Comparison("f", "t", Changes().take).totals(pb.CompareSummary(removed_count=1))


CONTRADICTIONS = {
    "intact, and yet damaged": pb.VerifySummary(intact=True, damage_count=2),
    "damaged, and nothing is": pb.VerifySummary(intact=False),
    "less than was told": pb.VerifySummary(intact=False, damage_count=1),
}


@pytest.mark.parametrize("end", [*CONTRADICTIONS.values(), None], ids=[*CONTRADICTIONS, "no end"])
async def test_a_verification_that_contradicts_itself_or_has_no_end_is_refused(
    client: AsyncClient, server: Server, tmp_path: Path, end: pb.VerifySummary | None
) -> None:
    """The version is real; another server tells of its verification."""
    await client.log("calls", plant(tmp_path / "tree", {"a": b"a"}), type="dataset")
    version = await client.version("calls")
    damages = [pb.Damage(kind=pb.DAMAGE_KIND_CHUNK, path=path) for path in "ab"]
    told = [pb.VerifyVersionResponse(version_ref=version.ref)]
    if end is not None:
        told.append(pb.VerifyVersionResponse(damages=damages))
        told.append(pb.VerifyVersionResponse(summary=end))
    async with lying_server(told) as address, AsyncClient(address) as misled:
        stored = StoredBytes(misled._runtime.connection, retry_seconds=5)
        with pytest.raises(ReceivedDataError):
            await stored.verify(version, None)


@asynccontextmanager
async def lying_server(told: Sequence[pb.VerifyVersionResponse]) -> AsyncIterator[str]:
    """Serve VerifyVersion, whatever is asked for."""

    async def verify(
        request: pb.VerifyVersionRequest, context: object
    ) -> AsyncIterator[pb.VerifyVersionResponse]:
        for response in told:
            yield response

    handler = grpc.unary_stream_rpc_method_handler(
        verify,
        request_deserializer=pb.VerifyVersionRequest.FromString,
        response_serializer=pb.VerifyVersionResponse.SerializeToString,
    )
    liar = grpc.aio.server()
    service = "hydria.v1.ArtifactService"
    handlers = grpc.method_handlers_generic_handler(service, {"VerifyVersion": handler})
    liar.add_generic_rpc_handlers([handlers])
    port = liar.add_insecure_port("127.0.0.1:0")
    await liar.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await liar.stop(None)


async def test_references_are_counted_and_neither_followed_nor_damaged(
    client: AsyncClient, tmp_path: Path
) -> None:
    elsewhere = plant(tmp_path / "elsewhere", {"x": b"bytes elsewhere"})
    async with client.draft("referring", type="dataset") as draft:
        await draft.add_bytes("a", b"a")
        await draft.add_reference(f"file://{elsewhere}/x", "far/x")
        await draft.add_reference("odd://unknown", "odd", checksum=False)
        await draft.commit()
    (elsewhere / "x").unlink()
    stored = await client.verify("referring")
    assert (stored.is_intact, stored.reference_count, stored.file_count) == (True, 2, 1)
    await client.download("referring", tmp_path / "copy", references=False)
    copied = await client.verify("referring", root=tmp_path / "copy")
    assert (copied.reference_count, copied.missing, copied.changed) == (2, (), ())
