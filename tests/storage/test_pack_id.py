"""The names of packs."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria_server.storage.packs.pack_id import PackIds, decode, encode, is_pack_id


@given(st.binary(min_size=16, max_size=16))
def test_an_id_gives_back_its_bytes(raw: bytes) -> None:
    assert is_pack_id(encode(raw))
    assert decode(encode(raw)) == raw


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_ids_sort_as_their_bytes_do(one: bytes, other: bytes) -> None:
    assert (encode(one) < encode(other)) == (one < other)


def test_an_id_is_spelled_as_the_ulid_specification_spells_it() -> None:
    # 01ARZ3NDEKTSV4RRFFQ69G5FAV is the specification's example.
    assert encode(bytes.fromhex("01563e3ab5d3d6764c61efb99302bd5b")) == "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    assert encode(bytes(16)) == "0" * 26
    assert encode(b"\xff" * 16) == "7" + "Z" * 25


def test_each_id_is_greater_than_the_one_before() -> None:
    ids = PackIds()
    made = [ids.next() for _ in range(2000)]

    assert made == sorted(set(made))


def test_an_id_begins_with_the_time() -> None:
    before = time.time_ns() // 1_000_000
    raw = decode(PackIds().next())

    assert before <= int.from_bytes(raw[:6], "big") <= time.time_ns() // 1_000_000


def test_a_clock_that_goes_back_does_not_make_ids_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = PackIds()
    now = ids.next()
    monkeypatch.setattr(time, "time_ns", lambda: 0)

    assert ids.next() > now


@pytest.mark.parametrize(
    "text",
    ["", "0" * 25, "0" * 27, "8" + "0" * 25, "0" * 25 + "I", "0" * 25 + "l", "../" + "0" * 23],
)
def test_what_is_not_spelled_like_an_id_is_none(text: str) -> None:
    assert not is_pack_id(text)
    with pytest.raises(ValueError, match="not the id of a pack"):
        decode(text)
