"""`hydria cache`: the files that are kept on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import print_json, print_lines
from hydria.cli.text import count_text, printable, size_text

if TYPE_CHECKING:
    from hydria.local_cache import LocalCache


# The lone \b keeps click from filling the lines after it.
_VARIABLES = """\b
Environment:
  HYDRIA_CACHE_DIR      where it is
  HYDRIA_CACHE          what is kept: auto (what costs no room), on or off
  HYDRIA_CACHE_UPLOADS  on: what is uploaded is kept too, all of it; off (the default)
  HYDRIA_CACHE_SIZE     how large it may become, e.g. 50GB
"""


@click.group(epilog=_VARIABLES)
@common_options
def cache() -> None:
    """Look at and clear the local cache of downloaded files. No server is asked."""


@cache.command("info")
@common_options
@click.pass_obj
def info(invocation: Invocation) -> None:
    """Show where the cache is and how much is in it."""
    opened, bytes_max, use = _opened()
    found = opened.info()
    if invocation.is_json:
        print_json(
            {
                "directory": str(found.directory),
                "file_count": found.file_count,
                "size_bytes": found.size_bytes,
                "size_bytes_max": bytes_max,
                "use": use,
            }
        )
        return
    content = f"{count_text(found.file_count, 'file')}, {size_text(found.size_bytes)}"
    print_lines(printable(str(found.directory)))
    print_lines(f"  {content} of at most {size_text(bytes_max)} ({use})")


@cache.command("clean")
@click.option("--to", "to_text", default="0", metavar="SIZE", help="Leave so much, e.g. 2GB.")
@common_options
@click.pass_obj
def clean(invocation: Invocation, to_text: str) -> None:
    """Remove all that is kept, or what was not used for longest. Downloads are left alone."""
    from hydria.sizes import parse_size

    try:
        to_bytes = parse_size(to_text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--to") from error
    opened, _, _ = _opened()
    removed, left = opened.clean(to_bytes), opened.info()
    if invocation.is_json:
        print_json(
            {
                "removed_file_count": removed.file_count,
                "removed_bytes": removed.size_bytes,
                "file_count": left.file_count,
                "size_bytes": left.size_bytes,
            }
        )
        return
    content = f"{count_text(removed.file_count, 'file')}, {size_text(removed.size_bytes)}"
    print_lines(f"removed {content}; {size_text(left.size_bytes)} left")


def _opened() -> tuple[LocalCache, int, str]:
    """Return the cache that a client of this user would use, its limit, and what is kept."""
    from hydria.local_cache import LocalCache
    from hydria.options import TransferOptions

    options = TransferOptions()
    opened = LocalCache(bytes_max=options.cache_bytes_max, use=options.cache)
    return opened, options.cache_bytes_max, options.cache.value
