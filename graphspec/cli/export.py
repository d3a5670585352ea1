"""`graphspec export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphspec.console.echo import echo
from graphspec.diagnostics.escapes import json_text

if TYPE_CHECKING:
    from graphspec.exporting import Exported


@click.command()
@click.argument("run", metavar="RUN")
@click.option(
    "--to", required=True, type=click.Choice(["saved-model", "onnx", "litert", "keras"]), help="The format to write."
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="The file, or for a SavedModel the folder, to write.  [default: RUN/export/<name>]",
)
@click.option(
    "--checkpoint",
    type=click.Choice(["last", "best"]),
    help="Which model of the run: the last, or that of its best epoch.  [default: last]",
)
@click.option("--force", is_flag=True, help="Replace an earlier export.")
@click.option(
    "--input",
    "-i",
    "inputs",
    metavar="NAME=FILE[#PART]",
    multiple=True,
    help="Compare on these samples, given for each input, instead of the run's own data.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was exported as one JSON object.")
def export(
    run: str,
    to: str,
    checkpoint: str | None,
    output: Path | None,
    force: bool,
    inputs: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write a model for use elsewhere, with the names of the spec, and prove that it gives the same numbers.

    RUN is a run directory, a folder of runs, which stands for the newest in it, or a .keras file. What is written is
    loaded again and compared with the model on samples of the run's data; where it differs, nothing is left.

    \b
    graphspec export runs/wine --to saved-model
    graphspec export runs/wine --to onnx -o wine.onnx
    graphspec export model.keras --to litert -i digit=digits.npy
    """
    from graphspec.cli.models import named, run_of, warn_of_changes
    from graphspec.exporting import export as export_model

    if checkpoint is not None and run.lower().endswith(".keras"):
        raise click.UsageError(f"--checkpoint chooses among the models of a run, and {run} is a file")
    given = named(inputs)
    found = run_of(run)
    if found is not None:
        warn_of_changes(found)
    done = export_model(
        found or run,
        to,
        output,
        checkpoint=checkpoint or "last",
        inputs=given,
        force=force,
        on_stage=lambda stage: echo(stage, err=True),
    )
    if as_json:
        _echo_json(done)
    else:
        _echo(done)


def _echo(done: Exported) -> None:
    echo(f"Wrote {done.path}")
    for verb, tensors in (("takes", done.inputs), ("gives", done.outputs)):
        for name, (shape, dtype) in tensors.items():
            echo(f"    {verb}  {name}  {_shape(shape)} {dtype}")
    if done.batch_size is not None:
        samples = "sample" if done.batch_size == 1 else "samples"
        echo(f"    it takes {done.batch_size} {samples} at a time")
    if done.precision:
        echo(f"    it computes in float32; the model was trained in {done.precision}")
    echo(f"Compared with the model on {done.samples} samples {done.compared_on}:")
    for name, each in done.differences.items():
        echo(f"    {name}  differs by {each.absolute:.1e} at most, {each.relative:.1e} of its greatest value")
    echo(f"    more than {done.tolerance:g} of the greatest value would have been refused")


def _shape(shape: tuple[int | None, ...]) -> str:
    first, *rest = ("null" if size is None else str(size) for size in shape)
    return f"({', '.join(['batch' if first == 'null' else first, *rest])})"


def _echo_json(done: Exported) -> None:
    from dataclasses import asdict

    click.echo(json_text({**asdict(done), "path": str(done.path)}))
