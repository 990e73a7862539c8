"""`hydria artifact verify`: is a version, or a copy of it, as it should be?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.output import print_json, print_lines
from hydria.cli.progress import shown_progress
from hydria.cli.rows import verify_row
from hydria.cli.text import count_text, printable, seconds_text, size_text

if TYPE_CHECKING:
    from hydria.client import AsyncClient
    from hydria.inspection.records import Damage, VerifyResult

EXIT_DIFFERS = 1


@click.command()
@click.argument("ref")
@click.argument("root", required=False, metavar="[DIR]", type=click.Path(file_okay=False))
@common_options
@click.pass_obj
def verify(invocation: Invocation, ref: str, root: str | None) -> int:
    """Check a version: a directory against it, or all that the server has stored of it.

    With DIR, files that are missing, changed or extra are listed; nothing but the list of files is
    fetched. Without it the server reads everything again; what is damaged is repaired when the
    same content is put again. The exit code is 1 when anything is not as it should be.
    """

    async def check(client: AsyncClient) -> VerifyResult:
        with shown_progress() as progress:
            return await client.verify(ref, root=root, progress=progress)

    result = invocation.call(check)
    if invocation.is_json:
        print_json(verify_row(result))
    else:
        for line in _lines(result):
            print_lines(printable(line))
    return 0 if result.is_intact else EXIT_DIFFERS


def _lines(result: VerifyResult) -> Iterator[str]:
    for found in result.damages:
        yield _damage_text(found)
    if result.damage_count > len(result.damages):
        yield f"damaged  and {result.damage_count - len(result.damages):,} more"
    for word, paths in _differences(result).items():
        yield from (f"{word:<8} {path}" for path in paths)
    content = f"{count_text(result.file_count, 'file')}, {size_text(result.size_bytes)}"
    verdict = "as it should be" if result.is_intact else _verdict(result)
    yield f"{result.ref}  {verdict}; checked {content} in {seconds_text(result.seconds)}"
    if result.reference_count:
        yield f"  {count_text(result.reference_count, 'reference')} not followed"


def _verdict(result: VerifyResult) -> str:
    if result.root is None:
        return "DAMAGED"
    counts = (f"{len(paths):,} {word}" for word, paths in _differences(result).items() if paths)
    return f"differs from {result.root} ({', '.join(counts)})"


def _differences(result: VerifyResult) -> dict[str, tuple[str, ...]]:
    return {"missing": result.missing, "changed": result.changed, "extra": result.extra}


def _damage_text(found: Damage) -> str:
    from hydria.inspection.records import DamageKind

    match found.kind:
        case DamageKind.CHUNK | DamageKind.RECIPE:
            where = f"{size_text(found.size_bytes)} at byte {found.offset:,}"
        case DamageKind.FILE:
            where = "its chunks do not add up to its digest"
        case DamageKind.MANIFEST:
            where = f"and all up to {found.last_path}: a part of the list of files"
        case DamageKind.VERSION:
            where = "the list of files does not add up to the version's digest"
        case DamageKind.OTHER:
            where = "in a way that a newer client can tell"
    return f"damaged  {found.path}  {where}" if found.path else f"damaged  {where}"
