"""`graphspec render`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from graphspec.cli.candidates import spec_files
from graphspec.cli.options import keras_option, set_option
from graphspec.console.echo import echo, echo_bytes


@click.command()
@click.argument("spec", metavar="SPEC", shell_complete=spec_files)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the spec, and the origin of each value by its path.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file; paths in the spec then start in its folder.  [default: standard output]",
)
@click.option("--force", is_flag=True, help="With -o, replace a file that is there.")
@keras_option("spec")
@set_option
def render(spec: str, as_json: bool, output: Path | None, force: bool, overrides: tuple[str, ...]) -> None:
    """Print a spec with everything expanded, and every default filled in.

    `include`, `vars`, expressions, `when`, `each`, `repeat`, blocks and short forms are written out, each argument of
    Keras is stated, and a comment behind each value tells its origin: a line, a variable, `--set`, or a default. The
    result is a spec itself, and builds the same model. SPEC is a file, or `-` for standard input. TensorFlow is not
    needed.

    \b
    graphspec render specs/wine.yaml
    graphspec render specs/wine.yaml --set training.epochs=3
    graphspec render specs/wine.yaml -o full.yaml
    graphspec render specs/wine.yaml --json
    """
    from graphspec.diagnostics.escapes import json_text
    from graphspec.diagnostics.render import render as render_findings
    from graphspec.files import cannot_write, write_whole
    from graphspec.garbage import no_collection
    from graphspec.rendering import render as rendered
    from graphspec.spec import inspect

    if output is not None and output.exists() and not force:
        raise cannot_write(output, "it is there already", "write to another file, or replace it by --force")
    with no_collection():
        found, report = inspect(spec, overrides)
    if len(report):
        click.echo(render_findings(report), err=True)
    if found is None:
        if not report.errors:
            echo(
                f"{spec} declares parts for other specs, and describes no model: render a spec that includes it",
                err=True,
            )
        sys.exit(1)
    written = rendered(found, output.parent if output is not None else None)
    text = f"{json_text(written.as_json(), indent=2)}\n" if as_json else written.text
    if output is None:
        echo_bytes(text.encode())
        return
    try:
        write_whole(output, text.encode())
    except OSError as error:
        raise cannot_write(output, error) from None
    echo(f"Wrote {output}", err=True)
