"""`graphspec validate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphspec.cli.candidates import rule_lists, spec_files
from graphspec.cli.options import keras_choice, rule_selectors, set_option
from graphspec.console.echo import echo
from graphspec.diagnostics import Diagnostic, SpecError
from graphspec.diagnostics.escapes import escaped
from graphspec.diagnostics.formats import FORMATS
from graphspec.diagnostics.rules import UNREADABLE_FILE
from graphspec.extras import require, require_tensorflow
from graphspec.files import reason_of
from graphspec.language.document import STANDARD_INPUT
from graphspec.language.document.limits import MAX_BYTES
from graphspec.language.document.overlay import key

if TYPE_CHECKING:
    from graphspec.spec import Spec
    from graphspec.validation.check import Deep

_ERASE_LINE = "\r\x1b[K"


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", shell_complete=spec_files)
@set_option
@keras_choice
@click.option("--data", "values", is_flag=True, help="Read whole data files, not only their headers; needs NumPy.")
@click.option(
    "--deep", is_flag=True, help="Let Keras build and compile valid specs, without weights; needs TensorFlow."
)
@click.option(
    "--select",
    callback=rule_selectors,
    multiple=True,
    metavar="RULES",
    shell_complete=rule_lists,
    help="Show only these rules.",
)
@click.option(
    "--ignore",
    callback=rule_selectors,
    multiple=True,
    metavar="RULES",
    shell_complete=rule_lists,
    help="Hide these rules. RULES are codes (GS305), beginnings of codes (GS3) or names (unused), separated by commas.",
)
@click.option("--fix", is_flag=True, help="Fix mistakes whose correction is certain.")
@click.option(
    "--unsafe-fixes",
    is_flag=True,
    help="With --fix or --diff: also make fixes that are probable, such as of misspelled names.",
)
@click.option("--diff", is_flag=True, help="Write nothing; show the changes of --fix.")
@click.option(
    "--format",
    type=click.Choice(list(FORMATS)),
    help="The format of the report.  [default: full; in GitHub Actions, github after full]",
)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write the report to FILE in this format, and show it in full as well.",
)
@click.option("--watch", is_flag=True, help="Validate again whenever a file changes, until Ctrl-C.")
@click.option(
    "--stdin-filename",
    metavar="PATH",
    help="The path of standard input (`-`), from which settings and other files are found.",
)
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="The number of processes.  [default: one per core]")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even if there are findings.")
@click.option("--color/--no-color", default=None, help="Use colours.  [default: on a terminal, unless NO_COLOR is set]")
def validate(
    paths: tuple[str, ...],
    overrides: tuple[str, ...],
    keras: str | None,
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

    Each finding is shown with its place, the line, what was expected and how to fix it.
    `-` reads a spec from standard input.

    A comment `# graphspec: ignore[GS305]` hides findings on its line, or on the next line if it stands alone.
    `[tool.graphspec]` in a pyproject.toml sets select, ignore, exclude, per-file-ignores, format and keras.

    \b
    graphspec validate specs/
    graphspec validate specs/ --fix
    graphspec validate specs/ --keras 3.12
    graphspec validate spec.yaml --set training.epochs=3 --watch
    graphspec validate specs/ --format sarif -o findings.sarif
    cat spec.yaml | graphspec validate - --stdin-filename specs/spec.yaml
    """
    from graphspec.catalog.versions import unknown_installation
    from graphspec.cli._validate_output import ReportWriter
    from graphspec.validation.run import Request, run
    from graphspec.validation.settings import Finder

    if watch and STANDARD_INPUT in paths:
        raise click.UsageError("--watch needs files: standard input does not change")
    if stdin_filename is not None and STANDARD_INPUT not in paths:
        raise click.UsageError("--stdin-filename needs the path `-`, which reads standard input")
    if unsafe_fixes and not (fix or diff):
        raise click.UsageError("--unsafe-fixes needs --fix or --diff")
    if watch and diff:
        raise click.UsageError("--diff and --watch exclude each other")
    if values:
        require("numpy", "NumPy", "--data reads arrays", extra="tensorflow")
    held: dict[str, bytes] = {}
    if STANDARD_INPUT in paths:
        name = stdin_filename or STANDARD_INPUT
        held[key(name)] = _read_standard_input()
        paths = tuple(name if path == STANDARD_INPUT else path for path in paths)
    request = Request(
        paths=paths,
        overrides=overrides,
        select=select,
        ignore=ignore,
        values=values,
        deep=_deep_check() if deep else None,
        keras=keras,
        jobs=jobs,
        fix=fix or diff,
        unsafe_fixes=unsafe_fixes,
        held=held,
    )
    if keras is None and (unknown := unknown_installation()):
        echo(f"{unknown}.", err=True)
    write_output = ReportWriter(request, format, output, color, diff)
    if watch:
        from graphspec.cli._validate_watch import watch as keep_watching

        status = keep_watching(request, write_output)
    else:
        settings = Finder()
        result = run(request, settings)
        status = write_output(result, settings.of_folder(Path.cwd()).format)
    sys.exit(0 if exit_zero else status)


def _deep_check() -> Deep:
    """Return the check by Keras, which shows its progress on a terminal. Raises SpecError without TensorFlow."""
    require_tensorflow()
    from graphspec.training.dry_run import DryRun

    check, count = DryRun(), 0

    def check_with_progress(spec: Spec) -> list[Diagnostic]:
        nonlocal count
        count += 1
        sys.stderr.write(f"{_ERASE_LINE}{count}: Keras builds {escaped(spec.path)}")
        sys.stderr.flush()
        try:
            return check(spec)
        finally:
            sys.stderr.write(_ERASE_LINE)

    return check_with_progress if sys.stderr.isatty() else check


def _read_standard_input() -> bytes:
    try:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    except OSError as error:
        reason = reason_of(error)
        message = f"cannot read standard input: {reason}"
        raise SpecError.of(UNREADABLE_FILE, message, help="pipe a spec into it") from None
