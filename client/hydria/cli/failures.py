"""Errors as one line: what went wrong, with which thing, and what to do next."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from hydria import errors
from hydria.cli.text import printable
from hydria.references import errors as reference_errors

_ADVICE: Mapping[type[errors.HydriaError], str] = {
    errors.ServerDrainingError: "try again when it is back",
    errors.StorageUnavailableError: "restart the server, and look at its log",
    errors.ServerUnavailableError: "start one with 'hydria server', or say where it is:"
    " --server ADDR, or HYDRIA_BASE_URL",
    errors.CallTimeoutError: "try again",
    errors.RefInvalidError: "a ref is ENTITY/PROJECT/NAME:ALIAS, ...:vN or ...@blake3:HEX",
    errors.FileNotFoundInVersionError: "'hydria artifact files REF' lists what it has",
    errors.AliasNotFoundError: "'hydria artifact ls ENTITY/PROJECT/NAME' lists its aliases",
    errors.VersionDeletedError: "'hydria artifact ls ENTITY/PROJECT/NAME' lists what is left",
    errors.UploadNotFoundError: "put it again",
    errors.UploadExpiredError: "put it again",
    errors.NotFoundError: "'hydria artifact ls ENTITY[/PROJECT]' lists what is there",
    errors.AliasConflictError: "'hydria artifact ls ENTITY/PROJECT/NAME' lists where they point",
    errors.FilterInvalidError: 'a filter is like: tag:gold AND created_at > "2026-01-31"',
    errors.SourceChangedError: "put it again when nothing writes to it",
    errors.SourceError: "remove it, or name what to put without it",
    errors.TargetError: "move it away, or choose another --root",
    reference_errors.ReferenceChangedError: "'--no-references' gets the rest, and another version"
    " may refer to what is there now",
    reference_errors.ReferenceNotFoundError: "'--no-references' gets the rest",
    reference_errors.ReferenceUnavailableError: "try again",
    errors.ReceivedDataError: "try again; if it happens again, check the disk of the server",
}

MALFORMED = (
    errors.RefInvalidError,
    errors.NameInvalidError,
    errors.FilterInvalidError,
)
"""What is wrong with the command line itself, whoever found it."""


def line_of(error: BaseException) -> str:
    """Return what to tell about `error`, in one line that is safe to print."""
    if isinstance(error, errors.HydriaError):
        text = _hydria_error_text(error)
    elif isinstance(error, OSError):
        text = _os_error_text(error)
    elif isinstance(error, UnicodeEncodeError):
        text = f"an argument is not text in UTF-8: {error.object!r}"
    elif sys.flags.dev_mode:
        raise error
    else:
        name = type(error).__name__
        text = f"unexpected {name}: {error}; PYTHONDEVMODE=1 shows where, please report it"
    return printable(" ".join(text.splitlines()))


def _hydria_error_text(error: errors.HydriaError) -> str:
    if isinstance(error, errors.ResourceInUseError):
        return _in_use_text(error)
    advice = _advice_for(error)
    return f"{error.message}; {advice}" if advice else error.message


def _in_use_text(error: errors.ResourceInUseError) -> str:
    if "protected_aliases" in error.details:
        return f"{error.message}: 'hydria alias set', or 'hydria registry protect --off'"
    if error.details.get("deployments"):
        return f"{error.message} ('hydria registry deployments' lists them)"
    aliases = error.details.get("aliases")
    if aliases:
        return f"{error.message} ({aliases}): --delete-aliases, or 'hydria alias set'"
    if "delivery_id" in error.details:
        return f"{error.message}; 'hydria webhook resume' makes the next attempt at once"
    return f"{error.message}; --force deletes what links to it as well"


def _advice_for(error: errors.HydriaError) -> str:
    if isinstance(error, errors.FieldViolationError) and error.details.get("field") == "ref":
        return _ADVICE[errors.RefInvalidError]
    return next((_ADVICE[kind] for kind in type(error).__mro__ if kind in _ADVICE), "")


def _os_error_text(error: OSError) -> str:
    """Return the file first: the number of the error helps nobody."""
    if error.filename is None:
        return error.strerror or str(error)
    name = error.filename
    shown = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else str(name)
    return f"{shown}: {error.strerror}"
