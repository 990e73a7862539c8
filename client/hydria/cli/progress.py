"""A bar on the terminal while bytes move. Standard output is not touched."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from hydria.progress import ProgressCallback
    from hydria.records import Progress

_WORDS = {
    "upload": "sending",
    "commit": "committing",
    "list": "listing",
    "check": "looking at what is there",
    "download": "receiving",
    "verify": "verifying",
    "compare": "comparing",
    "done": "done",
}


@contextmanager
def shown_progress() -> Iterator[ProgressCallback | None]:
    """Give a callback that draws on standard error, or None when that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with _bar() as bar:
        task = bar.add_task("", total=None, files="", moved="")

        def show(progress: Progress) -> None:
            total = f" of {progress.files_total:,}" if progress.files_total is not None else ""
            moved_bytes = progress.sent_bytes or progress.received_bytes
            bar.update(
                task,
                description=_WORDS[progress.phase.value],
                completed=progress.bytes_done,
                total=progress.bytes_total,
                files=f"{progress.files_done:,}{total} files",
                moved=f"{moved_bytes / 1e6:,.1f} MB moved",
            )

        yield show


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TextColumn("{task.fields[files]}"),
        TextColumn("{task.fields[moved]}"),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
    )
