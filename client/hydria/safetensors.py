"""Single tensors of a safetensors file in a version, fetched by name: the rest is not read.

What is returned is numpy's; numpy is loaded when the first tensor is. PyTorch is not needed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from hydria.errors import HydriaError, NotFoundError
from hydria.reading.sync_open_file import SyncOpenFile
from hydria.reading.tensor_header import (
    LENGTH_BYTES,
    Tensor,
    header_length,
    parse_header,
)
from hydria.records import File, Version
from hydria.sync import Client

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    AnyArray = NDArray[np.generic]

__all__ = ["Tensor", "TensorFile", "TensorFileError", "open_tensors"]

# The types that numpy has. bfloat16 is not among them, and is widened: see `TensorFile.tensor`.
_NUMPY_DTYPES = {
    "BOOL": "|b1", "I8": "|i1", "U8": "|u1", "I16": "<i2", "U16": "<u2", "I32": "<i4",
    "U32": "<u4", "I64": "<i8", "U64": "<u8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
    "C64": "<c8",
}  # fmt: skip


class TensorFileError(HydriaError):
    """The file is no safetensors file, or has tensors of a type that numpy does not know."""


class TensorFile:
    """The tensors of one safetensors file. `open_tensors` makes it; threads may share it."""

    def __init__(self, file: SyncOpenFile) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._tensors, self.metadata, self._data_offset = _header_of(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._tensors)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    @property
    def version_ref(self) -> str:
        """The full ref of the version, `ENTITY/PROJECT/COLLECTION:vN`."""
        return self._file.version_ref

    def keys(self) -> list[str]:
        """Return the names of the tensors, in the order of their bytes in the file."""
        return list(self._tensors)

    def describe(self, name: str) -> Tensor:
        """Return the type, the shape and the size of a tensor, without reading it.

        Raises:
            NotFoundError: the file has no such tensor.
        """
        found = self._tensors.get(name)
        if found is None:
            raise NotFoundError(f"{self._file.path!r} has no tensor {name!r}")
        return found

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
        try:
            import numpy as np
        except ImportError as error:
            raise ImportError("tensors need numpy: pip install 'hydria[numpy]'") from error
        dtype = "<u2" if found.dtype == "BF16" else _NUMPY_DTYPES.get(found.dtype)
        if dtype is None:
            raise TensorFileError(
                f"numpy has no type for {found.dtype}, which {name!r} has; read() gives its bytes"
            )
        try:
            array = np.empty(found.shape, dtype)
        except ValueError as error:
            raise TensorFileError(f"numpy cannot hold {name!r}: {error}") from error
        if array.size:  # nothing has no view
            self._fill(array.reshape(-1).view(np.uint8).data, found)
        if found.dtype == "BF16":
            array = (array.astype("<u4") << 16).view("<f4")
        return array

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
            self._file.seek(self._data_offset + tensor.begin)
            self._file.readinto(buffer)


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


def _header_of(file: SyncOpenFile) -> tuple[Mapping[str, Tensor], Mapping[str, str], int]:
    """Return the tensors of a file, its metadata, and where the bytes of tensors begin."""
    try:
        length = header_length(file.read_at(0, LENGTH_BYTES), file.size_bytes)
        header = file.read_at(LENGTH_BYTES, length)
        begin = LENGTH_BYTES + length
        tensors, metadata = parse_header(header, file.size_bytes - begin)
    except ValueError as problem:
        raise TensorFileError(f"{file.path!r} is no safetensors file: {problem}") from problem
    return tensors, metadata, begin
