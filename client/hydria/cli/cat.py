"""`hydria artifact cat`: the bytes of one file."""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from contextlib import aclosing
from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import print_bytes, to_json
from hydria.cli.rows import Row, file_row

if TYPE_CHECKING:
    from hydria.client import AsyncClient


@click.command()
@click.argument("ref")
@click.argument("path")
@common_options
@click.pass_obj
def cat(invocation: Invocation, ref: str, path: str) -> None:
    """Write a file of a version to standard output, every piece verified before it goes out.

    With --json its bytes are in base64, as `content_base64`.
    """
    path = unicodedata.normalize("NFC", path)  # as versions store it
    write = _write_json if invocation.is_json else _write_bytes
    invocation.call(lambda client: write(client, ref, path))


async def _write_bytes(client: AsyncClient, ref: str, path: str) -> None:
    async with aclosing(client.iter_bytes(ref, path)) as pieces:
        async for piece in pieces:
            await _write(piece)


async def _write_json(client: AsyncClient, ref: str, path: str) -> None:
    version = await client.version(ref)
    async with aclosing(client.iter_bytes(version.ref, path)) as pieces:
        left = await anext(pieces, b"")  # what is wrong shows before anything is printed
        row = {"ref": version.ref, **await _described(client, version.ref, path)}
        opening = to_json({**row, "content_base64": ""}).removesuffix('"}')
        await _write(opening.encode())
        async for piece in pieces:
            whole = len(left) // 3 * 3  # base64 writes three bytes at a time
            await _write(b64encode(left[:whole]))
            left = left[whole:] + piece
        await _write(b64encode(left) + b'"}\n')


async def _write(data: bytes) -> None:
    """Write to standard output, from a thread: a slow reader must not stop the loop."""
    import asyncio

    await asyncio.to_thread(print_bytes, data)


async def _described(client: AsyncClient, ref: str, path: str) -> Row:
    """Return the row of one file. It sorts before all that begin with its path."""
    async for file in client.files(ref, path):
        return file_row(file)
    raise AssertionError("the file was found a moment ago, and versions do not change")
