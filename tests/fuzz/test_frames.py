"""Frames of a download that were harmed on their way: what is taken of them lies in bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hydria.download.frames import FrameChecker
from hydria.download.wire import decode_frame
from hydria.errors import ReceivedDataError
from hydria.v1 import artifact_pb2 as pb
from tests.client.test_received_frames import WANTED, good_frame
from tests.fuzz.mutations import mutated

FRAME = good_frame().SerializeToString()


@given(mutated(st.just(FRAME)))
def test_a_harmed_frame_is_read_as_the_generated_code_reads_it(raw: bytes) -> None:
    try:
        expected = pb.DownloadResponse.FromString(raw)
    except Exception:  # noqa: BLE001 - whatever it is, it is no message
        expected = None
    try:
        frame, payload = decode_frame(raw)
    except ReceivedDataError:
        assert expected is None
        return
    assert expected is not None
    assert bytes(payload) == expected.payload
    expected.ClearField("payload")
    assert frame == expected


@given(st.lists(mutated(st.just(FRAME)) | st.just(FRAME), min_size=1, max_size=3))
def test_of_harmed_frames_no_byte_is_taken_that_lies_outside_of_a_file(raws: list[bytes]) -> None:
    checker = FrameChecker(WANTED.get)
    try:
        for raw in raws:
            for segment in checker.check(raw):
                file = segment.read.file
                assert WANTED[file.path].file == file
                assert segment.offset + len(segment.data) <= file.size_bytes
        checker.end()
    except ReceivedDataError:
        return
