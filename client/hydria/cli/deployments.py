"""`hydria registry deployments`: who runs what, since when, and who is behind the alias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.listing import Layout, print_pages
from hydria.cli.rows import Row, rfc3339
from hydria.cli.text import time_text

if TYPE_CHECKING:
    from hydria.deployment_records import Deployment


@click.command()
@click.argument("where", metavar="ENTITY[/REGISTRY[/NAME]]")
@click.option("--filter", "filter_", default="", help='E.g. "current = false AND state = LIVE".')
@click.option("--order-by", default="", help='E.g. "name, host"; by default "updated_at desc".')
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@common_options
@click.pass_obj
def deployments(
    invocation: Invocation, where: str, filter_: str, order_by: str, limit: int | None
) -> None:
    """List who serves what, since when, and who is behind the alias that it follows.

    Those whose leases ran out are listed as LOST, those that ended only with a filter on state.
    """
    invocation.call(
        lambda client: print_pages(
            client.deployments.list(where, filter=filter_, order_by=order_by),
            limit,
            _DEPLOYMENTS,
            invocation,
        )
    )


def deployment_row(deployment: Deployment) -> Row:
    """Return all that is known of a deployment."""
    return {
        "name": deployment.name,
        "host": deployment.host,
        "labels": deployment.labels,
        "ref": deployment.version_ref,
        "alias": deployment.alias or None,
        "alias_version": deployment.alias_version or None,
        "current": deployment.current,
        "state": deployment.state.value,
        "created_at": rfc3339(deployment.created_at),
        "serving_since": rfc3339(deployment.serving_since),
        "updated_at": rfc3339(deployment.updated_at),
        "expires_at": rfc3339(deployment.expires_at),
    }


def _deployment_cells(deployment: Deployment) -> Sequence[str]:
    return (
        deployment.name,
        deployment.host,
        deployment.version_ref,
        _alias_text(deployment),
        deployment.state.value,
        time_text(deployment.serving_since),
    )


def _alias_text(deployment: Deployment) -> str:
    """Return what it follows, and where that points if it does not serve that."""
    if deployment.current:
        return deployment.alias
    return f"{deployment.alias} -> {deployment.alias_version or 'nothing'}"


_DEPLOYMENTS = Layout(
    deployment_row, _deployment_cells, ("NAME", "HOST", "SERVES", "FOLLOWS", "STATE", "SINCE")
)
