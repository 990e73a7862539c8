"""From what a server says to an exception, for every reason of the contract."""

from __future__ import annotations

import pytest

from hydria import errors
from hydria.status import error_of_message
from hydria.v1 import types_pb2 as types

REASONS = [
    name.removeprefix("ERROR_REASON_")
    for name in types.ErrorReason.keys()  # noqa: SIM118  # it is no mapping
    if name != "ERROR_REASON_UNSPECIFIED"
]
INVALID_ARGUMENT, UNKNOWN, UNAVAILABLE = 3, 2, 14


def error_of(reason: str, code: int) -> errors.HydriaError:
    message = types.Error(code=code, reason=reason, message="what", metadata={"field": "x"})
    return error_of_message(message)


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_keeps_its_name_its_words_and_its_details(reason: str) -> None:
    error = error_of(reason, INVALID_ARGUMENT)

    assert type(error) is not errors.HydriaError
    assert (error.reason, error.message, error.details) == (reason, "what", {"field": "x"})


def test_a_reason_of_a_newer_server_falls_back_to_its_code() -> None:
    assert type(error_of("NEW_THING", INVALID_ARGUMENT)) is errors.InvalidArgumentError
    assert type(error_of("NEW_THING", UNKNOWN)) is errors.HydriaError


def test_unavailable_is_also_a_connection_error() -> None:
    for reason in ("", "SERVER_DRAINING", "STORAGE_UNAVAILABLE"):
        assert isinstance(error_of(reason, UNAVAILABLE), ConnectionError)


def test_a_caller_may_catch_families() -> None:
    assert isinstance(error_of("ALIAS_NOT_FOUND", 5), errors.NotFoundError)
    assert isinstance(error_of("ALIAS_CONFLICT", 10), errors.AbortedError)
    assert isinstance(error_of("STREAM_STALLED", 4), TimeoutError)
