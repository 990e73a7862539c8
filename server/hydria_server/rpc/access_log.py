"""One JSON line per call."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from hydria_server.rpc.calls import Context, begin_call
from hydria_server.rpc.wrapping import WrappingInterceptor

_log = logging.getLogger("hydria.access")


class AccessLogInterceptor(WrappingInterceptor):
    """Logs method, code, reason, milliseconds and what the handler noted; never content."""

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        """Time one call."""
        started = time.perf_counter()
        record = begin_call()
        code = "OK"
        try:
            yield
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except GeneratorExit:
            code = "CANCELLED"
            raise
        except BaseException:
            code = _name(context.code())
            raise
        finally:
            milliseconds = round((time.perf_counter() - started) * 1000, 3)
            fields = {"method": method, "code": code, "milliseconds": milliseconds}
            if record.reason:
                fields["reason"] = record.reason
            _log.info("call", extra={"fields": {**fields, **record.fields}})


def _name(code: object) -> str:
    if isinstance(code, grpc.StatusCode):
        return code.name
    names = {status.value[0]: status.name for status in grpc.StatusCode}
    return names.get(code, "UNKNOWN") if isinstance(code, int) else "UNKNOWN"
