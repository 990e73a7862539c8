"""`hydria webhook`: have a URL called when something happens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from hydria.cli.invocation import Invocation, common_options
from hydria.cli.listing import print_pages
from hydria.cli.output import print_json, print_lines
from hydria.cli.text import printable
from hydria.cli.webhook_rows import (
    DELIVERIES,
    WEBHOOKS,
    delivery_row,
    delivery_text,
    webhook_lines,
    webhook_row,
)

if TYPE_CHECKING:
    from hydria.webhook_records import Webhook, WebhookDelivery

_NAME = "ENTITY/NAME"
_TEMPLATE_HELP = (
    'JSON with ${event.alias} and the like, or @FILE, e.g. \'{"ref": "${event.version_ref}"}\'.'
)


@click.group()
@common_options
def webhook() -> None:
    """Have a URL called when something happens in an entity.

    Every request is signed (docs/protocol.md says how to verify it). Events come in order, each at
    least once; after failures they are tried again for hours, and then given up.
    """


@webhook.command()
@click.argument("name", metavar=_NAME)
@click.option("--url", required=True, metavar="URL", help="Where to.")
@click.option("--project", default="", metavar="P", help="Only events of a project or registry.")
@click.option("--collection", "collections", multiple=True, metavar="C", help="Only of these.")
@click.option("--alias", "aliases", multiple=True, metavar="A", help="Only about these aliases.")
@click.option("--type", "types", multiple=True, metavar="T", help="Only these, e.g. alias_set.")
@click.option("--slack", is_flag=True, help="Send messages for Slack.")
@click.option("--template", metavar="JSON|@FILE", help=_TEMPLATE_HELP)
@click.option(
    "--secret-file", type=click.File("r"), metavar="FILE", help="Has the secret; -: input."
)
@click.option("--paused", is_flag=True, help="Begin when 'hydria webhook resume' says so.")
@common_options
@click.pass_obj
def create(
    invocation: Invocation,
    name: str,
    url: str,
    project: str,
    collections: tuple[str, ...],
    aliases: tuple[str, ...],
    types: tuple[str, ...],
    slack: bool,
    template: str | None,
    secret_file: IO[str] | None,
    paused: bool,
) -> None:
    """Make a webhook. Its secret is shown now and never again."""
    from hydria.webhook_records import WebhookFilter, WebhookFormat

    filter_ = WebhookFilter(project=project, collections=collections, aliases=aliases, types=types)
    made = invocation.call(
        lambda client: client.webhooks.create(
            name,
            url,
            filter=filter_,
            format=WebhookFormat.SLACK if slack else WebhookFormat.JSON,
            payload_template=_template_of(template) or "",
            secret=secret_file.read().strip() if secret_file else "",
            paused=paused,
        )
    )
    _show(invocation, made)


@webhook.command()
@click.argument("entity")
@click.option("--filter", "filter_", default="", help='E.g. "state = PAUSED".')
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@common_options
@click.pass_obj
def ls(invocation: Invocation, entity: str, filter_: str, limit: int | None) -> None:
    """List the webhooks of an entity."""
    invocation.call(
        lambda client: print_pages(
            client.webhooks.list(entity, filter=filter_), limit, WEBHOOKS, invocation
        )
    )


@webhook.command()
@click.argument("name", metavar=_NAME)
@common_options
@click.pass_obj
def show(invocation: Invocation, name: str) -> None:
    """Show one webhook, without its secret."""
    _show(invocation, invocation.call(lambda client: client.webhooks.get(name)))


@webhook.command()
@click.argument("name", metavar=_NAME)
@click.option("--url", metavar="URL", help="Where to from now on.")
@click.option("--project", metavar="P", help="As in create; what is not given selects all.")
@click.option("--collection", "collections", multiple=True, metavar="C", help="The same.")
@click.option("--alias", "aliases", multiple=True, metavar="A", help="The same.")
@click.option("--type", "types", multiple=True, metavar="T", help="The same.")
@click.option("--all-events", is_flag=True, help="Select all events.")
@click.option("--format", "format_", type=click.Choice(["json", "slack"]), help="What is sent.")
@click.option("--template", metavar="JSON|@FILE", help=_TEMPLATE_HELP + ' "" for none.')
@click.option("--rotate-secret", is_flag=True, help="Replace the secret, and show the new one.")
@common_options
@click.pass_obj
def update(
    invocation: Invocation,
    name: str,
    url: str | None,
    project: str | None,
    collections: tuple[str, ...],
    aliases: tuple[str, ...],
    types: tuple[str, ...],
    all_events: bool,
    format_: str | None,
    template: str | None,
    rotate_secret: bool,
) -> None:
    """Change a webhook. --project, --collection, --alias and --type replace its whole filter."""
    from hydria.webhook_records import WebhookFilter, WebhookFormat

    chosen = WebhookFilter(
        project=project or "", collections=collections, aliases=aliases, types=types
    )
    filter_ = chosen if all_events or chosen != WebhookFilter() else None
    if all_events and chosen != WebhookFilter():
        raise click.UsageError("--all-events cannot be given together with what selects some")
    template = _template_of(template)
    if not rotate_secret and all(new is None for new in (url, filter_, format_, template)):
        raise click.UsageError("nothing to change: give --url, --project, --template, ...")
    changed = invocation.call(
        lambda client: client.webhooks.update(
            name,
            url=url,
            filter=filter_,
            format=WebhookFormat(format_.upper()) if format_ else None,
            payload_template=template,
            secret="" if rotate_secret else None,
        )
    )
    _show(invocation, changed)


@webhook.command()
@click.argument("name", metavar=_NAME)
@common_options
@click.pass_obj
def pause(invocation: Invocation, name: str) -> None:
    """Stop delivering. What happens meanwhile is delivered later."""
    _show(invocation, invocation.call(lambda client: client.webhooks.pause(name)))


@webhook.command()
@click.argument("name", metavar=_NAME)
@common_options
@click.pass_obj
def resume(invocation: Invocation, name: str) -> None:
    """Go on delivering; what failed is tried again at once."""
    _show(invocation, invocation.call(lambda client: client.webhooks.resume(name)))


@webhook.command()
@click.argument("name", metavar=_NAME)
@common_options
@click.pass_obj
def rm(invocation: Invocation, name: str) -> None:
    """Delete a webhook and its log."""
    invocation.call(lambda client: client.webhooks.delete(name))
    if invocation.is_json:
        print_json({"path": name, "deleted": True})
    else:
        print_lines(printable(f"{name} deleted"))


@webhook.command()
@click.argument("name", metavar=_NAME)
@common_options
@click.pass_obj
def test(invocation: Invocation, name: str) -> int:
    """Send a made-up event now, and tell what came back: 1 when the target did not take it."""
    return _tell(invocation, invocation.call(lambda client: client.webhooks.test(name)))


@webhook.command()
@click.argument("name", metavar=_NAME)
@click.option("--filter", "filter_", default="", help='E.g. "state = DEAD".')
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@common_options
@click.pass_obj
def deliveries(invocation: Invocation, name: str, filter_: str, limit: int | None) -> None:
    """List what was delivered, what waits and what was given up, newest first."""
    invocation.call(
        lambda client: print_pages(
            client.webhooks.deliveries(name, filter=filter_), limit, DELIVERIES, invocation
        )
    )


@webhook.command()
@click.argument("name", metavar=_NAME)
@click.argument("delivery_id", metavar="ID")
@common_options
@click.pass_obj
def redeliver(invocation: Invocation, name: str, delivery_id: str) -> int:
    """Send a delivery once more, now: 1 when the target did not take it."""
    sent = invocation.call(lambda client: client.webhooks.redeliver(name, delivery_id))
    return _tell(invocation, sent)


def _template_of(text: str | None) -> str | None:
    """Return the JSON of `JSON` or `@FILE`, unchanged; the server looks into it."""
    if not text:
        return text
    if text.startswith("@"):
        text = Path(text[1:]).read_text(encoding="utf-8-sig")
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"it is not JSON: {error}", param_hint="--template") from None
    return text


def _show(invocation: Invocation, found: Webhook) -> None:
    if invocation.is_json:
        print_json(webhook_row(found))
    else:
        print_lines("\n".join(map(printable, webhook_lines(found))))


def _tell(invocation: Invocation, delivery: WebhookDelivery) -> int:
    if invocation.is_json:
        print_json(delivery_row(delivery))
    else:
        print_lines(printable(delivery_text(delivery)))
    return 0 if delivery.last_succeeded else 1
