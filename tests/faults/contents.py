"""The few names and contents that random operations are about, so that they meet often."""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from blake3 import blake3

from tests.faults.model import DATASET, MODELS, Files
from tests.faults.stub_client import digest_of

COLLECTIONS = ("a", "b", "c")
REGISTRIES = (MODELS, "registry-x")
REGISTERED = tuple(f"{registry}/m" for registry in REGISTRIES)
ALIASES = ("best", "worst", "candidate")
TYPES = (DATASET, "model")
PATHS = ("p", "q", "r", "s/t", "s/u")
_BYTES = random.Random(0)
LARGE = "large"  # several chunks
CONTENTS: Mapping[str, bytes] = {
    "nothing": b"",
    "a byte": b"x",
    "700": _BYTES.randbytes(700),
    "700 others": _BYTES.randbytes(700),
    "5k": _BYTES.randbytes(5_000),
    "9k": _BYTES.randbytes(9_000),
    LARGE: _BYTES.randbytes(2_300_000),
}
SMALL = tuple(name for name in CONTENTS if name != LARGE)


@dataclass(frozen=True, slots=True)
class Reference:
    """What is said of bytes elsewhere."""

    uri: str
    size_bytes: int = 0
    checksum: str = ""


REFERENCES: Mapping[str, Reference] = {
    "elsewhere": Reference("file:///data/set.bin", 700, "etag:0-700"),
    "elsewhere, changed": Reference("file:///data/set.bin", 700, "etag:1-700"),
    "elsewhere, unknown": Reference("file:///data/set.bin"),
}
NAME_OF: Mapping[bytes | Reference, str] = {
    **{content: name for name, content in CONTENTS.items()},
    **{reference: name for name, reference in REFERENCES.items()},
}


def stored(files: Files) -> dict[str, bytes]:
    """Return the files that the store itself keeps."""
    return {path: CONTENTS[name] for path, name in files.items() if name in CONTENTS}


def referenced(files: Files) -> dict[str, Reference]:
    """Return the files that are elsewhere."""
    return {path: REFERENCES[name] for path, name in files.items() if name in REFERENCES}


def version_digest_of(files: Files) -> bytes:
    """Return the digest that a version of these files has."""
    hasher = blake3(b"hydria.version.v1\0")
    for path in sorted(files, key=str.encode):
        hasher.update(_text(path) + _digested(files[path]))
    return hasher.digest()


def _digested(name: str) -> bytes:
    if name in CONTENTS:
        content = CONTENTS[name]
        return struct.pack("<BQ", 0, len(content)) + digest_of(content)
    reference = REFERENCES[name]
    words = _text(reference.uri) + _text(reference.checksum)
    return struct.pack("<BQ", 1, reference.size_bytes) + words


def _text(words: str) -> bytes:
    return struct.pack("<I", len(words.encode())) + words.encode()
