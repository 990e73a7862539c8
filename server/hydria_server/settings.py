"""Flags and environment, parsed once. A flag goes before its variable."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import platformdirs

DEFAULT_LISTEN = "127.0.0.1:50051"
_MIB = 1024 * 1024
# Read by the clients, and so often set where a server is started.
_CLIENT_VARIABLES = frozenset(
    ("HYDRIA_BASE_URL", "HYDRIA_ENTITY", "HYDRIA_PROJECT", "HYDRIA_CACHE_DIR")
)
_LOOPBACK_HOSTS = frozenset(("127.0.0.1", "localhost", "[::1]", "::1"))
_LEVELS = ("debug", "info", "warning", "error")


class SettingsError(Exception):
    """A flag or variable is wrong; the message says which."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server process is told. `name` is `--name` and `HYDRIA_NAME`."""

    data: Path
    listen: str = DEFAULT_LISTEN
    insecure: bool = False
    log_level: str = "info"
    reflection: bool = True
    drain_seconds: float = 25.0
    stall_timeout_seconds: float = 120.0
    upload_lease_seconds: int = 24 * 3600
    open_uploads_max: int = 1000
    run_silence_seconds: int = 300
    byte_budget: int = 64 * _MIB
    reserve_bytes: int = 256 * _MIB
    watches_max: int = 5000
    event_retention_seconds: int = 0
    webhook_networks: str = ""
    webhook_timeout_seconds: float = 10.0
    webhook_attempts_max: int = 24
    webhook_log_max: int = 1000
    webhook_retention_seconds: int = 0
    deployment_retention_seconds: int = 30 * 24 * 3600
    failpoint: str = ""

    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return the networks that webhooks may call although they are not public.

        Raises:
            ValueError: `webhook_networks` is malformed.
        """
        parts = [part.strip() for part in self.webhook_networks.split(",")]
        return tuple(ip_network(part) for part in parts if part)

    def effective(self) -> dict[str, str]:
        """Return every setting as text, for the log."""
        return {name: str(value) for name, value in asdict(self).items()}


_HELP = {
    "data": "directory for packs and metadata (default: the user's data directory)",
    "listen": f"address: HOST:PORT (port 0: any) or unix:///PATH (default: {DEFAULT_LISTEN})",
    "insecure": "true: allow addresses beyond this machine without TLS and authentication",
    "log_level": "debug, info, warning or error (default: info)",
    "reflection": "false: do not describe the services to tools (default: true)",
    "drain_seconds": "how long calls may go on after SIGTERM (default: 25)",
    "stall_timeout_seconds": "how long a stream may be silent (default: 120)",
    "upload_lease_seconds": "how long an upload lives without a call (default: 86400)",
    "open_uploads_max": "how many open uploads an entity may have (default: 1000)",
    "run_silence_seconds": "how long a run may be silent before it is crashed (default: 300)",
    "byte_budget": "bytes of chunks in memory, each way (default: 64 MiB)",
    "reserve_bytes": "bytes of disk kept free; below it uploads are refused (default: 256 MiB)",
    "watches_max": "how many watchers are served at a time (default: 5000)",
    "event_retention_seconds": "how long events are kept; 0: for ever (default: 0)",
    "webhook_networks": "networks that webhooks may call though they are not public, by commas",
    "webhook_timeout_seconds": "how long the target of a webhook may take (default: 10)",
    "webhook_attempts_max": "attempts before a delivery is given up (default: 24)",
    "webhook_log_max": "deliveries that are kept of each webhook (default: 1000)",
    "webhook_retention_seconds": "how long old events are kept for a webhook that has not"
    " delivered them; 0: until it has (default: 0)",
    "deployment_retention_seconds": "how long deployments that are over are shown"
    " (default: 2592000)",
    "failpoint": argparse.SUPPRESS,
}


def parse_settings(arguments: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Return the settings.

    Raises:
        SettingsError: a variable is unknown, or a value is malformed.
        SystemExit: the flags are malformed (argparse has said how), or help was asked for.
    """
    given = {**_from_environment(environ), **_from_flags(arguments)}
    data = Path(given.pop("data", "") or platformdirs.user_data_path("hydria")).absolute()
    settings = Settings(data=data, **_converted(given))  # type: ignore[arg-type]
    _check(settings)
    return settings


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for variable, value in environ.items():
        if not variable.startswith("HYDRIA_") or variable in _CLIENT_VARIABLES:
            continue
        name = variable.removeprefix("HYDRIA_").lower()
        if name not in _HELP:
            known = ", ".join("HYDRIA_" + name.upper() for name in _HELP if name != "failpoint")
            raise SettingsError(f"{variable} is unknown; there are {known}")
        given[name] = value
    return given


def _from_flags(arguments: Sequence[str]) -> dict[str, str]:
    parser = argparse.ArgumentParser(
        prog="hydria server", description="Serve Hydria.", allow_abbrev=False
    )
    for name, text in _HELP.items():
        flag = "--" + name.replace("_", "-")
        if name == "insecure":
            parser.add_argument(flag, action="store_const", const="true", help=text)
        else:
            parser.add_argument(flag, metavar=name.upper().split("_")[-1], help=text)
    return {name: value for name, value in vars(parser.parse_args(arguments)).items() if value}


def _converted(given: Mapping[str, str]) -> dict[str, str | int | float | bool]:
    converted: dict[str, str | int | float | bool] = {}
    for name, text in given.items():
        default = getattr(Settings(data=Path()), name)
        try:
            converted[name] = _convert(text, type(default))
        except ValueError:
            raise SettingsError(
                f"{name}: {text[:80]!r} is not a {type(default).__name__}"
            ) from None
    return converted


def _convert(text: str, kind: type) -> str | int | float | bool:
    if kind is bool:
        if text.lower() not in ("true", "false", "1", "0"):
            raise ValueError(text)
        return text.lower() in ("true", "1")
    if kind is int:
        return int(text)
    if kind is float:
        return _finite(text)
    return text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # `nan` passes every comparison that would refuse it
        raise ValueError(text)
    return number


def _check(settings: Settings) -> None:
    if settings.log_level not in _LEVELS:
        raise SettingsError(f"log_level: {settings.log_level!r} is not one of {', '.join(_LEVELS)}")
    numbers = (
        "drain_seconds",
        "reserve_bytes",
        "event_retention_seconds",
        "webhook_retention_seconds",
    )
    positive = (
        "stall_timeout_seconds",
        "upload_lease_seconds",
        "open_uploads_max",
        "run_silence_seconds",
        "byte_budget",
        "watches_max",
        "webhook_timeout_seconds",
        "webhook_attempts_max",
        "webhook_log_max",
        "deployment_retention_seconds",
    )
    for name in (*numbers, *positive):
        value = getattr(settings, name)
        if value < 0 or (name in positive and value == 0):
            raise SettingsError(f"{name}: {value} is too small")
    if 0 < settings.webhook_retention_seconds < settings.event_retention_seconds:
        raise SettingsError("webhook_retention_seconds: it is less than event_retention_seconds")
    _check_networks(settings)
    _check_address(settings)


def _check_networks(settings: Settings) -> None:
    try:
        settings.networks()
    except ValueError as error:
        raise SettingsError(f"webhook_networks: {error}; write e.g. 10.0.0.0/8") from None


def _check_address(settings: Settings) -> None:
    listen = settings.listen
    if listen.startswith("unix:///") and len(listen) > len("unix:///"):
        return
    host, colon, port = listen.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) <= 65_535):
        raise SettingsError(f"listen: {listen!r} is neither HOST:PORT nor unix:///PATH")
    if host not in _LOOPBACK_HOSTS and not settings.insecure:
        raise SettingsError(
            f"listen: {host} is reachable from other machines, and this release has neither TLS "
            "nor authentication; put a proxy in front of a loopback address, or say --insecure"
        )
