"""`hydria events` and `hydria registry watch`: what happened, and what happens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.listing import Layout, print_pages
from hydria.cli.output import JsonText, JsonValue, print_json, print_lines
from hydria.cli.rows import rfc3339
from hydria.cli.text import printable, time_text

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.history_records import AliasHolder, Event

_WHERE = "ENTITY[/PROJECT[/NAME]]"


@click.command()
@click.argument("where", metavar=_WHERE)
@click.option("--alias", "aliases", multiple=True, metavar="A", help="Only about it; repeatable.")
@click.option("--type", "types", multiple=True, metavar="T", help="E.g. alias_set; repeatable.")
@click.option("--actor", default="", metavar="A", help="Only what this one did.")
@click.option("--since", metavar="TIME", help="From then on, e.g. 2026-01-31T09:00.")
@click.option("--until", metavar="TIME", help="Before then.")
@click.option("--oldest-first", is_flag=True, help="Instead of the newest.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@common_options
@click.pass_obj
def events(
    invocation: Invocation,
    where: str,
    aliases: tuple[str, ...],
    types: tuple[str, ...],
    actor: str,
    since: str | None,
    until: str | None,
    oldest_first: bool,
    limit: int | None,
) -> None:
    """List what happened to an entity, a project or registry, or a collection: who, what, when.

    Times without a zone are in yours.
    """
    moments = {name: _moment(text, name) for name, text in (("since", since), ("until", until))}

    async def show(client: AsyncClient) -> None:
        found = client.events(
            where,
            aliases=aliases,
            types=types,
            actor=actor,
            since=moments["since"],
            until=moments["until"],
            oldest_first=oldest_first,
        )
        await print_pages(found, limit, _EVENTS, invocation)

    invocation.call(show)


@click.command()
@click.argument("where", metavar=_WHERE)
@click.option("--alias", "aliases", multiple=True, metavar="A", help="Only about it; repeatable.")
@click.option("--type", "types", multiple=True, metavar="T", help="E.g. alias_set; repeatable.")
@click.option("--snapshot", is_flag=True, help="Print first where the aliases point now.")
@click.option("--token", default="", metavar="T", help="Go on after it; --json prints tokens.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="End after so many events.")
@common_options
@click.pass_obj
def watch(
    invocation: Invocation,
    where: str,
    aliases: tuple[str, ...],
    types: tuple[str, ...],
    snapshot: bool,
    token: str,
    limit: int | None,
) -> None:
    """Print what happens, as it happens, until interrupted.

    It connects anew by itself. With --json it prints one object on a line for each event, and for
    each alias of the snapshot.
    """
    after = _token(token)

    async def show(client: AsyncClient) -> None:
        from hydria.history_records import AliasSnapshot

        left = limit
        async with client.watch(
            where, aliases=aliases, types=types, snapshot=snapshot, token=after
        ) as watching:
            async for item in watching:
                if isinstance(item, AliasSnapshot):
                    for holder in item.holders:
                        _print_holder(invocation, holder)
                    continue
                _print_event(invocation, item)
                left = None if left is None else left - 1
                if left == 0:
                    return

    invocation.call(show)


def _token(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        message = "it is not a token that --json printed"
        raise click.BadParameter(message, param_hint="--token") from None


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not a time like 2026-01-31T09:00"
        raise click.BadParameter(message, param_hint=f"--{option}") from None


def event_row(event: Event) -> dict[str, JsonValue]:
    """Return all that is known of an event, without the token of a watch."""
    return {
        "event_id": event.event_id,
        "type": event.type,
        "time": rfc3339(event.time),
        "actor": event.actor,
        "entity": event.entity,
        "project": event.project,
        "name": event.collection,
        "ref": event.version_ref,
        "alias": event.alias,
        "previous_version": event.previous_version,
        "data": JsonText(event.data_json),
    }


def _print_event(invocation: Invocation, event: Event) -> None:
    if invocation.is_json:
        print_json({**event_row(event), "token": event.token.hex()})
    else:
        print_lines("  ".join(cell for cell in _event_cells(event) if cell))


def _print_holder(invocation: Invocation, holder: AliasHolder) -> None:
    if invocation.is_json:
        print_json(
            {
                "type": "alias_holder",
                "time": rfc3339(holder.from_time),
                "actor": holder.actor,
                "entity": holder.entity,
                "project": holder.project,
                "name": holder.collection,
                "ref": holder.version_ref,
                "alias": holder.alias,
                "digest": holder.digest,
            }
        )
    else:
        print_lines(printable(f"{holder.alias} -> {holder.version_ref}"))


def _event_cells(event: Event) -> Sequence[str]:
    path = "/".join(part for part in (event.project, event.collection) if part)
    return time_text(event.time), event.actor, event.type, printable(path), _what(event)


def _what(event: Event) -> str:
    """Return what it is about, in short: `production -> v3 (was v2)`."""
    version = event.version_ref.rpartition(":")[2]
    if event.type == "alias_set":
        was = f" (was {event.previous_version})" if event.previous_version else ""
        return printable(f"{event.alias} -> {version}{was}")
    return printable(" ".join(part for part in (event.alias, version) if part))


_EVENTS = Layout(event_row, _event_cells, ("TIME", "ACTOR", "EVENT", "WHERE", "WHAT"))
