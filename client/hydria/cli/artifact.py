"""`hydria artifact`: put, get and look at versions."""

from __future__ import annotations

import click

from hydria.cli.cat import cat
from hydria.cli.cp import cp
from hydria.cli.diff import diff
from hydria.cli.get import get
from hydria.cli.invocation import common_options
from hydria.cli.listing import files, ls
from hydria.cli.put import put
from hydria.cli.rm import rm
from hydria.cli.show import show
from hydria.cli.verify import verify


@click.group()
@common_options
def artifact() -> None:
    """Put, get and look at versions of datasets and models."""


for _command in (put, get, ls, show, files, cat, cp, verify, diff, rm):
    artifact.add_command(_command)
