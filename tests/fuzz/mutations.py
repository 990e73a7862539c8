"""Valid bytes with a few harms: nearer to what a decoder takes than bytes at random ever come."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

_EXTREMES = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\xff" * 9 + b"\x01",
    b"\xff" * 11,
)
Harm = Callable[[bytes], bytes]
"""Returns other bytes than it was given, mostly."""


def _flip(place: int, bit: int) -> Harm:
    def harm(data: bytes) -> bytes:
        if not data:
            return data
        at = place % len(data)
        return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]

    return harm


def _overwrite(place: int, text: bytes) -> Harm:
    def harm(data: bytes) -> bytes:
        at = place % (len(data) + 1)
        return data[:at] + text + data[at + len(text) :]

    return harm


def _insert(place: int, text: bytes) -> Harm:
    def harm(data: bytes) -> bytes:
        at = place % (len(data) + 1)
        return data[:at] + text + data[at:]

    return harm


def _cut_out(place: int, length: int) -> Harm:
    def harm(data: bytes) -> bytes:
        at = place % (len(data) + 1)
        return data[:at] + data[at + length :]

    return harm


def _repeat(place: int, length: int) -> Harm:
    def harm(data: bytes) -> bytes:
        at = place % (len(data) + 1)
        return data[: at + length] + data[at:]

    return harm


_PLACES, _LENGTHS = st.integers(0, 1 << 20), st.integers(1, 200)
_TEXTS = st.sampled_from(_EXTREMES) | st.binary(min_size=1, max_size=8)
HARMS: st.SearchStrategy[Harm] = st.one_of(
    st.builds(_flip, _PLACES, st.integers(0, 7)),
    st.builds(_overwrite, _PLACES, _TEXTS),
    st.builds(_insert, _PLACES, _TEXTS),
    st.builds(_cut_out, _PLACES, _LENGTHS),
    st.builds(_repeat, _PLACES, _LENGTHS),
    st.builds(lambda place: lambda data: data[: place % (len(data) + 1)], _PLACES),
)


def mutated(valid: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Return valid bytes with one to four harms."""

    def harmed(data: bytes, harms: list[Harm]) -> bytes:
        for harm in harms:
            data = harm(data)
        return data

    return st.builds(harmed, valid, st.lists(HARMS, min_size=1, max_size=4))
