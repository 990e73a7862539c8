"""The `hydria` command: its tree of commands, and how it ends."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

import click

from hydria.cli.alias import alias
from hydria.cli.artifact import artifact
from hydria.cli.cache import cache
from hydria.cli.collection import collection
from hydria.cli.failures import MALFORMED, line_of
from hydria.cli.history import events
from hydria.cli.invocation import common_options
from hydria.cli.lineage import lineage
from hydria.cli.output import ReaderGoneError
from hydria.cli.ping import ping
from hydria.cli.registry import registry
from hydria.cli.run import run as run_group
from hydria.cli.search import search
from hydria.cli.server import server
from hydria.cli.upload import upload
from hydria.cli.webhook import webhook

EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


# The lone \b keeps click from filling the lines after it.
_REFS = """\b
A ref names a version:
  ENTITY/PROJECT/NAME             the newest one
  ENTITY/PROJECT/NAME:v3          the one with this number
  ENTITY/PROJECT/NAME:ALIAS       the one that an alias points to
  ENTITY/PROJECT/NAME@blake3:HEX  the one with this content
"""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_REFS,
)
@click.version_option(package_name="hydria", prog_name="hydria")
@common_options
def hydria() -> None:
    """Versioned datasets and models, stored once and verified both ways."""


for _command in (
    artifact,
    collection,
    alias,
    registry,
    search,
    events,
    webhook,
    upload,
    run_group,
    lineage,
    cache,
    ping,
    server,
):
    hydria.add_command(_command)


def main() -> None:
    """Run the command of this process, and end the process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0, 1 failure, 2 usage, 130 interrupted.

    Errors are one line on standard error.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code: object = hydria.main(list(arguments), prog_name="hydria", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except ReaderGoneError:
        _forget_output()
        return 0  # whoever reads has had enough, and that is no failure
    except Exception as error:  # noqa: BLE001 - the boundary: users get a line, never a traceback
        click.echo(f"hydria: {line_of(error)}", err=True)
        return EXIT_USAGE if isinstance(error, MALFORMED) else EXIT_FAILURE
    return code if isinstance(code, int) else 0


def _forget_output() -> None:
    """Let the interpreter flush into nothing at its end, where it would complain otherwise."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


if __name__ == "__main__":
    main()
