"""One JSON line per call."""

from __future__ import annotations

import asyncio
import logging
import time

import grpc
from google.protobuf.message import Message

from hydria_server.rpc.calls import CallRecord, Context, begin_call
from hydria_server.rpc.edge import Requests, Serve
from hydria_server.rpc.wrapping import WrappingInterceptor

_log = logging.getLogger("hydria.access")


class AccessLogInterceptor(WrappingInterceptor):
    """Logs method, code, reason, milliseconds and what the handler noted; never content."""

    async def call(
        self, method: str, serve: Serve, requests: Requests, context: Context
    ) -> Message | None:
        """Time one call."""
        started = time.perf_counter()
        record = begin_call()
        code = "OK"
        try:
            return await serve(requests, context)
        except (asyncio.CancelledError, GeneratorExit):
            code = "CANCELLED"
            raise
        except BaseException:
            code = _name(context.code())
            raise
        finally:
            if _log.isEnabledFor(logging.INFO):
                _write(method, code, time.perf_counter() - started, record)


def _write(method: str, code: str, seconds: float, record: CallRecord) -> None:
    fields = {"method": method, "code": code, "milliseconds": round(seconds * 1000, 3)}
    if record.reason:
        fields["reason"] = record.reason
    _log.info("call", extra={"fields": {**fields, **record.fields}})


def _name(code: object) -> str:
    if isinstance(code, grpc.StatusCode):
        return code.name
    names = {status.value[0]: status.name for status in grpc.StatusCode}
    return names.get(code, "UNKNOWN") if isinstance(code, int) else "UNKNOWN"
