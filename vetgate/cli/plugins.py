"""`vetgate plugins`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from vetgate.host import Host, Plugin


@click.command("plugins", short_help="Show what was found, its status, and what a missing one needs.")
@click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How it is told."
)
@click.option("--disable", multiple=True, metavar="PLUGIN", help="Do not load a plugin; may be given again.")
def command(style: str, disable: tuple[str, ...]) -> None:
    """Show what was found, its status, and what a missing one needs; imports no model library.

    \b
        vetgate plugins
    """
    from vetgate.host import find_plugins

    host = find_plugins(disable)
    if style == "json":
        import json

        click.echo(json.dumps([_record(plugin) for plugin in host.plugins], indent=2, ensure_ascii=False))
    else:
        _show(host)


def _show(host: Host) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("plugin", "from", "status", "offers", box=None, header_style="bold", pad_edge=False)
    for plugin in host.plugins:
        offers = "\n".join(f"{offer.kind} {offer.name}: {offer.spec.summary}" for offer in plugin.offers)
        told = "\n".join(dict.fromkeys([str(plugin.status), *_needs(plugin)]))
        table.add_row(plugin.name, f"{plugin.distribution} {plugin.version}", told, offers)
    Console(highlight=False, markup=False).print(table)


def _needs(plugin: Plugin) -> list[str]:
    needs = [f"pip install '{offer.distribution}[{offer.spec.extra}]'" for offer in plugin.offers if offer.missing]
    return [plugin.detail, *needs] if plugin.detail else needs


def _record(plugin: Plugin) -> dict[str, Any]:
    offers = [
        {"kind": offer.kind, "name": offer.name, "summary": offer.spec.summary, "missing": list(offer.missing)}
        for offer in plugin.offers
    ]
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "status": plugin.status,
        "detail": plugin.detail,
        "offers": offers,
    }
