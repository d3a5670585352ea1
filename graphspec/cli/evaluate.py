"""`graphspec evaluate`."""

from __future__ import annotations

from pathlib import Path

import click

from graphspec.cli.models import data_options, model_options


@click.command()
@model_options
@data_options
@click.option(
    "--target",
    "-t",
    "targets",
    metavar="NAME=FILE[#PART]",
    multiple=True,
    help="The targets of one output; can be repeated.",
)
@click.option(
    "--weight",
    "-w",
    "weights",
    metavar="NAME=FILE[#PART]",
    multiple=True,
    help="The sample weights of one output; can be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as one JSON object.")
def evaluate(
    run: str,
    checkpoint: str | None,
    spec: str | None,
    split: str | None,
    inputs: tuple[str, ...],
    rows: str | None,
    batch_size: int | None,
    targets: tuple[str, ...],
    weights: tuple[str, ...],
    as_json: bool,
) -> None:
    """Evaluate a model on one split of its data, or on files with targets.

    RUN is a run directory, a folder of runs (its newest run is used), or a model file such as model.keras. Without
    --split and files, the test split is used, or the validation split if there is none. The JSON object holds the
    metrics by their Keras names, share/OUTPUT (the share of each output in the loss), data/samples and time/seconds.
    Several workers that TF_CONFIG names share the samples, and the first prints the metrics of all.

    \b
    graphspec evaluate runs/same_digit
    graphspec evaluate runs/wine --split validation --json
    graphspec evaluate runs/characters --checkpoint best --rows new.csv
    graphspec evaluate model.keras -i x=x.npy -t y=y.npy
    graphspec evaluate model.keras --spec specs/wine.yaml --split train
    """
    from graphspec.cli.models import find_model, join_workers, named, predictor_of, warn_of_lost_record
    from graphspec.console.echo import echo
    from graphspec.diagnostics import SpecError
    from graphspec.diagnostics.escapes import json_text
    from graphspec.predicting.input_files import Files
    from graphspec.run_directory.lock import unrecorded_warning

    files = Files(named(inputs), named(targets), named(weights), rows)
    has_files = bool(inputs or targets or weights or rows)
    if has_files and split is not None:
        raise click.UsageError("--split excludes the options for files: --input, --target, --weight and --rows")
    model = find_model(run, checkpoint)
    workers = join_workers()
    predictor = predictor_of(model, checkpoint, spec)
    if split is None:
        data = predictor.spec.data if predictor.spec is not None else None
        split = "test" if data is None or data.test is not None else "validation"
    if not isinstance(model, Path) and spec is None and not has_files:
        try:
            for name in model.changed_data(split):
                echo(f"warning: {name} has changed since the run was trained", err=True)
            for name in model.unknown_data(split) if split != "test" else ():  # the training did not read that one
                echo(f"warning: {unrecorded_warning(name)}", err=True)
        except SpecError as error:
            warn_of_lost_record(error)

    from rich.console import Console

    from graphspec.console.metrics import echo_metrics
    from graphspec.console.predicting import counting
    from graphspec.console.reading import showing

    console = Console(stderr=True)
    with showing(console) as progress:
        samples = predictor.samples(files if has_files else split, targets=True, progress=progress)
    predictor.load()
    with counting(console, "evaluating", samples.count) as advance:
        count = workers.workers if workers is not None else 1
        evaluation = predictor.evaluate(samples, batch_size, lambda more: advance(more * count), workers)
    if workers is not None and not workers.is_chief:
        return
    if as_json:
        shares = {f"share/{name}": share for name, share in evaluation.shares.items()}
        whole = {"data/samples": evaluation.samples, "time/seconds": round(evaluation.seconds, 3)}
        click.echo(json_text({**evaluation.metrics, **shares, **whole}))
        return
    shares = {f"{name}_share": share for name, share in evaluation.shares.items()}
    title = f"{predictor.name} on {'the given files' if has_files else split}"
    echo_metrics({**evaluation.metrics, **shares}, list(predictor.graph.outputs), title)
    echo(f"{evaluation.samples:,} samples in {evaluation.seconds:.1f} s")
