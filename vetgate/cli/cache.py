"""`vetgate cache`."""

from __future__ import annotations

import click


@click.group(
    "cache",
    invoke_without_command=True,
    short_help="Show, limit or clear the cache of predictions, features and trained parts.",
)
@click.option("--max-size", metavar="SIZE", help="Keep at most this much from now on, such as 2GB.")
@click.pass_context
def command(context: click.Context, max_size: str | None) -> None:
    """Show, limit or clear the cache of predictions, of features, and of what was trained to explain disparity.

    It takes 5 GB by default; the least recently used entries go first.

    \b
        vetgate cache show
        vetgate cache --max-size 2GB
    """
    if max_size is not None:
        _limit(max_size)
    if context.invoked_subcommand is None:
        _show()


@command.command("show")
def show() -> None:
    """Show where the cache is and what it holds.

    \b
        vetgate cache show
    """
    _show()


@command.command("clear")
def clear() -> None:
    """Remove every entry.

    \b
        vetgate cache clear
    """
    from vetgate.inference.cache import Cache, cache_folder

    cache = Cache(cache_folder())
    before = cache.size()
    cache.clear()
    freed = before - cache.size()
    click.echo(f"removed {freed / 1e6:.4g} MB from {cache_folder()}")


def _limit(text: str) -> None:
    from vetgate.cli.settings import bytes_of
    from vetgate.domain.errors import UsageError
    from vetgate.inference.cache import Cache, cache_folder

    try:
        Cache(cache_folder()).set_limit(bytes_of(text))
    except OSError as error:
        raise UsageError(f"the cache {cache_folder()} cannot be written: {error.strerror}") from None


def _show() -> None:
    from vetgate.inference.cache import Cache, cache_folder

    cache = Cache(cache_folder())
    entries = cache.entries()
    if cache.trouble:
        click.echo(f"off: {cache.trouble}", err=True)
    click.echo(f"{cache_folder()}: {len(entries)} entries, {cache.size() / 1e6:.4g} MB of {cache.limit / 1e6:,.0f} MB")
