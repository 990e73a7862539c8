"""What a refused call says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status


@contextmanager
def refused(code: str, reason: str) -> Iterator[None]:
    """Expect a call to fail with this status code and this `ErrorReason`."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    assert (caught.value.code().name, reason_of(caught.value)) == (code, reason)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Return the reason in the status of a failed call; empty when it has none."""
    status = rpc_status.from_call(cast(grpc.Call, error))  # it has what is asked for
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info.reason
    return ""
