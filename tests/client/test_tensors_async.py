"""Tensors by name through the client for event loops."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from hydria.client import AsyncClient
from hydria.errors import FileNotFoundInVersionError, NotFoundError
from hydria.safetensors import TensorFileError, open_tensors_async
from tests.client.test_tensors import BF16_BITS, HALVES, TENSORS, bfloat16
from tests.client.trees import plant


@pytest.fixture
async def models(client: AsyncClient, tmp_path: Path) -> AsyncClient:
    files = {
        "model.safetensors": bytes(safetensors.numpy.save(TENSORS, {"epoch": "3"})),
        "bf16.safetensors": bfloat16(),
        "text": b"this is no tensor",
    }
    await client.log("models", plant(tmp_path / "source", files), type="model")
    return client


async def test_every_tensor_is_what_was_saved(models: AsyncClient) -> None:
    tensors = await open_tensors_async(models, "models", "model.safetensors")
    assert sorted(tensors) == sorted(TENSORS)
    assert (tensors.metadata, len(tensors)) == ({"epoch": "3"}, len(TENSORS))
    assert tensors.version_ref == "team/birds/models:v0"
    found = await asyncio.gather(*(tensors.tensor(name) for name in TENSORS))
    for (name, saved), read in zip(TENSORS.items(), found, strict=True):
        assert (read.dtype, read.shape) == (saved.dtype, saved.shape), name
        assert np.array_equal(read, saved), name
        assert await tensors.read(name) == saved.tobytes()
    tensors.close()


async def test_bfloat16_is_widened_and_what_numpy_lacks_is_refused(models: AsyncClient) -> None:
    tensors = await open_tensors_async(models, "models", "bf16.safetensors")
    expected = (BF16_BITS.astype("u4") << 16).view("f4")
    assert np.array_equal(await tensors.tensor("w"), expected)
    assert expected.shape == HALVES.shape
    with pytest.raises(TensorFileError, match="numpy has no type"):
        await tensors.tensor("e")
    assert await tensors.read("e") == b"\x01\x02\x03"


async def test_what_is_no_such_file_or_tensor_is_told_so(models: AsyncClient) -> None:
    with pytest.raises(TensorFileError, match="'text' is no safetensors file"):
        await open_tensors_async(models, "models", "text")
    with pytest.raises(FileNotFoundInVersionError):
        await open_tensors_async(models, "models", "nothing")
    tensors = await open_tensors_async(models, "models", "model.safetensors")
    with pytest.raises(NotFoundError, match="no tensor 'nothing here'"):
        await tensors.tensor("nothing here")
