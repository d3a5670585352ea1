"""`graphspec diff`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphspec.cli.candidates import specs_and_runs
from graphspec.console.echo import echo
from graphspec.diagnostics.escapes import json_text

if TYPE_CHECKING:
    from graphspec.differences import Difference
    from graphspec.differences.changed_specs import Since

_STYLES: dict[str, dict[str, Any]] = {
    "added": {"fg": "green"},
    "removed": {"fg": "red"},
    "changed": {"fg": "yellow"},
    "heading": {"bold": True},
    "quiet": {"dim": True},
}


@click.command()
@click.argument("words", metavar="A B | --since REVISION [PATH...]", nargs=-1, shell_complete=specs_and_runs)
@click.option("--since", metavar="REVISION", help="Compare every spec below PATH with what it was in a git revision.")
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="Text for people, markdown for the comment of a pull request, or JSON for programs.",
)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Write to this file instead of standard output.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if there is a difference; without it, with 0.")
def diff(words: tuple[str, ...], since: str | None, form: str, output: Path | None, exit_code: bool) -> None:
    """Show what differs in meaning between two specs: nodes, arguments, shapes, training, data, and weights.

    A and B are spec files, `-` for standard input, runs or folders of runs (the newest run is used), saved models
    (.keras, .h5, or their configuration as .json), or files of a git revision, REVISION:path. Comments, the order of
    keys and short forms are no differences. Nodes are matched by name, then by what they are and how they are wired, so
    that a renamed node is shown as such.
    The weights that carry over are those that `graphspec train B --from RUN` loads from a run of A.

    \b
    graphspec diff specs/wine.yaml wider.yaml
    graphspec diff HEAD~1:specs/wine.yaml specs/wine.yaml
    graphspec diff runs/wine specs/wine.yaml              the newest run, and the spec now
    graphspec diff model.keras specs/wine.yaml
    graphspec diff --since main specs/ --format markdown  every spec that is not as on `main`
    """
    if since is not None:
        found: Difference | Since = _compare_since(since, words)
    elif len(words) == 2:
        found = _compare(*words)
    else:
        raise click.UsageError("pass two specs to compare, or --since REVISION and paths")
    _write(_text_of(found, form, coloured=output is None), output)
    if exit_code and not found.is_empty:
        sys.exit(1)


def _compare(first: str, second: str) -> Difference:
    from graphspec.differences import compare, side_of

    if first == second == "-":
        raise click.UsageError("standard input holds one spec: pass `-` once")
    return compare(side_of(first), side_of(second))


def _compare_since(revision: str, paths: tuple[str, ...]) -> Since:
    from graphspec.differences.changed_specs import compare_since

    if "-" in paths:
        raise click.UsageError("--since compares files, and `-` is none")
    return compare_since(revision, paths or (".",))


def _text_of(found: Difference | Since, form: str, *, coloured: bool) -> str:
    from graphspec.differences import Difference

    if form == "json":
        from graphspec.differences.formats.as_json import as_json, since_as_json

        return json_text(as_json(found) if isinstance(found, Difference) else since_as_json(found), indent=2)
    if form == "markdown":
        from graphspec.differences.formats.markdown import write_markdown, write_markdown_since

        return write_markdown(found) if isinstance(found, Difference) else write_markdown_since(found)
    from graphspec.differences.formats.text import plain, write_text, write_text_since

    paint = _paint if coloured else plain
    return write_text(found, paint) if isinstance(found, Difference) else write_text_since(found, paint)


def _write(text: str, output: Path | None) -> None:
    from graphspec.files import cannot_write, write_whole

    if output is None:
        click.echo(text)
        return
    try:
        write_whole(output, f"{text}\n".encode())
    except OSError as error:
        raise cannot_write(output, error) from None
    echo(f"Wrote {output}", err=True)


def _paint(text: str, role: str) -> str:
    return click.style(text, **_STYLES[role])
