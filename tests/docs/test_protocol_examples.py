"""docs/protocol.md says what a server does: its numbers, tables and messages, checked on one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

import grpc
import pytest
import xxhash
from blake3 import blake3
from google.protobuf import json_format, text_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import artifact_pb2_grpc, types_pb2
from hydria_server.domain import errors
from hydria_server.domain.digest import format_digest
from hydria_server.rpc.errors import status_of
from hydria_server.services import listings
from hydria_server.services.filter_parsing import Fields, Kind, parse_filter
from tests.docs.pages import Page, bytes_of
from tests.servers import server_process

M = TypeVar("M", bound=Message)
Stub = artifact_pb2_grpc.ArtifactServiceStub

PAGE = Page("protocol.md")
FILES = {"data/numbers.csv": b"n\n1\n2\n3\n", "hello.txt": b"hello, hydria\n"}
OURS = ("created_at", "updated_at", "expires_at", "upload_id")  # what each server has its own of


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stub]:
    data = tmp_path_factory.mktemp("protocol") / "data"
    with server_process(data) as server, _stub_of(server.address) as stub:
        yield stub


def test_the_limits_and_the_chunker_are_those_of_a_server_with_default_settings(stub: Stub) -> None:
    info = stub.GetServerInfo(pb.GetServerInfoRequest())
    limits = {name: int(value) for name, value, _ in PAGE.table("example: limits")}
    assert limits == {field.name: value for field, value in info.limits.ListFields()}
    parameters = {name: int(value) for name, value in PAGE.table("example: chunker parameters")}
    assert parameters == {
        field.name: getattr(info.chunker, field.name) for field in info.chunker.DESCRIPTOR.fields
    }
    assert info.digest_function == types_pb2.DIGEST_FUNCTION_BLAKE3_256


def test_every_reason_is_in_the_table_with_its_status_code() -> None:
    listed = {reason: code for reason, code, _ in PAGE.table("example: reasons")}
    reasons = [name.removeprefix("ERROR_REASON_") for name in types_pb2.ErrorReason.keys()[1:]]
    assert list(listed) == reasons
    codes = {kind.reason: kind for kind in _kinds(errors.HydriaError)}
    assert listed == {reason: _code(codes[reason]) for reason in reasons}


def _kinds(kind: type[errors.HydriaError]) -> Iterator[type[errors.HydriaError]]:
    """Yield subclasses first: what is nearest to the root has the last word on a reason."""
    for below in kind.__subclasses__():
        yield from _kinds(below)
    yield kind


def _code(kind: type[errors.HydriaError]) -> str:
    error = kind.__new__(kind)
    return status_of(error).name


def test_the_table_of_damage_has_every_kind() -> None:
    kinds = {f"DAMAGE_KIND_{kind}" for kind, *_ in PAGE.table("example: damage kinds")}
    assert kinds == {*pb.DamageKind.keys()} - {"DAMAGE_KIND_UNSPECIFIED"}


def test_the_table_of_fields_is_what_lists_can_be_filtered_and_ordered_by() -> None:
    fields: Mapping[str, Fields] = {
        "ListProjects": listings.PROJECT_FIELDS,
        "ListTypes": listings.TYPE_FIELDS,
        "ListCollections": listings.COLLECTION_FIELDS,
        "ListRegistries": listings.REGISTRY_FIELDS,
        "ListVersions": listings.VERSION_FIELDS,
    }
    for name, filtered, ordered, _ in PAGE.table("example: fields"):
        known = fields[name]
        assert set(filtered.replace(" (of the collection)", "").split(", ")) == set(known)
        sortable = {field for field, kind in known.items() if kind is not Kind.SET} - {"state"}
        assert set(ordered.split(", ")) == sortable


def test_the_filters_parse_and_the_orders_are_taken(stub: Stub) -> None:
    for line in PAGE.block("example: filters").splitlines():
        assert parse_filter(line, listings.VERSION_FIELDS)
    stub.PutVersion(_inline("ordered", {"a": b"a"}))
    rows = {name: ordered for name, _, ordered, _ in PAGE.table("example: fields")}
    for field in rows["ListVersions"].split(", "):
        request = pb.ListVersionsRequest(entity="demo", project="birds", order_by=field)
        assert stub.ListVersions(request).versions


# --- chunks -----------------------------------------------------------------------------------


def example_chunks() -> list[bytes]:
    code: dict[str, object] = {}
    exec(PAGE.block("example: chunker.py"), code)
    cut = code["chunks"]
    assert callable(cut)
    return list(cut(example_content()))


def example_content() -> bytes:
    return blake3(b"hydria chunker example").digest(length=3_000_000)


def test_the_chunker_of_the_page_cuts_as_its_table_says() -> None:
    rows, at = [], 0
    for chunk in example_chunks():
        rows.append([str(at), str(len(chunk)), blake3(chunk).hexdigest()])
        at += len(chunk)
    assert rows == PAGE.table("example: chunks")
    assert at == len(example_content())
    assert f"`{_printed(example_content())}`" in PAGE.text


def test_the_server_cuts_a_plain_stream_in_the_same_places(stub: Stub) -> None:
    content = example_content()
    upload_id = _begin(stub, "plain")
    header = pb.UploadFileHeader(upload_id=upload_id, path="big.bin", size_bytes=len(content))
    pieces = [content[at : at + 1_000_000] for at in range(0, len(content), 1_000_000)]
    messages = [pb.UploadFileRequest(header=header)]
    messages += [pb.UploadFileRequest(data=piece) for piece in pieces]
    stub.UploadFile(iter(messages))
    _commit(stub, upload_id)
    frames = list(stub.Download(pb.DownloadRequest(ref="demo/birds/plain", whole_chunks=True)))
    digests = b"".join(frame.digests for frame in frames)
    assert [digests[at : at + 32].hex() for at in range(0, len(digests), 32)] == [
        digest for _, _, digest in PAGE.table("example: chunks")
    ]


def test_the_recipe_of_the_page_makes_a_file(stub: Stub) -> None:
    content, recipe = example_content(), bytes_of(PAGE.block("example: recipe"))
    listed = b"".join(_listed(chunk) for chunk in example_chunks())
    assert recipe == b"HYRC\x01" + listed
    assert f"`{_printed(recipe)}`" in PAGE.text
    upload_id = _begin(stub, "by-recipe")
    for chunk in (*example_chunks(), recipe):
        _put_chunk(stub, upload_id, chunk)
    entry = pb.FileEntry(
        path="big.bin",
        size_bytes=len(content),
        content_digest=blake3(content).digest(),
        recipe_digests=blake3(recipe).digest(),
    )
    put = pb.StageOperation(put=entry)
    staged = pb.StageFilesRequest(upload_id=upload_id, seq=1, operations=[put])
    assert not stub.StageFiles(staged).missing_digests
    _commit(stub, upload_id)
    frames = stub.Download(pb.DownloadRequest(ref="demo/birds/by-recipe"))
    assert b"".join(frame.payload for frame in frames) == content


def _listed(chunk: bytes) -> bytes:
    return blake3(chunk).digest() + len(chunk).to_bytes(4, "little")


# --- digests and errors -----------------------------------------------------------------------


def test_the_files_of_the_example_have_the_printed_digests() -> None:
    for path, content, size, digest in PAGE.table("example: files"):
        found = FILES[path]
        assert content == '"' + found.decode().replace("\n", "\\n") + '"'
        assert (int(size), digest) == (len(found), _printed(found))


def test_the_version_digest_is_blake3_of_the_printed_bytes(stub: Stub) -> None:
    digested = bytes_of(PAGE.block("example: digested bytes"))
    (_, two_files), (_, no_file) = PAGE.table("example: version digests")
    assert _printed(digested) == two_files
    put = stub.PutVersion(_inline("two-files", FILES))
    assert format_digest(put.version.digest) == two_files
    put = stub.PutVersion(_inline("no-file", {}))
    assert format_digest(put.version.digest) == no_file


def test_an_error_has_the_printed_bytes_in_its_trailers(stub: Stub) -> None:
    stub.PutVersion(_inline("calls", FILES))
    with pytest.raises(grpc.RpcError) as failure:
        stub.GetVersion(pb.GetVersionRequest(ref="demo/birds/calls:nope"))
    call = cast("grpc.Call", failure.value)
    assert call.code() is grpc.StatusCode.NOT_FOUND
    trailers = dict(call.trailing_metadata() or ())
    raw = trailers["grpc-status-details-bin"]
    assert raw == bytes_of(PAGE.block("example: status"))
    assert error_details_pb2.ErrorInfo.DESCRIPTOR.full_name in PAGE.block("example: status in text")
    read = text_format.Parse(PAGE.block("example: status in text"), status_pb2.Status())
    assert status_pb2.Status.FromString(raw) == read


# --- the worked example -----------------------------------------------------------------------


class Transcript:
    """The messages of the page, with the upload's id of the server that they are sent to."""

    def __init__(self) -> None:
        printed = PAGE.block("message: response CreateUpload")
        self._printed_id = text_format.Parse(printed, pb.CreateUploadResponse()).upload.upload_id
        self._upload_id = self._printed_id

    def begun(self, upload_id: str) -> None:
        self._upload_id = upload_id

    def message(self, marker: str, empty: M) -> M:
        text = PAGE.block(f"message: {marker}").replace(self._printed_id, self._upload_id)
        return text_format.Parse(text, empty)

    def require(self, marker: str, actual: M) -> None:
        """Check that a response is the printed one, but for what each server has its own of."""
        printed = self.message(marker, type(actual)())
        assert _plain(json_format.MessageToDict(actual)) == _plain(
            json_format.MessageToDict(printed)
        )


def _plain(value: object) -> object:
    if isinstance(value, dict):
        ours = [_json_name(name) for name in OURS]
        return {key: _plain(item) for key, item in value.items() if key not in ours}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _json_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def test_the_worked_example_happens_as_it_is_printed(tmp_path: Path) -> None:
    said = Transcript()
    with server_process(tmp_path / "data") as server, _stub_of(server.address) as stub:
        begun = stub.CreateUpload(said.message("request CreateUpload", pb.CreateUploadRequest()))
        said.require("response CreateUpload", begun)
        said.begun(begun.upload.upload_id)
        find = said.message("request FindMissingChunks", pb.FindMissingChunksRequest())
        said.require("response FindMissingChunks", stub.FindMissingChunks(find))
        batches = [
            said.message(f"request UploadChunks {number}", pb.UploadChunksRequest())
            for number in (1, 2)
        ]
        said.require("response UploadChunks", list(stub.UploadChunks(iter(batches)))[-1])
        stage = said.message("request StageFiles", pb.StageFilesRequest())
        said.require("response StageFiles", stub.StageFiles(stage))
        commit = said.message("request CommitUpload", pb.CommitUploadRequest())
        said.require("response CommitUpload", stub.CommitUpload(commit))
        for marker in ("Download", "Download range"):
            frames = stub.Download(said.message(f"request {marker}", pb.DownloadRequest()))
            for number, frame in enumerate(frames, 1):
                said.require(f"response {marker} {number}", frame)
                if frame.payload:
                    assert frame.payload_xxh3 == xxhash.xxh3_64_intdigest(frame.payload)
        move = said.message("request UpdateAliases", pb.UpdateAliasesRequest())
        said.require("response UpdateAliases", stub.UpdateAliases(move))


@contextmanager
def _stub_of(address: str) -> Iterator[Stub]:
    with grpc.insecure_channel(address) as channel:
        yield artifact_pb2_grpc.ArtifactServiceStub(channel)


# --- requests ---------------------------------------------------------------------------------


def _printed(content: bytes) -> str:
    return format_digest(blake3(content).digest())


def _inline(collection: str, files: Mapping[str, bytes]) -> pb.PutVersionRequest:
    return pb.PutVersionRequest(
        entity="demo",
        project="birds",
        collection=collection,
        type="dataset",
        files=[pb.InlineFile(path=path, content=content) for path, content in files.items()],
    )


def _begin(stub: Stub, collection: str) -> str:
    request = pb.CreateUploadRequest(
        entity="demo", project="birds", collection=collection, type="dataset"
    )
    return stub.CreateUpload(request).upload.upload_id


def _put_chunk(stub: Stub, upload_id: str, chunk: bytes) -> None:
    digest = blake3(chunk).digest()
    batch = types_pb2.ChunkBatch(sizes=[len(chunk)], digests=digest, payload=chunk)
    assert not stub.PutChunks(pb.PutChunksRequest(upload_id=upload_id, batch=batch)).errors


def _commit(stub: Stub, upload_id: str) -> None:
    stub.CommitUpload(pb.CommitUploadRequest(upload_id=upload_id))
