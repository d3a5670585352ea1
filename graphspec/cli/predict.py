"""`graphspec predict`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphspec.cli.models import data_options, model_options
from graphspec.console.echo import echo
from graphspec.diagnostics.suggest import one_of

if TYPE_CHECKING:
    from graphspec.predicting.batch import Array, Batch
    from graphspec.predicting.labels import Labels

MAX_SHOWN = 10
"""The number of predictions that are shown without --output."""


@click.command()
@model_options
@data_options
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Predict only the first N samples.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Write the predictions to this file: .csv, .jsonl, .parquet, .npz or .npy.",
)
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
@click.option(
    "--raw-text", is_flag=True, help="Do not escape text in a .csv file that a spreadsheet would run as a formula."
)
def predict(
    run: str,
    checkpoint: str | None,
    spec: str | None,
    split: str | None,
    inputs: tuple[str, ...],
    rows: str | None,
    batch_size: int | None,
    limit: int | None,
    output: Path | None,
    force: bool,
    raw_text: bool,
) -> None:
    """Predict with a model: from files by input name, from the rows of a table, or from a split of its data.

    RUN is a run directory, a folder of runs (its newest run is used), or a model file such as model.keras. Without -o
    the first predictions are shown. A table has a column `sample`, the index of the row that was predicted from, and
    the columns of each output: one number, several numbers by index, or the likeliest word and the numbers of all.
    Several workers that TF_CONFIG names share the rows, and the first writes all of them, in their order.

    \b
    graphspec predict runs/same_digit --split test --limit 5
    graphspec predict runs/characters --rows new.csv -o new.parquet
    graphspec predict runs/wine -i chemistry=new.csv#alcohol,malic_acid,ash -i appearance=new.csv#color,hue -o out.npz
    graphspec predict model.keras -i x=x.npy -o out.csv --batch-size 1024
    """
    from graphspec.cli.models import find_model, join_workers, named, predictor_of
    from graphspec.predicting.files import check_not_input, check_output, write_predictions
    from graphspec.predicting.input_files import Files

    if bool(inputs or rows) == (split is not None):
        raise click.UsageError("name the inputs either by --input NAME=FILE and --rows TABLE, or by --split NAME")
    if raw_text and (output is None or output.suffix.lower() != ".csv"):
        raise click.UsageError("--raw-text needs an --output that ends in .csv: other formats hold text unchanged")
    if output is not None:
        check_output(output, replace=force)
    data = split or Files(named(inputs), rows=rows)
    model = find_model(run, checkpoint)
    workers = join_workers()
    predictor = predictor_of(model, checkpoint, spec)
    if output is not None:
        check_not_input(output, predictor.sources(data))

    import numpy as np
    from rich.console import Console

    from graphspec.console.predicting import counting
    from graphspec.console.reading import showing
    from graphspec.predicting.batch import monitor

    console = Console(stderr=True)
    with showing(console) as progress:
        samples = predictor.samples(data, targets=False, rows=slice(limit), progress=progress)
    total = samples.count
    if output is None:
        samples = samples.part(np.arange(total)[: limit or MAX_SHOWN])
    predictor.load()
    from graphspec.predicting.shared_predictions import predict_together

    not_finite: Counter[str] = Counter()
    with counting(console, "predicting", samples.count) as advance:
        pieces = (
            predictor.pieces(samples, batch_size)
            if workers is None
            else predict_together(predictor, samples, batch_size, workers)
        )
        batches = monitor(pieces, advance, not_finite)
        if workers is not None and not workers.is_chief:
            for _ in batches:
                pass
            return
        if output is None:
            _show(batches, predictor.labels)
        else:
            write_predictions(output, batches, samples.count, dict(predictor.labels), raw_text=raw_text)
    for name, count in not_finite.items():
        if count:
            echo(f"warning: {count:,} predictions of `{name}` are NaN or infinite", err=True)
    if output is not None:
        echo(f"Wrote {total:,} predictions of {one_of(predictor.graph.outputs)} to {output}")
    elif total > samples.count:
        echo(f"{total - samples.count:,} more; -o FILE.csv writes all")


def _show(batches: Iterator[Batch], labels: Mapping[str, Labels]) -> None:
    from rich.console import Console
    from rich.table import Table

    from graphspec.console.cells import cell, column

    first = next(batches)
    table = Table("sample", *map(column, first.predicted))
    for batch in chain([first], batches):
        cells = [_cells(values, labels.get(name)) for name, values in batch.predicted.items()]
        for at, *row in zip(batch.at, *cells, strict=True):
            table.add_row(str(at), *map(cell, row))
    Console().print(table)


def _cells(values: Array, labels: Labels | None) -> Iterator[str]:
    """Yield the predictions of one output: the likeliest label with its number, or numbers without labels."""
    import numpy as np

    words = labels.of(values) if labels is not None and labels.fit(values.shape[1:]) else None
    for index, each in enumerate(values):
        if words is None:
            yield np.array2string(np.squeeze(each), precision=4, threshold=8, formatter={"object": _text})
        else:
            yield f"{words[index]}  {each.max():.4g}" if each.ndim < 2 else " ".join(map(str, words[index]))


def _text(value: object) -> str:
    return repr(value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value)
