"""A line to a server that can be cut, after so many bytes or at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Line:
    """Carries bytes both ways until it is cut; the next connection is whole again.

    Put numbers into `cut_after_..._bytes`: each cuts the line once, after so many bytes more.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._writers: set[asyncio.StreamWriter] = set()
        self.address = ""
        self.cut_after_sent_bytes: list[int] = []
        self.cut_after_received_bytes: list[int] = []
        self.cuts = 0
        self.is_down = False

    @classmethod
    @asynccontextmanager
    async def to(cls, address: str) -> AsyncIterator[Line]:
        host, _, port = address.rpartition(":")
        line = cls(host, int(port))
        server = await asyncio.start_server(line._accept, "127.0.0.1", 0)
        line.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield line
        finally:
            line.is_down = True
            line.cut()
            server.close()

    def cut(self) -> None:
        """Break every connection."""
        self.cuts += 1
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_down:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        self._writers |= {writer, far_writer}
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(
                self._carry(reader, far_writer, self.cut_after_sent_bytes),
                self._carry(far_reader, writer, self.cut_after_received_bytes),
            )
        for each in (writer, far_writer):
            each.transport.abort()
        self._writers -= {writer, far_writer}

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, budgets: list[int]
    ) -> None:
        while data := await reader.read(1 << 16):
            if budgets:
                budgets[0] -= len(data)
                if budgets[0] <= 0:
                    budgets.pop(0)
                    self.cut()
                    return
            writer.write(data)
            await writer.drain()
        writer.transport.abort()
