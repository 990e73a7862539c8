"""`hydria ping`: is there a server, and which one?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import print_json, print_lines
from hydria.cli.rows import Row
from hydria.cli.text import printable, seconds_text

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.records import ServerInfo


@click.command()
@common_options
@click.pass_obj
def ping(invocation: Invocation) -> None:
    """Ask the server who it is, and how long an answer takes."""

    async def ask(client: AsyncClient) -> tuple[str, ServerInfo, float]:
        info = await client.server_info()  # which also connects
        return str(client.address), info, await client.ping()

    address, info, seconds = invocation.call(ask)
    if invocation.is_json:
        row: Row = {
            "address": address,
            "server_version": info.server_version,
            "store_id": info.store_id,
            "seconds": round(seconds, 6),
        }
        print_json(row)
        return
    version = printable(info.server_version)
    print_lines(f"Hydria {version} answers at {address} in {seconds_text(seconds)}")
