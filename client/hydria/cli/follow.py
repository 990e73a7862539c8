"""`hydria registry follow`: keep a directory at the version that an alias points to."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import print_json, print_lines
from hydria.cli.text import printable, seconds_text, size_text

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.following.follower import AsyncModelFollower
    from hydria.following.records import FollowNotice

_LEASE = click.IntRange(5, 86_400)


def _split(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[str, ...] | None:
    """Return a command line as a shell would split it. No shell runs it."""
    if text is None:
        return None
    try:
        arguments = tuple(shlex.split(text))
    except ValueError as error:
        message = f"{text!r} cannot be split: {error}"
        raise click.BadParameter(message, context, parameter) from None
    if not arguments:
        raise click.BadParameter("it is empty", context, parameter)
    return arguments


def _labels(
    context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> dict[str, str]:
    """Return what `KEY=VALUE` says, once or often."""
    for text in texts:
        if not text.partition("=")[0] or "=" not in text:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE", context, parameter)
    return dict(text.split("=", 1) for text in texts)


@click.command()
@click.argument("ref", metavar="REF")
@click.option(
    "--root",
    required=True,
    type=click.Path(),
    metavar="DIR",
    help="The directory to keep: a link, made and swapped by this command.",
)
@click.option(
    "--exec",
    "command",
    callback=_split,
    metavar="CMD",
    help="Run this for each new version, with its path as the last argument.",
)
@click.option(
    "--exec-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    metavar="SECONDS",
    help="How long CMD may take before it is killed (default: 60).",
)
@click.option("--once", is_flag=True, help="Bring DIR up to date, and end.")
@click.option(
    "--references/--no-references",
    default=True,
    help="Fetch references from where they point (the default), or leave them out.",
)
@click.option("--report/--no-report", default=True, help="Tell the server what is served here.")
@click.option("--name", default="", metavar="N", help="What the deployment is called.")
@click.option("--host", default="", metavar="H", help="Where it runs.")
@click.option(
    "--label", "labels", callback=_labels, multiple=True, metavar="K=V", help="Repeatable."
)
@click.option(
    "--lease", type=_LEASE, default=60, metavar="SECONDS", help="Of the report (default: 60)."
)
@common_options
@click.pass_obj
def follow(
    invocation: Invocation,
    ref: str,
    root: str,
    command: tuple[str, ...] | None,
    exec_timeout: float,
    once: bool,
    references: bool,
    report: bool,
    name: str,
    host: str,
    labels: dict[str, str],
    lease: int,
) -> None:
    """Keep DIR at the version that the alias in REF points to, until interrupted.

    A new version is downloaded beside DIR, verified and synced; then DIR, which is a link, is
    swapped to it in one step. The version before stays until the next swap. When the alias is
    removed, or the server is away, DIR stays as it is. With --json it prints one object on a line
    for each thing that happens.
    """
    from hydria.following.records import FollowOptions

    options = FollowOptions(
        references=references,
        is_reported=report,
        name=name,
        host=host,
        labels=labels,
        lease_seconds=lease,
    )

    async def run(client: AsyncClient) -> None:
        from hydria.following.command import command_for
        from hydria.following.follower import AsyncModelFollower

        follower = AsyncModelFollower(
            client,
            ref,
            root,
            on_swap=command_for(command, timeout_seconds=exec_timeout) if command else None,
            on_notice=lambda notice: _print(invocation, notice),
            options=options,
        )
        await (follower.once() if once else _until_told(follower))

    invocation.call(run)


async def _until_told(follower: AsyncModelFollower) -> None:
    """Follow until SIGTERM or SIGINT, which end it well: the deployment is said to end."""
    import asyncio
    import signal

    following = asyncio.ensure_future(follower.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, following.cancel)
    await asyncio.wait([following])
    if not following.cancelled():
        following.result()


def _print(invocation: Invocation, notice: FollowNotice) -> None:
    if invocation.is_json:
        print_json(
            {
                "event": notice.kind.value,
                "ref": notice.version_ref or None,
                "path": str(notice.path) if notice.path else None,
                "message": notice.message or None,
                "seconds": round(notice.seconds, 6),
                "received_bytes": notice.received_bytes,
            }
        )
    else:
        print_lines(printable(_line_of(notice)))


def _line_of(notice: FollowNotice) -> str:
    words = [notice.kind.value.replace("_", " ")]
    if notice.version_ref:
        words.append(notice.version_ref)
    if notice.kind.value == "swapped":
        received = size_text(notice.received_bytes)
        words.append(f"{received} received, {seconds_text(notice.seconds)}, {notice.path}")
    if notice.message:
        words.append(notice.message)
    return "  ".join(words)
