"""`graphspec cache`."""

from __future__ import annotations

import time

import click

from graphspec.console.byte_size import byte_size
from graphspec.console.echo import echo
from graphspec.diagnostics.escapes import escaped
from graphspec.files import reason_of


@click.group(invoke_without_command=True)
@click.pass_context
def cache(context: click.Context) -> None:
    """List the converted data files in the cache, with their sizes.

    A large file without random access, such as a CSV of some gigabytes, is converted when a spec first uses it. The
    files used longest ago make room for new ones. GRAPHSPEC_CACHE_GB sets the maximum size in GB (default: 20), and
    GRAPHSPEC_CACHE the folder.

    \b
    graphspec cache                list the cache, most recently used first
    graphspec cache clear          remove all of it; files are converted again when needed
    """
    if context.invoked_subcommand is not None:
        return
    from graphspec.sources.cache_folder import bound, cache_folder, entries
    from graphspec.sources.source import DataError

    try:
        limit = bound()
    except DataError as error:
        raise click.UsageError(f"{error.message}: {error.help}") from None
    cached = entries()
    for entry in cached:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        echo(f"{byte_size(entry.size):>9}  last used {used}  {entry.source}")
    total = sum(entry.size for entry in cached)
    echo(f"{byte_size(total):>9}  in {len(cached)} of {byte_size(limit)}: {cache_folder()}")


@cache.command()
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.pass_context
def clear(context: click.Context, *, yes: bool) -> None:
    """Remove every converted file that no process is using; files are converted again when needed.

    \b
    graphspec cache clear --yes
    """
    from graphspec.sources.cache_folder import cache_folder, entries, remove, sweep

    sweep(cache_folder(), own="")
    cached = entries()
    if not cached:
        echo(f"{cache_folder()} holds no converted files")
        return
    if not yes:
        click.confirm(
            f"Remove {byte_size(sum(entry.size for entry in cached))} from {escaped(cache_folder())}?", abort=True
        )
    try:
        kept = [entry for entry in cached if not remove(entry.folder)]
    except OSError as error:
        reason = reason_of(error)
        raise click.ClickException(f"cannot remove from {cache_folder()}: {reason}") from None
    echo(f"Removed {byte_size(sum(entry.size for entry in cached if entry not in kept))}")
    if kept:
        echo(f"{len(kept)} of {len(cached)} are in use and were kept")
