"""Stores that are harmed on the disk while nobody serves them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.faults.stub_client import NAME, Promises, StubClient, random_files
from tests.servers import disk_server

FILES = random_files(3, 2_600_000, 700, 0, 1000)
BIG, SMALL, EMPTY, OTHER = FILES
REF = f"{NAME}:v0"

Harm = Callable[[bytearray, int], bytes]


def flip(at: int) -> Harm:
    """Flip a bit `at` bytes behind the beginning of what is harmed."""

    def harm(pack: bytearray, begin: int) -> bytes:
        pack[begin + at] ^= 0x10
        return bytes(pack)

    return harm


def cut(at: int) -> Harm:
    """End the pack there."""
    return lambda pack, begin: bytes(pack[: begin + at])


def zero(pack: bytearray, begin: int) -> bytes:
    """Lose a sector, as disks do."""
    pack[begin : begin + 512] = bytes(512)
    return bytes(pack)


@asynccontextmanager
async def served(data: Path) -> AsyncIterator[StubClient]:
    async with disk_server(data) as server:
        yield StubClient(server.channel, Promises())


def packs_of(data: Path) -> list[Path]:
    return sorted(data.rglob("*.pack"))


def damage(data: Path, content: bytes, harm: Harm) -> None:
    """Harm the record of a chunk, wherever it lies. It is looked for by its bytes."""
    for path in packs_of(data):
        pack = bytearray(path.read_bytes())
        begin = pack.find(content)
        if begin >= 0:
            path.write_bytes(harm(pack, begin))
            return
    raise AssertionError("the chunk is in no pack")
