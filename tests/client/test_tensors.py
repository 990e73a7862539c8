"""Tensors by name from files that the safetensors package wrote, on a real server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import safetensors
import safetensors.numpy

import hydria
from hydria.errors import FileNotFoundInVersionError, NotFoundError
from hydria.reading.open_file import OpenFile
from hydria.safetensors import TensorFileError, open_tensors
from tests.client.trees import MIB, plant
from tests.servers import server_process

RANDOM = np.random.default_rng(3)
DTYPES = ["bool", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]
TENSORS = {f"layer.{dtype}": (RANDOM.random((7, 3, 2)) * 3).astype(dtype) for dtype in DTYPES} | {
    "scalar": np.array(4.5, "f4"),
    "nothing": np.empty((0, 5), "f4"),
    "big": RANDOM.random((4, 1 << 20), "f4"),
    "zz.big": RANDOM.random((9, 1 << 18), "f4"),
    "naïve name/with:all": np.arange(5),
}
HALVES = np.array([[1.5, -2.0], [float("inf"), 3.1415927]], "f4")
BF16_BITS = (HALVES.view("u4") >> 16).astype("u2")


def bfloat16() -> bytes:
    small = np.array([1, 2, 3], "u1")
    specs = {
        name: safetensors.TensorSpec(
            dtype=dtype,
            shape=list(array.shape),
            data_ptr=array.ctypes.data,
            data_len=array.nbytes,
        )
        for name, dtype, array in (("w", "bfloat16", BF16_BITS), ("e", "float8_e4m3fn", small))
    }
    return bytes(safetensors.serialize(specs, {"format": "pt"}))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hydria.Client]:
    root = tmp_path_factory.mktemp("tensors")
    written = bytes(safetensors.numpy.save(TENSORS, {"epoch": "3"}))
    files = {
        "model.safetensors": written,
        "bf16.safetensors": bfloat16(),
        "cut.safetensors": written[:-1],
        "longer.safetensors": written + b"x",
        "text": b"this is no tensor",
        "empty": b"",
        "huge header": b"\xff" * 8 + b"{}",
    }
    with (
        server_process(root / "data") as process,
        hydria.Client(process.address, project="birds", cache_dir=root / "cache") as opened,
    ):
        opened.log("models", plant(root / "source", files), type="model")
        yield opened


def test_every_tensor_is_what_was_saved(client: hydria.Client) -> None:
    with open_tensors(client, "models", "model.safetensors") as tensors:
        assert sorted(tensors.keys()) == sorted(TENSORS)
        assert tensors.metadata == {"epoch": "3"}
        assert tensors.version_ref == "local/birds/models:v0"
        assert len(tensors) == len(TENSORS)
        assert "scalar" in tensors
        for name, saved in TENSORS.items():
            found = tensors.tensor(name)
            assert found.dtype == saved.dtype
            assert found.shape == saved.shape == tensors.describe(name).shape
            assert np.array_equal(found, saved)
            assert tensors.read(name) == saved.tobytes()


def test_one_tensor_costs_about_its_bytes(
    client: hydria.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    fetch = OpenFile._fetch

    async def counted(file: OpenFile, start: int, end: int) -> list[memoryview]:
        asked.append(end - start)
        return await fetch(file, start, end)

    monkeypatch.setattr(OpenFile, "_fetch", counted)
    with open_tensors(client, "models", "model.safetensors") as tensors:
        names = [name for name in tensors if tensors.describe(name).size_bytes < MIB]
        assert sum(asked) < 100_000  # the header
        for name in names:
            tensors.tensor(name)
        tensors.tensor("zz.big")
    assert sum(asked) < 10.5 * MIB  # of 25 MiB


def test_bfloat16_comes_as_float32_and_other_small_types_as_bytes(client: hydria.Client) -> None:
    with open_tensors(client, "models", "bf16.safetensors") as tensors:
        assert tensors.describe("w").dtype == "BF16"
        found = tensors.tensor("w")
        assert found.dtype == np.dtype("f4")
        assert np.array_equal(found.view("u4"), BF16_BITS.astype("u4") << 16)
        assert tensors.read("w") == BF16_BITS.tobytes()
        with pytest.raises(TensorFileError, match="F8_E4M3"):
            tensors.tensor("e")
        assert tensors.read("e") == b"\1\2\3"


def test_several_threads_take_tensors_from_one_file(client: hydria.Client) -> None:
    with open_tensors(client, "models", "model.safetensors") as tensors:
        names = list(TENSORS) * 2
        with ThreadPoolExecutor(6) as threads:
            found = list(threads.map(tensors.tensor, names))
    assert all(
        np.array_equal(tensor, TENSORS[name]) for name, tensor in zip(names, found, strict=True)
    )


def test_a_name_that_is_not_there_is_told(client: hydria.Client) -> None:
    with open_tensors(client, "models", "model.safetensors") as tensors:
        for ask in (tensors.tensor, tensors.read, tensors.describe):
            with pytest.raises(NotFoundError, match="has no tensor 'layer'"):
                ask("layer")
    with pytest.raises(FileNotFoundInVersionError):
        open_tensors(client, "models", "model")


@pytest.mark.parametrize(
    "path", ["cut.safetensors", "longer.safetensors", "text", "empty", "huge header"]
)
def test_what_is_no_such_file_is_refused(client: hydria.Client, path: str) -> None:
    with pytest.raises(TensorFileError, match="is no safetensors file"):
        open_tensors(client, "models", path)


def test_the_module_needs_neither_numpy_nor_torch_before_a_tensor_is_asked_for() -> None:
    program = "import sys, hydria.safetensors; print({'numpy', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
