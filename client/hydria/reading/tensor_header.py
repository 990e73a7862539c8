"""The header of a safetensors file, which nobody has to be trusted for. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LENGTH_BYTES = 8
HEADER_BYTES_MAX = 100_000_000
"""As the format has it."""
_DIMENSIONS_MAX = 64  # numpy's

_BITS = {
    "BOOL": 8, "I8": 8, "U8": 8, "I16": 16, "U16": 16, "I32": 32, "U32": 32, "I64": 64, "U64": 64,
    "F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64, "F8_E4M3": 8, "F8_E5M2": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F8_E8M0": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor as the header describes it."""

    name: str
    dtype: str
    """As the format has it: `F32`, `BF16`, `I64`, ..."""
    shape: tuple[int, ...]
    begin: int
    """Where its bytes begin, counted from the end of the header."""
    size_bytes: int


def header_length(head: bytes, file_bytes: int) -> int:
    """Return the length of the header from the first eight bytes of a file.

    Raises:
        ValueError: there is no such header.
    """
    if len(head) < LENGTH_BYTES:
        raise ValueError(f"it has {file_bytes} bytes only")
    length = int.from_bytes(head, "little")
    if length > HEADER_BYTES_MAX:
        raise ValueError(f"its header were {length} bytes long, and {HEADER_BYTES_MAX} is the most")
    if length > file_bytes - LENGTH_BYTES:
        raise ValueError(f"its header were {length} bytes long, which is more than it has")
    return length


def parse_header(header: bytes, data_bytes: int) -> tuple[Mapping[str, Tensor], Mapping[str, str]]:
    """Return the tensors by name, in the order of their bytes, and the metadata.

    Args:
        header: the JSON text.
        data_bytes: how many bytes follow it.

    Raises:
        ValueError: it breaks the rules of the format: tensors fill all that follows the header,
            without gaps, and each has the size that its type and shape make.
    """
    document = _document(header)
    metadata = _metadata(document.pop("__metadata__", {}))
    tensors = [_tensor(name, described) for name, described in document.items()]
    tensors.sort(key=lambda tensor: (tensor.begin, tensor.size_bytes))
    end = 0
    for tensor in tensors:
        if tensor.begin != end:
            raise ValueError(f"the bytes of {tensor.name[:200]!r} do not follow those before")
        end += tensor.size_bytes
    if end != data_bytes:
        raise ValueError(f"its tensors have {end} bytes, and {data_bytes} follow the header")
    return {tensor.name: tensor for tensor in tensors}, metadata


def _document(header: bytes) -> dict[str, object]:
    if not header.startswith(b"{"):
        raise ValueError("its header does not begin with '{'")
    try:
        document = json.loads(header.decode(), object_pairs_hook=_without_twins)
    except RecursionError:
        raise ValueError("its header is nested too deep") from None
    if not isinstance(document, dict):
        raise ValueError("its header is no object")
    return document


def _without_twins(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("its header names something twice")
    return found


def _metadata(document: object) -> Mapping[str, str]:
    if not isinstance(document, dict):
        raise ValueError("its metadata are no texts by name")
    texts = {name: text for name, text in document.items() if isinstance(text, str)}
    if len(texts) != len(document):
        raise ValueError("its metadata are no texts by name")
    return texts


def _tensor(name: str, described: object) -> Tensor:
    problem = ValueError(f"it describes {name[:200]!r} in a way that the format does not have")
    if not isinstance(described, dict) or described.keys() != {"dtype", "shape", "data_offsets"}:
        raise problem
    dtype, shape = described["dtype"], _whole_numbers(described["shape"])
    offsets = _whole_numbers(described["data_offsets"])
    if not isinstance(dtype, str) or shape is None or offsets is None or len(offsets) != 2:
        raise problem
    if dtype not in _BITS or len(shape) > _DIMENSIONS_MAX:
        raise problem
    begin, end = offsets
    bits = _BITS[dtype]
    for length in shape:
        bits *= length
    if bits != (end - begin) * 8:
        raise ValueError(f"{name[:200]!r} has not the size that its type and its shape make")
    return Tensor(name, dtype, shape, begin, end - begin)


def _whole_numbers(document: object) -> tuple[int, ...] | None:
    """Return a list of numbers that a file may have; None for anything else."""
    if not isinstance(document, list):
        return None
    numbers = [each for each in document if type(each) is int and 0 <= each < 1 << 63]
    return tuple(numbers) if len(numbers) == len(document) else None
