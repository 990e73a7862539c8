"""`hydria registry history`, `rollback` and `protect`: aliases as they were, and who moves them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.listing import Layout, print_pages
from hydria.cli.output import print_json, print_lines
from hydria.cli.rows import alias_row, rfc3339
from hydria.cli.text import names_text, printable
from hydria.cli.times import parse_moment

if TYPE_CHECKING:
    from datetime import datetime

    from hydria.alias_records import AliasInterval
    from hydria.cli.rows import Row
    from hydria.client import AsyncClient

_COLLECTION = "ENTITY/PROJECT/NAME"
_TARGET = "ENTITY/REGISTRY[/NAME]"


@click.command()
@click.argument("target", metavar=_COLLECTION)
@click.argument("alias", default="")
@click.option(
    "--as-of", callback=parse_moment, metavar="TIME", help="Only where they pointed at this time."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@common_options
@click.pass_obj
def history(
    invocation: Invocation, target: str, alias: str, as_of: datetime | None, limit: int | None
) -> None:
    """List where the aliases of a registered model or a collection pointed, and who moved them.

    The latest comes first. TIME is like "2026-05-04 09:00", of your time zone unless it says
    otherwise.
    """

    async def show(client: AsyncClient) -> None:
        found = client.registry.history(target, alias, as_of=as_of)
        await print_pages(found, limit, _INTERVALS, invocation)

    invocation.call(show)


@click.command()
@click.argument("target", metavar=_COLLECTION)
@click.argument("alias")
@click.option("--expect", metavar="vN", help="Only if the alias points there now.")
@common_options
@click.pass_obj
def rollback(invocation: Invocation, target: str, alias: str, expect: str | None) -> None:
    """Point ALIAS back to the version that it pointed to before; twice is there and back again.

    Deleted versions are passed over. An alias that was removed is brought back.
    """
    done = invocation.call(
        lambda client: client.registry.rollback(target, alias, expected_version=expect)
    )
    if invocation.is_json:
        print_json({**alias_row(done.change), "ref": done.version.ref})
        return
    was = done.change.previous_version or "not there"
    print_lines(printable(f"{alias} -> {done.version.ref} (was {was})"))


@click.command()
@click.argument("target", metavar=_TARGET)
@click.argument("aliases", nargs=-1, required=True, metavar="ALIAS...")
@click.option("--off", is_flag=True, help="Protect them no longer.")
@common_options
@click.pass_obj
def protect(invocation: Invocation, target: str, aliases: tuple[str, ...], off: bool) -> None:
    """Let only administrators move ALIAS..., of a registered model, a collection or a registry.

    What a protected alias points to cannot be deleted or unlinked, by nobody and with no flag. Of a
    registry the rule holds for all of its registered models, those to come among them.
    """
    parts = target.split("/")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise click.UsageError(f"{target!r} is not {_TARGET}")
    is_registry = len(parts) == 2

    async def change(client: AsyncClient) -> tuple[str, ...]:
        act = client.registry.unprotect if off else client.registry.protect
        return await act(target, aliases, is_registry=is_registry)

    protected = invocation.call(change)
    if invocation.is_json:
        print_json({"name": target, "protected_aliases": protected})
    else:
        print_lines(printable(f"{target} protects {names_text(protected) or 'no alias'}"))


def _interval_row(interval: AliasInterval) -> Row:
    return {
        "alias": interval.alias,
        "version": interval.version,
        "ref": interval.version_ref,
        "from_time": rfc3339(interval.from_time),
        "to_time": rfc3339(interval.to_time) if interval.to_time else None,
        "actor": interval.actor,
        "state": interval.state.value,
    }


def _interval_cells(interval: AliasInterval) -> Sequence[str]:
    deleted = " (deleted)" if interval.state.value == "DELETED" else ""
    return (
        interval.alias,
        interval.version + deleted,
        _to_the_second(interval.from_time),
        _to_the_second(interval.to_time) if interval.to_time else "now",
        interval.actor,
    )


def _to_the_second(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


_INTERVALS = Layout(_interval_row, _interval_cells, ("ALIAS", "VERSION", "FROM", "UNTIL", "BY"))
