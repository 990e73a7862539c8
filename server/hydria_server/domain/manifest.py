"""The manifest's bytes: entries, the shards and staged runs that hold them, and recipes.

All numbers are little-endian. What is written here stays readable for ever, so each container
begins with a magic and a format number.

An entry begins with exactly the bytes that the version digest covers: u32 path length, path, u8
kind, u64 size, then for kind 0 (stored) the 32-byte content digest, for kind 1 (reference) u32
length + URI and u32 length + checksum. A stored entry goes on with its chunk list: u16 count n,
then n x (32-byte digest, u32 size); n = 0 is an empty file or one chunk that the content digest
names; n = 0xFFFF stands for recipes: u16 count, then for each its 32-byte digest, u32 size in
bytes, u32 number of chunks, and the u64 bytes of file that these make up.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.errors import FieldViolationError

VERSION_DIGEST_PREFIX = b"hydria.version.v1\0"
SHARD_MAGIC = b"HYMS\x01"
RUN_MAGIC = b"HYRN\x01"
REMOVALS_MAGIC = b"HYRM\x01"
RECIPE_MAGIC = b"HYRC\x01"
MAX_INLINE_CHUNKS = 64
MAX_RECIPE_CHUNKS = 32_768
KIND_STORED = 0
KIND_REFERENCE = 1

_U32 = struct.Struct("<I")
_U16 = struct.Struct("<H")
_KIND_AND_SIZE = struct.Struct("<BQ")
_TWO_LENGTHS = struct.Struct("<II")  # of an entry, and of the path that it begins with
_STORED_BYTES = _KIND_AND_SIZE.size + 32  # kind, size and content digest
_CHUNK = struct.Struct("<32sI")
_RECIPE = struct.Struct("<32sIIQ")
_RECIPES = 0xFFFF
_NO_CHUNKS = _U16.pack(0)


@dataclass(frozen=True, slots=True)
class RecipeRef:
    """A recipe of a big file: a chunk that lists `chunk_count` chunks of the file."""

    digest: bytes
    size_bytes: int
    chunk_count: int
    covered_bytes: int


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One entry of a version: stored bytes, or a reference when `ref_uri` is not empty."""

    path: str
    size_bytes: int
    content_digest: bytes = b""
    chunks: tuple[ChunkRef, ...] = ()  # empty for an empty or one-chunk file, or with recipes
    recipes: tuple[RecipeRef, ...] = ()
    ref_uri: str = ""
    ref_checksum: str = ""

    @property
    def is_reference(self) -> bool:
        return bool(self.ref_uri)

    def listed_chunks(self) -> tuple[ChunkRef, ...]:
        """Return the file's chunks in order, unless recipes list them."""
        if self.chunks or self.recipes or not self.size_bytes or self.is_reference:
            return self.chunks
        return (ChunkRef(self.content_digest, self.size_bytes),)


# --- entries -----------------------------------------------------------------------------------


def encode_entry(entry: FileEntry) -> bytes:
    """Return the entry's bytes."""
    path = entry.path.encode()
    kind = KIND_REFERENCE if entry.is_reference else KIND_STORED
    head = _U32.pack(len(path)) + path + _KIND_AND_SIZE.pack(kind, entry.size_bytes)
    if kind == KIND_REFERENCE:
        return head + _text(entry.ref_uri) + _text(entry.ref_checksum)
    if entry.recipes:
        listed = [_RECIPE.pack(*_recipe_fields(recipe)) for recipe in entry.recipes]
        counts = _U16.pack(_RECIPES) + _U16.pack(len(listed))
    else:
        listed = [_CHUNK.pack(chunk.digest, chunk.size_bytes) for chunk in entry.chunks]
        counts = _U16.pack(len(listed))
    return b"".join((head, entry.content_digest, counts, *listed))


def _recipe_fields(recipe: RecipeRef) -> tuple[bytes, int, int, int]:
    return recipe.digest, recipe.size_bytes, recipe.chunk_count, recipe.covered_bytes


def _text(text: str) -> bytes:
    raw = text.encode()
    return _U32.pack(len(raw)) + raw


def entry_path(raw: bytes) -> bytes:
    """Return the path of an encoded entry, as UTF-8."""
    return raw[4 : 4 + _U32.unpack_from(raw)[0]]


def entry_size(raw: bytes) -> int:
    """Return the size in bytes of an encoded entry's file."""
    size: int = _KIND_AND_SIZE.unpack_from(raw, 4 + _U32.unpack_from(raw)[0])[1]
    return size


def digested_part(raw: bytes) -> bytes:
    """Return the part of an encoded entry that the version digest covers."""
    at = 4 + _U32.unpack_from(raw)[0]
    return raw if raw[at] == KIND_REFERENCE else raw[: at + _KIND_AND_SIZE.size + 32]


def only_chunk(raw: bytes) -> bytes | None:
    """Return the content digest of an encoded entry of one chunk or none; None for all others.

    Beside `decode_entry` it costs a tenth, and most files of large versions are like that.
    """
    at = 4 + _U32.unpack_from(raw)[0]
    end = at + _STORED_BYTES
    is_one = raw[at] == KIND_STORED and raw[end:] == _NO_CHUNKS
    return raw[end - 32 : end] if is_one else None


def decode_entry(raw: bytes) -> FileEntry:
    """Return the entry that `encode_entry` wrote.

    Raises:
        ValueError: the bytes are no entry.
    """
    try:
        return _decode_entry(raw)
    except struct.error as error:
        raise ValueError("an entry is cut short") from error


def _decode_entry(raw: bytes) -> FileEntry:
    at = 4 + _U32.unpack_from(raw)[0]
    path = raw[4:at].decode()
    kind, size = _KIND_AND_SIZE.unpack_from(raw, at)
    at += _KIND_AND_SIZE.size
    if kind == KIND_REFERENCE:
        uri, at = _decode_text(raw, at)
        if not uri:
            raise ValueError("a reference without a URI")
        checksum, _ = _decode_text(raw, at)
        return FileEntry(path, size, ref_uri=uri, ref_checksum=checksum)
    content_digest, at = raw[at : at + 32], at + 32
    (count,) = _U16.unpack_from(raw, at)
    if count == _RECIPES:
        recipes = tuple(RecipeRef(*fields) for fields in _RECIPE.iter_unpack(raw[at + 4 :]))
        return FileEntry(path, size, content_digest, recipes=recipes)
    if not count:
        return FileEntry(path, size, content_digest)
    chunks = tuple(ChunkRef(*fields) for fields in _CHUNK.iter_unpack(raw[at + 2 :]))
    return FileEntry(path, size, content_digest, chunks)


def _decode_text(raw: bytes, at: int) -> tuple[str, int]:
    end = at + 4 + _U32.unpack_from(raw, at)[0]
    return raw[at + 4 : end].decode(), end


# --- shards and staged runs --------------------------------------------------------------------


def encode_entries(magic: bytes, entries: Iterable[bytes]) -> bytes:
    """Return a shard or a staged run: the magic, then each encoded entry after its u32 length."""
    parts = [magic]
    for raw in entries:
        parts.append(_U32.pack(len(raw)))
        parts.append(raw)
    return b"".join(parts)


def decode_entries(magic: bytes, data: bytes) -> Iterator[bytes]:
    """Yield the encoded entries of a shard or staged run.

    Raises:
        ValueError: it is something else, or cut short.
    """
    if data[: len(magic)] != magic:
        raise ValueError("the bytes do not begin with the expected magic")
    at, end, unpack = len(magic), len(data), _U32.unpack_from
    while at < end:
        start = at + 4
        at = start + unpack(data, at)[0] if start <= end else start
        if at > end:
            raise ValueError("an entry is cut short")
        yield data[start:at]


def digested_parts(magic: bytes, data: bytes) -> tuple[list[bytes], int]:
    """Return what the version digest covers of each entry of a shard, and the sum of the sizes.

    The same as decoding the entries one by one, in a quarter of the time: most of a large version
    stays as it is from one version to the next.

    Raises:
        ValueError: it is something else, or cut short.
    """
    if data[: len(magic)] != magic:
        raise ValueError("the bytes do not begin with the expected magic")
    parts: list[bytes] = []
    keep, unpack, unpack_kind = parts.append, _TWO_LENGTHS.unpack_from, _KIND_AND_SIZE.unpack_from
    at, end, size_bytes = len(magic), len(data), 0
    while at < end:
        length, path_bytes = unpack(data, at)
        start = at + 4
        kind_at = at + 8 + path_bytes
        at = start + length
        if at > end:
            raise ValueError("an entry is cut short")
        kind, size = unpack_kind(data, kind_at)
        size_bytes += size
        keep(data[start : at if kind else kind_at + _STORED_BYTES])
    return parts, size_bytes


def encode_removals(paths: Iterable[str], prefixes: Iterable[str]) -> bytes:
    """Return a staged run of removals: of single paths (`P`) and of prefixes (`D`)."""
    marked = [b"P" + path.encode() for path in paths] + [b"D" + text.encode() for text in prefixes]
    return encode_entries(REMOVALS_MAGIC, marked)


def decode_removals(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the paths and the prefixes that `encode_removals` wrote.

    Raises:
        ValueError: as `decode_entries`.
    """
    marked = list(decode_entries(REMOVALS_MAGIC, data))
    return [m[1:] for m in marked if m[:1] == b"P"], [m[1:] for m in marked if m[:1] == b"D"]


# --- recipes -----------------------------------------------------------------------------------


def encode_recipe(chunks: Iterable[ChunkRef]) -> bytes:
    """Return a recipe: the magic, then (32-byte digest, u32 size) of each chunk."""
    return RECIPE_MAGIC + b"".join(_CHUNK.pack(chunk.digest, chunk.size_bytes) for chunk in chunks)


def decode_recipe(data: bytes, *, field: str = "recipe") -> list[ChunkRef]:
    """Return the chunks of a recipe.

    Raises:
        FieldViolationError: the bytes are not a recipe (clients make them too).
    """
    body = data[len(RECIPE_MAGIC) :]
    if data[: len(RECIPE_MAGIC)] != RECIPE_MAGIC or len(body) % _CHUNK.size or not body:
        raise FieldViolationError(field, "the chunk is not a recipe")
    if len(body) // _CHUNK.size > MAX_RECIPE_CHUNKS:
        raise FieldViolationError(field, f"a recipe has at most {MAX_RECIPE_CHUNKS} chunks")
    return [ChunkRef(*fields) for fields in _CHUNK.iter_unpack(body)]
