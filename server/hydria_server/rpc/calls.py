"""What is known of the call being served, for its log line."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeAlias

import grpc
from google.protobuf.message import Message

Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]


@dataclass(slots=True)
class CallRecord:
    """Filled in while a call is served; access_log writes it at the end."""

    reason: str = ""
    fields: dict[str, str | int] = field(default_factory=dict)


_CURRENT: ContextVar[CallRecord] = ContextVar("hydria_call")


def begin_call() -> CallRecord:
    """Begin the record of a new call in this task."""
    record = CallRecord()
    _CURRENT.set(record)
    return record


def current_call() -> CallRecord:
    """Return the record of the call that this task serves; a throw-away one outside of calls."""
    return _CURRENT.get(None) or CallRecord()


def note(name: str, value: str | int) -> None:
    """Add a field to the call's log line."""
    current_call().fields[name] = value


def add(name: str, amount: int) -> None:
    """Add to a counter in the call's log line."""
    fields = current_call().fields
    before = fields.get(name, 0)
    fields[name] = amount + (before if isinstance(before, int) else 0)
