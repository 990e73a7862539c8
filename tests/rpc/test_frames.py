"""Frames of a download: whatever the windows, the files come out of them again."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hydria.v1 import artifact_pb2
from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.manifest import FileEntry
from hydria_server.rpc.frames import FRAME_BYTES, FRAME_ITEMS, chunk_frame, download_frames
from hydria_server.rpc.hot_messages import encode_frame
from hydria_server.services.downloads import FileStart, Segment, Window
from tests.examples_tried import of_examples
from tests.noise import noise
from tests.teams import Download, digest

NOISE = noise(1 << 21)

SIZES = st.sampled_from([0, 1, 1, 2, 1000, 300_000, FRAME_BYTES, FRAME_BYTES + 1, 2 << 20])
FILES = st.lists(st.lists(SIZES.filter(bool), max_size=4), max_size=8)


def windows_of(files: list[list[int]], per_window: int) -> list[Window]:
    """Return windows of so many segments, as a download makes them."""
    windows = [Window()]
    for index, sizes in enumerate(files):
        if len(windows[-1].segments) >= per_window:
            windows.append(Window())
        content = b"".join(NOISE[:size] for size in sizes)
        entry = FileEntry(f"{index:04}", len(content), digest(content))
        windows[-1].starts.append(FileStart(index, entry, 0, len(content)))
        offset = 0
        for size in sizes:
            if len(windows[-1].segments) >= per_window:
                windows.append(Window())
            chunk = ChunkRef(digest(NOISE[:size]), size)
            windows[-1].segments.append(Segment(index, offset, chunk, 0, size))
            windows[-1].payloads.append(memoryview(NOISE)[:size])
            offset += size
        windows[-1].finished.append(index)
    return windows


@settings(max_examples=of_examples(60))
@given(FILES, st.integers(1, 6), st.booleans())
def test_files_come_out_of_their_frames(
    files: list[list[int]], per_window: int, whole_chunks: bool
) -> None:
    download = Download()
    download.frame_count, download.version_ref = 1, "e/p/c:v0"
    for window in windows_of(files, per_window):
        for sent in download_frames(window, whole_chunks=whole_chunks):
            frame = artifact_pb2.DownloadResponse.FromString(encode_frame(sent))
            download.take(frame)
            assert len(frame.sizes) <= FRAME_ITEMS
            assert len(frame.payload) <= FRAME_BYTES or len(frame.sizes) == 1
    expected = {
        f"{index:04}": b"".join(NOISE[:size] for size in sizes) for index, sizes in enumerate(files)
    }
    assert download.contents() == expected
    if whole_chunks:
        for file, sizes in zip(download.files, files, strict=True):
            assert file.digests == [digest(NOISE[:size]) for size in sizes]


@given(st.lists(SIZES.filter(bool), max_size=12))
def test_chunks_come_out_of_their_frames(sizes: list[int]) -> None:
    refs = [ChunkRef(digest(NOISE[:size]), size) for size in sizes]
    payloads = [memoryview(NOISE)[:size] for size in sizes]
    found: list[int] = []
    for frame in chunk_frame(refs, payloads):
        assert len(frame.payload) == sum(frame.sizes)
        assert len(frame.digests) == 32 * len(frame.sizes)
        assert len(frame.payload) <= FRAME_BYTES or len(frame.sizes) == 1
        found += frame.sizes
    assert found == sizes
