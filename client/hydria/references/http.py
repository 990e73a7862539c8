"""`http://` and `https://`: one object for each URI, known by its entity tag or its content.

Credentials are those of the user's netrc file, looked up for each host on the way. The author of
a version chooses the host: they go to hosts that the file names, and in clear to this machine only.
"""

from __future__ import annotations

import netrc
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
from blake3 import blake3

from hydria.references.errors import (
    ReferenceDeniedError,
    ReferenceInvalidError,
    ReferenceNotFoundError,
    ReferenceUnavailableError,
)
from hydria.references.stores import PIECE_BYTES, FoundObject, OpenedObject
from hydria.references.words import checksum_text, plain_etag

REDIRECTS_MAX = 10
CONNECT_SECONDS = 10.0
STALL_SECONDS = 30.0
_DENIED = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
)
_LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class HttpStore:
    """Reads over HTTP; proxies are those of the environment."""

    checksum_kinds = frozenset(("etag",))

    def __init__(self, *, stall_seconds: float = STALL_SECONDS) -> None:
        """Make a store that gives up when nothing comes for `stall_seconds`."""
        self._stall_seconds = stall_seconds
        self._client = httpx.Client(
            auth=_NetrcAuth(),
            timeout=httpx.Timeout(stall_seconds, connect=CONNECT_SECONDS),
            # What is stored out there, not a form of it that was made for us.
            headers={"accept-encoding": "identity", "user-agent": "hydria"},
        )

    def find(self, uri: str) -> Iterator[FoundObject]:
        with self.open(uri, {}) as opened:
            size_bytes, checksums = opened.size_bytes, dict(opened.checksums)
            if size_bytes is None or not checksums:
                # Without an entity tag only the bytes themselves tell whether they changed.
                size_bytes, checksums = _measure(opened.pieces)
        name = unquote(urlsplit(uri).path.rpartition("/")[2])
        yield FoundObject(name, True, uri, size_bytes, checksum_text(checksums))

    @contextmanager
    def open(self, uri: str, checksums: Mapping[str, str]) -> Iterator[OpenedObject]:
        with self._told(uri), self._final_response(uri) as response:
            _require_success(uri, response)
            length = response.headers.get("content-length")
            etag = plain_etag(response.headers.get("etag", ""))
            yield OpenedObject(
                int(length) if length is not None else None,
                {"etag": etag} if etag else {},
                response.iter_raw(PIECE_BYTES),
            )

    def close(self) -> None:
        self._client.close()

    @contextmanager
    def _final_response(self, uri: str) -> Iterator[httpx.Response]:
        """Give the response at the end of the redirects, its body still to be read."""
        request = self._client.build_request("GET", uri)
        for _ in range(REDIRECTS_MAX + 1):
            response = self._client.send(request, stream=True)
            try:
                if response.next_request is None:
                    yield response
                    return
                request = _followed(uri, response.next_request)
            finally:
                response.close()
        raise ReferenceUnavailableError(
            f"{uri!r} redirects more than {REDIRECTS_MAX} times", details={"uri": uri}
        )

    @contextmanager
    def _told(self, uri: str) -> Iterator[None]:
        """Turn what the line says into errors about references."""
        details = {"uri": uri}
        try:
            yield
        except httpx.InvalidURL as error:
            raise ReferenceInvalidError(f"{uri!r} is no URL: {error}", details=details) from error
        except httpx.TimeoutException as error:
            message = f"nothing came from {uri!r} for {self._stall_seconds:.0f} s"
            raise ReferenceUnavailableError(message, details=details) from error
        except httpx.HTTPError as error:
            message = f"{uri!r} cannot be read: {str(error) or type(error).__name__}"
            raise ReferenceUnavailableError(message, details=details) from error


def _measure(pieces: Iterator[bytes]) -> tuple[int, dict[str, str]]:
    hasher, size_bytes = blake3(), 0
    for piece in pieces:
        hasher.update(piece)
        size_bytes += len(piece)
    return size_bytes, {"blake3": hasher.hexdigest()}


def _followed(uri: str, request: httpx.Request) -> httpx.Request:
    """Return the request that a redirect asks for, unless it leads off the web or off TLS."""
    scheme = request.url.scheme
    if scheme not in ("http", "https") or (scheme == "http" and uri.lower().startswith("https")):
        raise ReferenceUnavailableError(
            f"{uri!r} redirects to {scheme}://, which is not followed", details={"uri": uri}
        )
    return request


def _require_success(uri: str, response: httpx.Response) -> None:
    status = response.status_code
    details = {"uri": uri, "found": f"HTTP {status}"}
    if status in _DENIED:
        raise ReferenceDeniedError(
            f"{uri!r} asks for credentials (HTTP {status}): put those for"
            f" {response.url.host} into ~/.netrc, which are sent over https only",
            details=details,
        )
    if status in _GONE:
        raise ReferenceNotFoundError(f"there is no {uri!r} (HTTP {status})", details=details)
    if status != HTTPStatus.OK:
        raise ReferenceUnavailableError(f"{uri!r} answers HTTP {status}", details=details)


class _NetrcAuth(httpx.Auth):
    """Adds what the netrc file has for exactly this host; its `default` is for nobody."""

    def __init__(self) -> None:
        self._hosts: Mapping[str, tuple[str, str, str]] = {}
        if not (Path.home() / ".netrc").is_file():
            return
        try:
            self._hosts = netrc.netrc().hosts
        except (netrc.NetrcParseError, OSError) as error:
            raise ReferenceDeniedError(f"~/.netrc cannot be read: {error}") from error

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        host = request.url.host
        is_private = request.url.scheme == "https" or host in _LOOPBACK
        if host != "default" and host in self._hosts and is_private:
            login, _, password = self._hosts[host]
            yield from httpx.BasicAuth(login, password).auth_flow(request)
        else:
            yield request
