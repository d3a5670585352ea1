"""`graphspec fmt`."""

from __future__ import annotations

import sys

import click

from graphspec.cli.candidates import spec_files
from graphspec.console.diff import unified_diff
from graphspec.console.echo import echo, echo_bytes
from graphspec.diagnostics import Report, SpecError
from graphspec.diagnostics.render import render
from graphspec.diagnostics.rules import INTERNAL, UNREADABLE_FILE
from graphspec.files import reason_of, rewrite
from graphspec.garbage import no_collection
from graphspec.language.document import STANDARD_INPUT, read_source
from graphspec.language.document.overlay import read_bytes
from graphspec.validation.spec_files import find_specs


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", shell_complete=spec_files)
@click.option(
    "--check", is_flag=True, help="Write nothing; list the files that would change, and exit with 1 if there are any."
)
@click.option("--diff", is_flag=True, help="Write nothing; show the changes, and exit with 1 if there are any.")
def fmt(paths: tuple[str, ...], check: bool, diff: bool) -> None:
    """Format spec files, or every spec below a folder, in canonical order and style.

    The meaning and the comments are kept, and formatting twice changes nothing more. A file that cannot be read as one
    valid document is reported and left unchanged. `-` formats standard input to standard output. Files that match
    `[tool.graphspec] exclude` are skipped, as in `validate`.

    \b
    graphspec fmt specs/
    graphspec fmt specs/ --check             for CI: exit with 1 if a file is not formatted
    graphspec fmt spec.yaml --diff
    graphspec fmt - < spec.yaml
    """
    from graphspec.editor.formatting import format_source
    from graphspec.validation.settings import Finder

    settings, report, changed, count = Finder(), Report(), 0, 0
    for path in find_specs(paths, report, lambda path: settings.of(path).excludes(path)):
        try:
            source = read_source(path)
            with no_collection():  # a document has no cycles
                formatted = format_source(source)
            is_stdin = path == STANDARD_INPUT
            differs = formatted != source.text or not (is_stdin or formatted.encode() == read_bytes(path))
            count, changed = count + 1, changed + differs
            if diff and differs:
                click.echo(unified_diff(source.name, source.text, formatted, "formatted"), nl=False)
            if check and differs:
                echo(f"would be formatted: {source.name}", err=diff)
            if not (check or diff) and is_stdin:
                echo_bytes(formatted.encode())
            elif not (check or diff) and differs:
                rewrite(path, formatted.encode())
        except SpecError as error:
            report.extend(error.report.found)
        except OSError as error:  # changed or removed after it was read
            report.add(UNREADABLE_FILE, f"cannot read {path} again: {reason_of(error)}", help="run it again")
    done = "would be formatted" if check or diff else "formatted"
    parts = [f"{_files(changed)} {done}" if changed else "", f"{_files(count - changed)} unchanged"]
    if count:
        click.echo(", ".join(filter(None, parts)), err=True)
    if len(report):
        click.echo(render(report), err=True)
    if any(finding.rule is INTERNAL for finding in report):
        sys.exit(3)
    if report.errors or ((check or diff) and changed):
        sys.exit(1)


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"
