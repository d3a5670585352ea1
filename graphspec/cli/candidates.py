"""The words that a shell offers for arguments and options: `shell_complete` of click.

A function here is called while a user waits for a key, so that it imports little, opens few files, and never fails.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import click
from click.shell_completion import CompletionItem

Items = list[CompletionItem]
_MAX_ENTRIES, _MAX_BYTES = 2_000, 2**16
"""The entries of a folder that are looked at, and the bytes of a file in which the key of a spec is looked for."""


def spec_files(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Offer spec files, and folders on the way to them."""
    return _paths(incomplete, file=_is_spec)


def run_folders(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Offer run directories, and folders on the way to them."""
    return _paths(incomplete, folder=_is_run)


def specs_and_runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Offer spec files and run directories."""
    return _paths(incomplete, file=_is_spec, folder=_is_run)


def studies(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Offer the folders of studies, and folders on the way to them."""
    return _paths(incomplete, folder=_is_study)


def rules(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Offer rules by their codes; by their names once the beginning of one is typed."""
    return _rules(incomplete)


def rule_lists(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Offer rules for the last of several, separated by commas."""
    before, comma, last = incomplete.rpartition(",")
    return [CompletionItem(f"{before}{comma}{item.value}", help=item.help) for item in _rules(last)]


def catalog_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Offer layers, losses and so on, of the kind that `--kind` names; without it, layers first."""
    from graphspec.catalog import KINDS
    from graphspec.catalog.usable_names import usable_names

    kind = context.params.get("kind")
    names = list(dict.fromkeys(name for each in ([kind] if kind else KINDS) for name in usable_names(each)))
    found = [name for name in names if name.startswith(incomplete)]
    return [
        CompletionItem(name)
        for name in found or [name for name in names if name.lower().startswith(incomplete.lower())]
    ]


def keras_versions(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Offer the minor versions of Keras that the catalogue knows."""
    from graphspec.catalog.generated import known_versions

    return [CompletionItem(version) for version in known_versions() if version.startswith(incomplete)]


def templates(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Offer the templates of `graphspec new`."""
    from graphspec.starters.templates import ABOUT

    return [CompletionItem(name, help=about) for name, about in ABOUT.items() if name.startswith(incomplete)]


def extra_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Offer the extras."""
    from graphspec.extras import PURPOSES

    return [CompletionItem(name, help=about) for name, about in PURPOSES.items() if name.startswith(incomplete)]


def _rules(incomplete: str) -> Items:
    from graphspec.diagnostics.rules import RULES

    found = [rule for code, rule in RULES.items() if code.startswith(incomplete.upper())]
    if incomplete and not found:
        named = [rule for rule in RULES.values() if rule.name.startswith(incomplete)]
        return [CompletionItem(rule.name, help=rule.summary) for rule in named]
    return [CompletionItem(rule.code, help=rule.summary) for rule in found]


Choice = Callable[[Path], bool]


def _none(path: Path) -> bool:
    return False


def _paths(incomplete: str, *, file: Choice = _none, folder: Choice = _none) -> Items:
    """Return the files and folders that are chosen, and the other folders, whose paths begin with `incomplete`.

    A folder that is alone is opened, since a shell would put a blank behind it.

    Args:
        incomplete: The beginning of a path, which may begin with `~`.
        file: Returns whether a file is offered.
        folder: Returns whether a folder is offered itself, and not opened.
    """
    found = list(_entries(incomplete, file, folder))
    while len(found) == 1 and found[0].endswith("/") and (inner := list(_entries(found[0], file, folder))):
        found = inner
    return [CompletionItem(path) for path in found]


def _entries(beginning: str, file: Choice, folder: Choice) -> Iterator[str]:
    """Yield the paths of one folder that begin with `beginning`; those of folders to open end with a slash."""
    parent, slash, name = beginning.rpartition("/")
    try:
        place = Path(f"{parent}{slash}" or ".").expanduser()
        with os.scandir(place) as entries:
            known = sorted(entry.name for entry in islice(entries, _MAX_ENTRIES))
    except (OSError, ValueError, RuntimeError):
        return
    for each in known:
        if not each.startswith(name) or not each.isprintable() or (each.startswith(".") and not name.startswith(".")):
            continue
        with suppress(OSError, ValueError):
            path, shown = place / each, f"{parent}{slash}{each}"
            if path.is_dir():
                yield shown if folder(path) else f"{shown}/"
            elif file(path):
                yield shown


def _is_spec(path: Path) -> bool:
    from graphspec.files import open_file
    from graphspec.validation.spec_files import SUFFIXES, holds_spec

    if not path.name.endswith(SUFFIXES):
        return False
    with open_file(path) as file:
        return holds_spec(file.read(_MAX_BYTES))


def _is_run(folder: Path) -> bool:
    from graphspec.run_paths import RECORD

    return (folder / RECORD).is_file()


def _is_study(folder: Path) -> bool:
    from graphspec.run_paths import STUDY

    return (folder / STUDY).is_file()
