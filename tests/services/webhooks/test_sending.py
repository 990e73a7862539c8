"""Requests go to addresses that may be called, whatever names and redirects say."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.targets import require_target
from hydria_server.domain.webhook_errors import WebhookTargetRefusedError
from hydria_server.services.webhooks.networks import Networks
from hydria_server.services.webhooks.sending import Answer, Sender
from tests.webhook_target import Target

NOWHERE = Networks(())
LOOPBACK = Networks([ip_network("127.0.0.0/8")])


class Liar(AbstractResolver):
    """Says that every name is at one address."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=self._address,
                port=port,
                family=socket.AF_INET6 if ":" in self._address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        pass


async def post(
    url: str, networks: Networks, *, liar: str = "", timeout_seconds: float = 20
) -> Answer:
    resolver = Liar(liar) if liar else None
    sender = Sender(networks, timeout_seconds=timeout_seconds, resolver=resolver)
    try:
        return await sender.post(url, {"webhook-id": "1"}, b"{}")
    finally:
        await sender.close()


async def test_a_name_that_means_a_private_address_by_now_is_not_connected_to(
    target: Target,
) -> None:
    port = target.url.split(":")[2]
    for address in ("127.0.0.1", "::ffff:127.0.0.1"):
        answer = await post(f"http://public.example:{port}", NOWHERE, liar=address)

        assert answer.status == 0
        assert answer.message == "refused: the target has no address that may be called"
    assert not target.requests


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"])
async def test_a_literal_address_is_checked_as_well(target: Target, host: str) -> None:
    port = target.url.split(":")[2]

    assert (await post(f"http://{host}:{port}", NOWHERE)).status == 0
    assert not target.requests


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
async def test_no_other_spelling_of_an_address_gets_around_it(target: Target, host: str) -> None:
    url = f"http://{host}:{target.url.split(':')[2]}"

    with pytest.raises(FieldViolationError):
        await NOWHERE.require(require_target(url, field="target_url"), field="target_url")
    assert (await post(url, NOWHERE)).status == 0
    assert not target.requests


async def test_the_host_header_is_the_name_though_the_address_was_checked(target: Target) -> None:
    port = target.url.split(":")[2].removesuffix("/hook")

    answer = await post(f"http://inside.example:{port}/hook", LOOPBACK, liar="127.0.0.1")

    assert answer.status == 200
    assert target.requests[0].headers["Host"] == f"inside.example:{port}"


async def test_a_redirect_is_a_failure_and_not_followed(target: Target) -> None:
    target.status, target.location = 307, "http://169.254.169.254/latest/meta-data"

    answer = await post(target.url, LOOPBACK)

    assert answer.status == 307
    assert "not followed" in answer.message
    assert len(target.requests) == 1


async def test_a_long_answer_is_cut_short_and_never_unpacked(target: Target) -> None:
    target.answer = b"\0" + b"x" * 5_000_000

    answer = await post(target.url, LOOPBACK)

    assert answer.status == 200
    assert answer.message == "\N{REPLACEMENT CHARACTER}" + "x" * 1021


async def test_a_proxy_of_the_environment_is_not_used(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    assert (await post(target.url, LOOPBACK)).status == 200


@asynccontextmanager
async def speaker(
    speak: Callable[[asyncio.StreamWriter], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Run a server that says what it likes once somebody connects; give its URL."""
    tasks: set[asyncio.Task[object]] = set()

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await speak(writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_an_answer_that_drips_for_ever_ends_at_the_limit() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with speaker(drip) as url:
        answer = await post(url, LOOPBACK, timeout_seconds=0.2)

    assert (answer.status, answer.message) == (0, "no whole answer within 0.2 seconds")


@pytest.mark.parametrize(
    "said", [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 99_999]
)
async def test_what_does_not_speak_http_is_a_failure(said: bytes) -> None:
    async def babble(writer: asyncio.StreamWriter) -> None:
        writer.write(said)

    async with speaker(babble) as url:
        answer = await post(url, LOOPBACK)

    assert answer.status == 0
    assert answer.message.startswith("the target did not answer: ")


@pytest.fixture
async def tls_names(tmp_path: Path) -> AsyncIterator[tuple[int, list[str | None]]]:
    """Run a server whose certificate nobody vouches for; give its port and the names asked for."""
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(tmp_path / "pair.pem"))
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    async with speaker(_say_nothing, tls=context) as url:
        yield int(url.rpartition(":")[2]), names


async def _say_nothing(_writer: asyncio.StreamWriter) -> None:
    pass


def _self_signed(path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "inside.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


async def test_tls_asks_for_the_name_and_trusts_nobody_without_reason(
    tls_names: tuple[int, list[str | None]],
) -> None:
    port, names = tls_names

    answer = await post(f"https://inside.example:{port}", LOOPBACK, liar="127.0.0.1")

    assert answer.status == 0
    assert answer.message.startswith("TLS failed: ClientConnectorCertificateError")
    assert names == ["inside.example"]


async def test_a_target_is_checked_when_a_webhook_is_made() -> None:
    for host in ("127.0.0.1", "localhost", "[::1]", "no-such-name.invalid"):
        target = require_target(f"http://{host}/", field="target_url")
        with pytest.raises(WebhookTargetRefusedError) as refused:
            await NOWHERE.require(target, field="target_url")
        assert refused.value.field == "target_url"
    await LOOPBACK.require(require_target("http://127.0.0.1/", field="f"), field="f")
