"""`graphspec export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphspec.cli.candidates import specs_and_runs
from graphspec.console.echo import echo
from graphspec.diagnostics.escapes import json_text
from graphspec.diagnostics.shape_text import shape_text

if TYPE_CHECKING:
    from graphspec.exporting import Exported


@click.command()
@click.argument("run", metavar="RUN|SPEC", shell_complete=specs_and_runs)
@click.option(
    "--to",
    required=True,
    type=click.Choice(["saved-model", "onnx", "litert", "keras", "python"]),
    help="The export format.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Write to this file, or this folder for a SavedModel; `-` is standard output for the Python of a spec.  "
    "[default: RUN/export/<name>, or <spec>.py beside SPEC]",
)
@click.option(
    "--checkpoint",
    type=click.Choice(["last", "best"]),
    help="The model after the last epoch, or after the best.  [default: last]",
)
@click.option("--force", is_flag=True, help="Replace an earlier export.")
@click.option(
    "--input",
    "-i",
    "inputs",
    metavar="NAME=FILE[#PART]",
    multiple=True,
    help="Compare on the samples in FILE instead of the run's data; repeat it for each input.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object that describes the export.")
def export(
    run: str,
    to: str,
    checkpoint: str | None,
    output: Path | None,
    force: bool,
    inputs: tuple[str, ...],
    as_json: bool,
) -> None:
    """Export a model with the tensor names of the spec, and verify that it gives the same numbers.

    RUN is a run directory, a folder of runs (its newest run is used), or a .keras file. The exported model is loaded
    again and compared with the original on samples of the run's data; if it differs, the export is removed.

    `--to python` writes a module of plain Keras code, without graphspec, that builds and trains the model: of a SPEC,
    or of a RUN with its weights beside it. It needs no TensorFlow, and runs no code.

    \b
    graphspec export runs/wine --to saved-model
    graphspec export runs/wine --to onnx -o wine.onnx
    graphspec export model.keras --to litert -i digit=digits.npy
    graphspec export wine.yaml --to python -o wine.py
    graphspec export runs/wine --to python
    """
    if to == "python":
        _export_python(run, checkpoint, output, force=force, has_inputs=bool(inputs), as_json=as_json)
        return
    from graphspec.cli.models import find_model, named
    from graphspec.exporting import export as export_model

    samples = named(inputs)
    exported = export_model(
        find_model(run, checkpoint),
        to,
        output,
        checkpoint=checkpoint or "last",
        inputs=samples,
        force=force,
        on_stage=lambda stage: echo(stage, err=True),
    )
    if as_json:
        _echo_json(exported)
    else:
        _echo(exported)


def _export_python(
    source: str, checkpoint: str | None, output: Path | None, *, force: bool, has_inputs: bool, as_json: bool
) -> None:
    """Write the module of a spec, or of a run with its weights."""
    from graphspec.exporting.python import export_run, export_spec
    from graphspec.files import is_folder
    from graphspec.spec import load
    from graphspec.to_python import python_source

    if has_inputs:
        raise click.UsageError("--input does not apply to --to python, which compares nothing")
    if source.lower().endswith(".keras"):
        raise click.UsageError("--to python takes a spec or a run, not a model file")
    if is_folder(Path(source)):
        from graphspec.cli.models import warn_of_changes
        from graphspec.runs.run import Run

        if output == Path("-"):
            raise click.UsageError("a run is exported with its weights beside it: name a file with --output")
        found = Run.at(source)
        warn_of_changes(found)
        files = export_run(found, output, checkpoint=checkpoint or "last", force=force).files
    else:
        if checkpoint is not None:
            raise click.UsageError(f"--checkpoint selects a model of a run, but {source} is a spec")
        spec = load(source)
        if output == Path("-") or (output is None and source == "-"):
            click.echo(python_source(spec, Path.cwd() if source == "-" else spec.path.parent), nl=False)
            return
        files = export_spec(spec, output, force=force).files
    if as_json:
        click.echo(json_text({"to": "python", "files": [str(each) for each in files]}))
    else:
        for each in files:
            echo(f"Wrote {each}")


def _echo(exported: Exported) -> None:
    echo(f"Wrote {exported.path}")
    for verb, tensors in (("takes", exported.inputs), ("gives", exported.outputs)):
        for name, (shape, dtype) in tensors.items():
            echo(f"    {verb}  {name}  {shape_text(shape)} {dtype}")
    if exported.batch_size is not None:
        samples = "sample" if exported.batch_size == 1 else "samples"
        echo(f"    it takes batches of {exported.batch_size} {samples}")
    if exported.precision:
        echo(f"    it computes in float32; the model was trained in {exported.precision}")
    echo(f"Compared with the model on {exported.samples} samples {exported.compared_on}:")
    for name, each in exported.differences.items():
        echo(f"    {name}  maximum difference {each.absolute:.1e}, {each.relative:.1e} of the largest value")
    echo(f"    tolerance: {exported.tolerance:g} of the largest value")


def _echo_json(exported: Exported) -> None:
    from dataclasses import asdict

    click.echo(json_text({**asdict(exported), "path": str(exported.path)}))
