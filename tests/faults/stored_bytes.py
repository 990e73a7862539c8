"""Reads what a store keeps in its packs, by the documented format and by none of its code."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3
from xxhash import xxh3_64_intdigest

PACK_HEADER = struct.Struct("<8sII16s")
RECORD_HEADER = struct.Struct("<4sBBH16s32sIIQQ")
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LISTED_IN_RECIPES = 0xFFFF

Listed = tuple[bytes, int]
"""A chunk as a file's chunk list names it: digest, size in bytes."""


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A row of the chunk index."""

    domain_id: int
    digest: bytes
    state: int
    touch_epoch: int
    size_bytes: int
    pack_id: str
    pack_offset: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a manifest, or of a staged run; a reference has no content of its own."""

    path: bytes
    size_bytes: int
    content_digest: bytes
    chunks: tuple[Listed, ...]
    recipes: tuple[Listed, ...]
    digested: bytes  # the part that the version digest covers
    is_reference: bool = False


class Packs:
    """The packs below one directory, whether open or sealed."""

    def __init__(self, root: Path) -> None:
        self.files = {path.relative_to(root): path.read_bytes() for path in root.rglob("*.pack")}
        self._by_id = {path.stem: data for path, data in self.files.items()}

    def problems(self) -> Iterator[str]:
        """Yield what is wrong with the packs themselves."""
        if len(self._by_id) < len(self.files):
            yield "a pack lies in two places"
        for path, data in self.files.items():
            if data and not _begins(data, path.stem):
                yield f"{path} does not begin as the pack that its name says"
            if path.parts[0] == "sealed" and path.parts[1] != path.stem[-2:]:
                yield f"{path} is in the wrong directory"

    def payload(self, row: ChunkRow, domain_key: bytes) -> bytes | str:
        """Return the bytes of the chunk, or what is wrong with its record."""
        data = self._by_id.get(row.pack_id)
        if data is None:
            return "its pack is gone"
        head = data[row.pack_offset : row.pack_offset + RECORD_HEADER.size]
        if len(head) < RECORD_HEADER.size:
            return "its pack ends before its header does"
        *said, payload_xxh3, header_xxh3 = RECORD_HEADER.unpack(head)
        if header_xxh3 != xxh3_64_intdigest(head[:-8]):
            return "its header does not match the header's XXH3"
        size = row.size_bytes
        if said != [b"HYRC", 1, 0, 0, domain_key, row.digest, size, size]:
            return "its header says something else than its row"
        start = row.pack_offset + RECORD_HEADER.size
        payload = data[start : start + size]
        if len(payload) < size or payload_xxh3 != xxh3_64_intdigest(payload):
            return "its payload does not match its header"
        return payload if blake3(payload).digest() == row.digest else "its payload is not its own"


def _begins(data: bytes, pack_id: str) -> bool:
    number = 0
    for character in pack_id:
        number = number * 32 + CROCKFORD.index(character)
    header = PACK_HEADER.pack(b"HYDRPACK", 1, 0, number.to_bytes(16, "big"))
    return data[: len(header)] == header


def listed_chunks(recipe: bytes) -> list[Listed]:
    """Return the chunks of a recipe.

    Raises:
        ValueError: it is none.
    """
    if recipe[:5] != b"HYRC\x01" or (len(recipe) - 5) % 36:
        raise ValueError("the bytes are no recipe")
    return [(digest, size) for digest, size in struct.iter_unpack("<32sI", recipe[5:])]


def entries_of(data: bytes, magic: bytes) -> list[Entry]:
    """Return the entries of a shard (`HYMS`) or of a staged run (`HYRN`).

    Raises:
        ValueError: it is none.
    """
    if data[:5] != magic + b"\x01":
        raise ValueError(f"the bytes do not begin with {magic!r}")
    entries, at = [], 5
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        if at + 4 + size > len(data):
            raise ValueError("an entry is cut short")
        entries.append(_entry(data[at + 4 : at + 4 + size]))
        at += 4 + size
    return entries


def _entry(raw: bytes) -> Entry:
    (length,) = struct.unpack_from("<I", raw)
    at = 4 + length
    kind, size = struct.unpack_from("<BQ", raw, at)
    if kind == 1:
        return Entry(raw[4:at], size, b"", (), (), raw, is_reference=True)
    if kind != 0:
        raise ValueError(f"there is no kind {kind}")
    end = at + 9 + 32
    digest = raw[at + 9 : end]
    (count,) = struct.unpack_from("<H", raw, end)
    chunks: tuple[Listed, ...] = ()
    recipes: tuple[Listed, ...] = ()
    if count == LISTED_IN_RECIPES:
        recipes = tuple((d, n) for d, n, _, _ in struct.iter_unpack("<32sIIQ", raw[end + 4 :]))
    elif count:
        chunks = tuple((d, n) for d, n in struct.iter_unpack("<32sI", raw[end + 2 :]))
    elif size:
        chunks = ((digest, size),)
    return Entry(raw[4:at], size, digest, chunks, recipes, raw[:end])
