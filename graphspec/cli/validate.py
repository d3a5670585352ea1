"""`graphspec validate`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from graphspec.cli.deep import ask_keras
from graphspec.cli.options import chosen_rules, set_option
from graphspec.cli.show import Show
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.formats import FORMATS
from graphspec.diagnostics.rules import UNREADABLE_FILE
from graphspec.extras import require
from graphspec.files import reason_of
from graphspec.language.document import STANDARD_INPUT
from graphspec.language.document.limits import MAX_BYTES
from graphspec.language.document.overlay import key
from graphspec.validation.run import Request, run
from graphspec.validation.settings import Finder


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@set_option
@click.option("--data", "values", is_flag=True, help="Read data files whole, not their headers alone; needs NumPy.")
@click.option("--deep", is_flag=True, help="Let Keras itself build what is sound, without weights; needs TensorFlow.")
@click.option("--select", callback=chosen_rules, multiple=True, metavar="RULES", help="Show these rules alone.")
@click.option(
    "--ignore",
    callback=chosen_rules,
    multiple=True,
    metavar="RULES",
    help="Leave these rules out. RULES are codes (GS305), beginnings of codes (GS3) or names (unused), with commas.",
)
@click.option("--fix", is_flag=True, help="Mend what leaves no doubt of what is meant.")
@click.option(
    "--unsafe-fixes", is_flag=True, help="With --fix or --diff: mend what is misspelled, too, as it seems meant."
)
@click.option("--diff", is_flag=True, help="Write nothing; show what --fix would change.")
@click.option(
    "--format", type=click.Choice(list(FORMATS)), help="[default: full; in GitHub Actions, github after full]"
)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write the format to FILE, beside what is shown.",
)
@click.option("--watch", is_flag=True, help="Stay, and look again whenever a file changes.")
@click.option(
    "--stdin-filename", metavar="PATH", help="What `-` is called; settings and other files are found from there."
)
@click.option(
    "--jobs", "-j", type=click.IntRange(min=1), help="Processes to use.  [default: as many as there are cores]"
)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found.")
@click.option("--color/--no-color", default=None, help="[default: on a terminal, unless NO_COLOR is set]")
def validate(
    paths: tuple[str, ...],
    overrides: tuple[str, ...],
    values: bool,
    deep: bool,
    select: list[str] | None,
    ignore: list[str] | None,
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    format: str | None,
    output: str | None,
    watch: bool,
    stdin_filename: str | None,
    jobs: int | None,
    exit_zero: bool,
    color: bool | None,
) -> None:
    """Check spec files, or every spec below a folder, without TensorFlow.

    Shows every finding with its place, the line, what was expected and how to mend it.
    `-` reads a spec from standard input.

    A comment `# graphspec: ignore[GS305]` hides findings of its line, or of the next where it stands alone.
    `[tool.graphspec]` in a pyproject.toml sets select, ignore, exclude, per-file-ignores and format.

    \b
    graphspec validate specs/
    graphspec validate specs/ --fix
    graphspec validate spec.yaml --set training.epochs=3 --watch
    graphspec validate specs/ --format sarif -o findings.sarif
    cat spec.yaml | graphspec validate - --stdin-filename specs/spec.yaml
    """
    if watch and STANDARD_INPUT in paths:
        raise click.UsageError("standard input does not change: watch files")
    if stdin_filename is not None and STANDARD_INPUT not in paths:
        raise click.UsageError("--stdin-filename names standard input, which is read for the path `-`")
    if unsafe_fixes and not (fix or diff):
        raise click.UsageError("--unsafe-fixes says what --fix and --diff may do")
    if watch and diff:
        raise click.UsageError("--diff shows what would change once: leave out --watch")
    if values:
        require("numpy", "NumPy", "--data reads arrays", "graphspec[tensorflow]")
    held: dict[str, bytes] = {}
    if STANDARD_INPUT in paths:
        name = stdin_filename or STANDARD_INPUT
        held[key(name)] = _read_standard_input()
        paths = tuple(name if path == STANDARD_INPUT else path for path in paths)
    keras = ask_keras() if deep else None
    request = Request(paths, overrides, select, ignore, values, keras, jobs, fix or diff, unsafe_fixes, held)
    show = Show(request, format, output, color, diff)
    if watch:
        from graphspec.cli.watch import watch as keep_watching

        status = keep_watching(request, show)
    else:
        settings = Finder()
        result = run(request, settings)
        status = show(result, settings.of_folder(Path.cwd()).format)
    sys.exit(0 if exit_zero else status)


def _read_standard_input() -> bytes:
    try:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    except OSError as error:
        reason = reason_of(error)
        message = f"cannot read standard input: {reason}"
        raise SpecError.of(UNREADABLE_FILE, message, help="pipe a spec into it") from None
