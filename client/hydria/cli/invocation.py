"""What holds for every command: which server is meant, and who reads the answer."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.options import TransferOptions

_Command = TypeVar("_Command", bound=Callable[..., object])
_Result = TypeVar("_Result")


@dataclass(slots=True)
class Invocation:
    """The options that every command takes, before or after its name."""

    server: str | None = None
    is_json: bool = False

    def call(
        self,
        work: Callable[[AsyncClient], Coroutine[object, object, _Result]],
        *,
        options: TransferOptions | None = None,
    ) -> _Result:
        """Return what `work` returns, given a client of the server that is meant.

        Raises:
            HydriaError: what the client raises.
            OSError: the same.
        """
        import asyncio

        from hydria.client import AsyncClient

        async def connected() -> _Result:
            async with AsyncClient(self.server, options=options) as client:
                return await work(client)

        return asyncio.run(connected())


def common_options(command: _Command) -> _Command:
    """Add `--server` and `--json`. They may stand at a group or at a command; the last one wins."""
    with_json = click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_remember_json,
        help="Print one JSON object or array, and nothing else, to standard output.",
    )(command)
    return click.option(
        "--server",
        metavar="ADDR",
        expose_value=False,
        callback=_remember_server,
        help="HOST:PORT, grpc(s)://... or unix:///PATH. By default HYDRIA_BASE_URL, then the"
        " server on your data directory, then 127.0.0.1:50051.",
    )(with_json)


def _remember_json(context: click.Context, _: click.Parameter, is_given: bool) -> None:
    context.ensure_object(Invocation).is_json |= is_given


def _remember_server(context: click.Context, parameter: click.Parameter, text: str | None) -> None:
    invocation = context.ensure_object(Invocation)
    if text is None:
        return
    from hydria.address import parse_address
    from hydria.errors import InvalidArgumentError

    try:
        parse_address(text)
    except InvalidArgumentError as error:
        raise click.BadParameter(error.message, context, parameter) from error
    invocation.server = text
