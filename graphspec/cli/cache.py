"""`graphspec cache`."""

from __future__ import annotations

import time

import click

from graphspec.console.echo import echo
from graphspec.diagnostics.escapes import escaped
from graphspec.files import reason_of


@click.group(invoke_without_command=True)
@click.pass_context
def cache(context: click.Context) -> None:
    """Show the data files that were converted, so that they need not be read whole: where they lie and what they take.

    A large file that cannot be read at any place, such as a CSV of some gigabytes, is converted when a spec first
    uses it. What was used longest ago makes room for what is new; GRAPHSPEC_CACHE_GB says how much there may be (20),
    and GRAPHSPEC_CACHE where it lies.

    \b
    graphspec cache                what was converted, the last used first
    graphspec cache clear          remove all of it; it is made again when it is needed
    """
    if context.invoked_subcommand is not None:
        return
    from graphspec.sources.cache_folder import bound, cache_folder, entries
    from graphspec.sources.source import DataError

    try:
        most = bound()
    except DataError as error:
        raise click.UsageError(f"{error.message}: {error.help}") from None
    found = entries()
    for entry in found:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        echo(f"{_size(entry.size):>9}  last used {used}  {entry.source}")
    total = sum(entry.size for entry in found)
    echo(f"{_size(total):>9}  in {len(found)} of {_size(most)}: {cache_folder()}")


@cache.command()
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.pass_context
def clear(context: click.Context, *, yes: bool) -> None:
    """Remove every converted file that no process is using. They are made again when they are needed.

    \b
    graphspec cache clear --yes
    """
    from graphspec.sources.cache_folder import cache_folder, entries, remove, sweep

    sweep(cache_folder(), own="")
    found = entries()
    if not found:
        echo(f"{cache_folder()} holds no converted files")
        return
    if not yes:
        click.confirm(f"Remove {_size(sum(entry.size for entry in found))} from {escaped(cache_folder())}?", abort=True)
    try:
        kept = [entry for entry in found if not remove(entry.folder)]
    except OSError as error:
        reason = reason_of(error)
        raise click.ClickException(f"cannot remove from {cache_folder()}: {reason}") from None
    echo(f"Removed {_size(sum(entry.size for entry in found if entry not in kept))}")
    if kept:
        echo(f"{len(kept)} of {len(found)} are in use, and stay")


def _size(bytes: int) -> str:
    """So many bytes, as one reads them."""
    size, unit = float(bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.3g} {unit}"
