"""Tensors as numpy has them, and what a safetensors file says of them. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hydria.errors import HydriaError, NotFoundError
from hydria.reading.tensor_header import LENGTH_BYTES, Tensor, header_length, parse_header

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    AnyArray = NDArray[np.generic]

# The types that numpy has. bfloat16 is not among them, and is widened: see `filled`.
_NUMPY_DTYPES = {
    "BOOL": "|b1", "I8": "|i1", "U8": "|u1", "I16": "<i2", "U16": "<u2", "I32": "<i4",
    "U32": "<u4", "I64": "<i8", "U64": "<u8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
    "C64": "<c8",
}  # fmt: skip


class TensorFileError(HydriaError):
    """The file is no safetensors file, or has tensors of a type that numpy does not know."""


class TensorTable:
    """The names of the tensors of one file, and what its header says of each."""

    def __init__(self, path: str, header: bytes, file_bytes: int) -> None:
        """Take the path of the file, its header and its size.

        Raises:
            TensorFileError: there is no such header.
        """
        self._path = path
        self.data_offset = LENGTH_BYTES + len(header)
        try:
            self._tensors, self.metadata = parse_header(header, file_bytes - self.data_offset)
        except ValueError as problem:
            raise _no_tensors(path, problem) from problem

    def __len__(self) -> int:
        return len(self._tensors)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def describe(self, name: str) -> Tensor:
        """Return the type, the shape and the size of a tensor.

        Raises:
            NotFoundError: the file has no such tensor.
        """
        found = self._tensors.get(name)
        if found is None:
            raise NotFoundError(f"{self._path!r} has no tensor {name!r}")
        return found


def length_of_header(path: str, head: bytes, file_bytes: int) -> int:
    """Return the length of the header from the first bytes of a file.

    Raises:
        TensorFileError: there is no such header.
    """
    try:
        return header_length(head, file_bytes)
    except ValueError as problem:
        raise _no_tensors(path, problem) from problem


def array_for(tensor: Tensor) -> AnyArray:
    """Return an array with room for the bytes of a tensor.

    Raises:
        TensorFileError: numpy has no such type.
        ImportError: numpy is not installed.
    """
    try:
        import numpy as np
    except ImportError as error:
        raise ImportError("tensors need numpy: pip install 'hydria[numpy]'") from error
    dtype = "<u2" if tensor.dtype == "BF16" else _NUMPY_DTYPES.get(tensor.dtype)
    if dtype is None:
        raise TensorFileError(
            f"numpy has no type for {tensor.dtype}, which {tensor.name!r} has; read() gives its"
            " bytes"
        )
    try:
        return np.empty(tensor.shape, dtype)
    except ValueError as error:
        raise TensorFileError(f"numpy cannot hold {tensor.name!r}: {error}") from error


def room_in(array: AnyArray) -> memoryview:
    """Return the memory of an array as bytes."""
    import numpy as np

    return array.reshape(-1).view(np.uint8).data if array.size else memoryview(bytearray())


def filled(array: AnyArray, tensor: Tensor) -> AnyArray:
    """Return an array that has got its bytes as the tensor: bfloat16 as float32."""
    return (array.astype("<u4") << 16).view("<f4") if tensor.dtype == "BF16" else array


def _no_tensors(path: str, problem: ValueError) -> TensorFileError:
    return TensorFileError(f"{path!r} is no safetensors file: {problem}")
