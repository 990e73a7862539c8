"""Single tensors of a safetensors file in a version, fetched by name: the rest is not read.

What is returned is numpy's; numpy is loaded when the first tensor is. PyTorch is not needed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from hydria.client import AsyncClient
from hydria.reading.open_file import OpenFile
from hydria.reading.sync_open_file import SyncOpenFile
from hydria.reading.tensor_arrays import (
    TensorFileError,
    TensorTable,
    array_for,
    filled,
    length_of_header,
    room_in,
)
from hydria.reading.tensor_header import LENGTH_BYTES, Tensor
from hydria.records import File, Version
from hydria.sync import Client

if TYPE_CHECKING:
    from hydria.reading.tensor_arrays import AnyArray

__all__ = [
    "AsyncTensorFile",
    "Tensor",
    "TensorFile",
    "TensorFileError",
    "open_tensors",
    "open_tensors_async",
]


class _Described:
    """What is known of the tensors of a file without reading them."""

    def __init__(self, table: TensorTable, version_ref: str) -> None:
        self._table = table
        self.version_ref = version_ref
        """The full ref of the version, `ENTITY/PROJECT/COLLECTION:vN`."""

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __contains__(self, name: object) -> bool:
        return name in self._table

    @property
    def metadata(self) -> Mapping[str, str]:
        """The words in the header."""
        return self._table.metadata

    def keys(self) -> list[str]:
        """Return the names of the tensors, in the order of their bytes in the file."""
        return list(self._table)

    def describe(self, name: str) -> Tensor:
        """Return the type, the shape and the size of a tensor, without reading it.

        Raises:
            NotFoundError: the file has no such tensor.
        """
        return self._table.describe(name)


class TensorFile(_Described):
    """The tensors of one safetensors file. `open_tensors` makes it; threads may share it."""

    def __init__(self, file: SyncOpenFile) -> None:
        head = file.read_at(0, LENGTH_BYTES)
        header = file.read_at(LENGTH_BYTES, length_of_header(file.path, head, file.size_bytes))
        super().__init__(TensorTable(file.path, header, file.size_bytes), file.version_ref)
        self._file = file
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def tensor(self, name: str) -> AnyArray:
        """Return a tensor.

        numpy has no bfloat16: such a tensor comes as float32, which has all of its values. Types of
        8 bits and less that numpy does not have are refused; `read` has their bytes.

        Raises:
            NotFoundError: the file has no such tensor.
            TensorFileError: numpy has no such type.
            ImportError: numpy is not installed.
            ReceivedDataError: the bytes do not match their digest.
        """
        found = self.describe(name)
        array = array_for(found)
        self._fill(room_in(array), found)
        return filled(array, found)

    def read(self, name: str) -> bytes:
        """Return the bytes of a tensor, as they are in the file. Raises as `tensor`."""
        found = self.describe(name)
        data = bytearray(found.size_bytes)
        self._fill(memoryview(data), found)
        return bytes(data)

    def close(self) -> None:
        """Close the file. Closing twice is fine."""
        self._file.close()

    def _fill(self, buffer: memoryview, tensor: Tensor) -> None:
        with self._lock:
            self._file.seek(self._table.data_offset + tensor.begin)
            self._file.readinto(buffer)


class AsyncTensorFile(_Described):
    """The tensors of one safetensors file, for `AsyncClient`. `open_tensors_async` makes it."""

    def __init__(self, file: OpenFile, table: TensorTable) -> None:
        super().__init__(table, file.version_ref)
        self._file = file

    async def tensor(self, name: str) -> AnyArray:
        """Return a tensor. As `TensorFile.tensor`."""
        found = self.describe(name)
        array = array_for(found)
        room_in(array)[:] = await self._bytes_of(found)
        return filled(array, found)

    async def read(self, name: str) -> bytes:
        """Return the bytes of a tensor, as they are in the file. Raises as `tensor`."""
        return await self._bytes_of(self.describe(name))

    def close(self) -> None:
        """Let go of what is held. Tensors may still be read."""
        self._file.close()

    async def _bytes_of(self, tensor: Tensor) -> bytes:
        return await self._file.read_at(self._table.data_offset + tensor.begin, tensor.size_bytes)


def open_tensors(client: Client, ref: str | Version, path: str | File) -> TensorFile:
    """Open a safetensors file of a version; only its header is read. Close it, or use `with`.

    Args:
        client: stays open as long as the file is used.
        ref: the version.
        path: the file.

    Raises:
        FileNotFoundInVersionError: the version has no such file.
        TensorFileError: it is no safetensors file.
    """
    file = client.open(ref, path)
    try:
        return TensorFile(file)
    except BaseException:
        file.close()
        raise


async def open_tensors_async(
    client: AsyncClient, ref: str | Version, path: str | File
) -> AsyncTensorFile:
    """Open a safetensors file of a version by an `AsyncClient`. As `open_tensors`."""
    file = await client.open(ref, path)
    head = await file.read_at(0, LENGTH_BYTES)
    length = length_of_header(file.path, head, file.size_bytes)
    header = await file.read_at(LENGTH_BYTES, length)
    return AsyncTensorFile(file, TensorTable(file.path, header, file.size_bytes))
