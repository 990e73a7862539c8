"""Headers of safetensors files, honest and hostile."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria.reading.tensor_header import HEADER_BYTES_MAX, header_length, parse_header

F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def described(**changes: object) -> dict[str, object]:
    return {"a": F32 | changes}


def test_tensors_come_in_the_order_of_their_bytes_with_the_metadata() -> None:
    document = {
        "b": {"dtype": "F32", "shape": [2, 1], "data_offsets": [2, 10]},
        "__metadata__": {"format": "np"},
        "empty": {"dtype": "U8", "shape": [0, 7], "data_offsets": [2, 2]},
        "scalar": {"dtype": "BF16", "shape": [], "data_offsets": [0, 2]},
        "half": {"dtype": "F4", "shape": [4], "data_offsets": [10, 12]},
    }
    tensors, metadata = parse_header(json.dumps(document).encode() + b"   ", 12)
    assert list(tensors) == ["scalar", "empty", "b", "half"]
    assert (tensors["b"].shape, tensors["b"].begin, tensors["b"].size_bytes) == ((2, 1), 2, 8)
    assert metadata == {"format": "np"}
    assert parse_header(b"{}", 0) == ({}, {})


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"[]",
        b" {}",
        b"{",
        b"\xff",
        b"{" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": {}, "a": {}}',
        json.dumps(described(extra=1)).encode(),
        json.dumps({"a": {"dtype": "F32", "shape": [2]}}).encode(),
        json.dumps({"a": [1]}).encode(),
        json.dumps(described(dtype="F31")).encode(),
        json.dumps(described(dtype=["F32"])).encode(),
        json.dumps(described(shape="2")).encode(),
        json.dumps(described(shape=[True, 2])).encode(),
        json.dumps(described(shape=[2.0])).encode(),
        json.dumps(described(shape=[-2])).encode(),
        json.dumps(described(shape=[1] * 65 + [2])).encode(),
        json.dumps(described(shape=[1 << 63, 1 << 63])).encode(),
        json.dumps(described(shape=[3])).encode(),
        json.dumps(described(data_offsets=[0, 8, 8])).encode(),
        json.dumps(described(data_offsets=[8, 0])).encode(),
        json.dumps(described(data_offsets=[1, 9])).encode(),
        json.dumps(described(data_offsets=[1 << 62, (1 << 62) + 8])).encode(),
        b'{"a": {"dtype": "F32", "shape": [%s], "data_offsets": [0, 8]}}' % (b"9" * 5000),
        json.dumps({"a": F32, "b": F32}).encode(),
        json.dumps(described() | {"__metadata__": []}).encode(),
        json.dumps(described() | {"__metadata__": {"a": 1}}).encode(),
    ],
)
def test_what_breaks_the_rules_is_refused(header: bytes) -> None:
    with pytest.raises(ValueError):
        parse_header(header, 8)


@pytest.mark.parametrize("data_bytes", [0, 7, 9, 1 << 40])
def test_tensors_that_do_not_fill_the_file_are_refused(data_bytes: int) -> None:
    with pytest.raises(ValueError):
        parse_header(json.dumps(described()).encode(), data_bytes)


@pytest.mark.parametrize(
    ("head", "file_bytes"),
    [
        (b"", 0),
        (b"1234567", 7),
        ((HEADER_BYTES_MAX + 1).to_bytes(8, "little"), 1 << 40),
        (b"\xff" * 8, 1 << 40),
        ((93).to_bytes(8, "little"), 100),
    ],
)
def test_a_length_that_cannot_be_is_refused(head: bytes, file_bytes: int) -> None:
    with pytest.raises(ValueError):
        header_length(head, file_bytes)
    assert header_length((92).to_bytes(8, "little"), 100) == 92


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
TENSORS = st.dictionaries(
    st.text(max_size=3) | st.just("__metadata__"),
    JSON
    | st.fixed_dictionaries(
        {
            "dtype": st.sampled_from(["F32", "U8", "F4", "X"]) | JSON,
            "shape": st.lists(st.integers(-1, 4), max_size=2) | JSON,
            "data_offsets": st.lists(st.integers(-1, 20), max_size=3) | JSON,
        }
    ),
    max_size=3,
)


@given(TENSORS | JSON, st.integers(0, 20))
def test_every_document_is_refused_or_makes_tensors_inside_the_file(
    document: object, data_bytes: int
) -> None:
    try:
        tensors, _ = parse_header(json.dumps(document).encode(), data_bytes)
    except ValueError:
        return
    end = 0
    for tensor in tensors.values():
        assert tensor.begin == end
        end += tensor.size_bytes
    assert end == data_bytes


@given(st.binary(max_size=60), st.integers(0, 20))
def test_every_text_is_refused_or_parsed(header: bytes, data_bytes: int) -> None:
    try:
        parse_header(header, data_bytes)
    except ValueError:
        return
    assert header.startswith(b"{")
