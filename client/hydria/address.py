"""Where the server is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from hydria.errors import InvalidArgumentError

DEFAULT_PORT = 50051
DEFAULT_TLS_PORT = 443
ADDRESS_FILE = "server.json"

_TLS_SCHEMES = {"grpcs", "https"}
_PLAIN_SCHEMES = {"grpc", "http"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect: a target in gRPC's syntax, and whether TLS is spoken there."""

    target: str
    tls: bool = False

    def __str__(self) -> str:
        if self.target.startswith("unix:"):
            return self.target.replace("unix:", "unix://", 1)
        return f"{'grpcs' if self.tls else 'grpc'}://{self.target}"


def find_address(given: str | None = None, *, environ: Mapping[str, str] | None = None) -> Address:
    """Return the address of the server that is meant.

    The first of these that says something: `given`, `HYDRIA_BASE_URL`, the address file that a
    running server of this user keeps in its data directory, `127.0.0.1:50051`.

    Raises:
        InvalidArgumentError: what was given is not an address.
    """
    environ = os.environ if environ is None else environ
    text = given or environ.get("HYDRIA_BASE_URL") or _address_in_file(data_directory(environ))
    return parse_address(text or f"127.0.0.1:{DEFAULT_PORT}")


def data_directory(environ: Mapping[str, str]) -> Path:
    """Return the directory where a server of this user keeps its data."""
    named = environ.get("HYDRIA_DATA")
    return Path(named) if named else platformdirs.user_data_path("hydria")


def parse_address(text: str) -> Address:
    """Return the address that `text` writes.

    `HOST[:PORT]`, `grpc://HOST[:PORT]` and `http://...` are plain (port 50051 by default),
    `grpcs://...` and `https://...` are TLS (443), and `unix:///PATH` is a socket on this machine.

    Raises:
        InvalidArgumentError: the scheme is unknown, the host is missing, or the port is no port.
    """
    scheme, found, rest = text.strip().partition("://")
    if not found:
        scheme, rest = "grpc", text.strip()
    if scheme == "unix":
        if not rest.startswith("/"):
            raise InvalidArgumentError(f"{text!r}: a socket is written unix:///PATH")
        return Address(target=f"unix:{rest}")
    if scheme not in _TLS_SCHEMES | _PLAIN_SCHEMES:
        raise InvalidArgumentError(f"{text!r}: {scheme}:// is not known; use grpc:// or grpcs://")
    tls = scheme in _TLS_SCHEMES
    host_and_port = rest.rstrip("/")
    return Address(target=_target(host_and_port, tls=tls, text=text), tls=tls)


def _target(host_and_port: str, *, tls: bool, text: str) -> str:
    host, found, port = host_and_port.rpartition(":")
    if not found or host_and_port.endswith("]") or (":" in host and not host.startswith("[")):
        host, port = host_and_port, str(DEFAULT_TLS_PORT if tls else DEFAULT_PORT)
        if ":" in host and not host.startswith("["):
            host = f"[{host}]"
    if not host or "/" in host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise InvalidArgumentError(f"{text!r} is not an address: HOST:PORT or unix:///PATH")
    return f"{host}:{port}"


def _address_in_file(directory: Path) -> str:
    """Return what the address file says, or nothing when it is not there or its server is gone."""
    try:
        written = json.loads((directory / ADDRESS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if not isinstance(written, dict) or not _is_alive(written.get("pid")):
        return ""
    address = written.get("address")
    return address if isinstance(address, str) else ""


def _is_alive(pid: object) -> bool:
    """Tell whether the process is there; an unknown one counts as alive."""
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
