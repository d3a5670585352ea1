"""`graphspec decompile`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from graphspec.console.echo import echo, echo_bytes


@click.command()
@click.argument("model", metavar="MODEL", type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the spec to this file, as JSON if it ends in `.json`.  [default: standard output]",
)
@click.option("--weights", is_flag=True, help="Write the weights beside the spec, and name them in it.")
@click.option(
    "--plugin",
    "plugins",
    metavar="MODULE",
    multiple=True,
    help="A module that registers custom layers of the model; it is named in the spec, and not imported.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def decompile(model: Path, output: Path | None, weights: bool, plugins: tuple[str, ...], force: bool) -> None:
    """Write the spec of a Keras model: a `.keras` or `.h5` file, or the JSON of its configuration.

    Chains of layers become nodes, what repeats becomes blocks, and defaults are left out; names are kept, so that
    weights fit. The vocabularies of preprocessing layers are written to files beside the spec. Nothing of the model is
    executed, and TensorFlow is not needed. `graphspec.decompile(model)` does the same with a model in memory.

    \b
    graphspec decompile model.keras
    graphspec decompile old_model.h5 -o spec.yaml  models of Keras 1 and 2 as well
    graphspec decompile model.keras -o spec.yaml --weights
    graphspec decompile config.json -o spec.yaml --plugin my_layers
    """
    from graphspec.diagnostics.render import render
    from graphspec.from_keras import DecompileOptions, decompile_file, read_model_file

    if weights and output is None:
        raise click.UsageError("--weights writes a file beside the spec: name the spec by -o")
    file = read_model_file(model)
    found = decompile_file(file, DecompileOptions(path=output, weights=weights, plugins=plugins, force=force))
    if len(found.warnings):
        click.echo(render(found.warnings), err=True)
    if output is None:
        echo_bytes(found.text.encode())
        return
    lines, before = found.text.count("\n"), json.dumps(file.config, indent=2).count("\n") + 1
    echo(f"Wrote {output}: {lines:,} lines, where the configuration of Keras has {before:,}", err=True)
    for name in [*found.files, *([f"{output.stem}.weights.h5"] if weights else [])]:
        echo(f"Wrote {output.parent / name}", err=True)
