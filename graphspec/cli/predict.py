"""`graphspec predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphspec.diagnostics import Source as Written
from graphspec.diagnostics import Span, SpecError
from graphspec.rules import DATA_NAMES, UNKNOWN_FORMAT
from graphspec.sources import Source, endings, format_of
from graphspec.suggest import one_of

if TYPE_CHECKING:
    import numpy as np


@click.command()
@click.argument("run", metavar="RUN")
@click.option(
    "--input",
    "-i",
    "inputs",
    metavar="NAME=FILE[#PART]",
    multiple=True,
    help="The file of one input; PART is the array of an .npz, or the columns of a table, separated by commas.",
)
@click.option(
    "--rows",
    metavar="TABLE",
    help="A table with the columns that the training took inputs from, for all of these inputs that -i does not give.",
)
@click.option(
    "--split", type=click.Choice(["train", "validation", "test"]), help="Predict a split of the run's own data."
)
@click.option("--limit", type=click.IntRange(min=1), help="Predict only the first samples.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write every output to this .npz file."
)
def predict(
    run: str, inputs: tuple[str, ...], rows: str | None, split: str | None, limit: int | None, output: Path | None
) -> None:
    """Predict with a run's model, from files by input name, from raw rows, or from a split of the run's data.

    Without -o the first predictions are shown.

    \b
    graphspec predict runs/same_digit --split test --limit 5
    graphspec predict runs/characters --rows new.csv
    graphspec predict runs/wine -i chemistry=new.csv#alcohol,malic_acid,ash -i appearance=new.csv#color,hue -o out.npz
    """
    if bool(inputs or rows) == (split is not None):
        raise click.UsageError("give the inputs, either as --input NAME=FILE and --rows TABLE, or as --split NAME")
    if output is not None and output.suffix != ".npz":
        raise click.UsageError(f"predictions are written to an .npz file, not to {output.name}")
    from graphspec.run import Run

    found = Run.at(run)
    sources = {} if split is not None else dict(_source(each) for each in inputs)
    if len(sources) < len(inputs):
        raise click.UsageError("an input is given twice")
    if rows is not None:
        sources = found.rows(rows) | sources
    predicted = found.predict(split or sources, rows=slice(limit) if limit is not None else None)
    count = len(next(iter(predicted.values())))
    if output is None:
        _show(predicted, found.labels, limit or 10)
        return
    _write(output, predicted)
    click.echo(f"Wrote {count:,} predictions of {one_of(predicted)} to {output}")


def _source(written: str) -> tuple[str, Source]:
    """`name=file#part` as a source by its input's name."""
    name, equals, rest = written.partition("=")
    file, _, part = rest.partition("#")
    if not (name and equals and file):
        raise click.UsageError(f"`{written}` is not of the form NAME=FILE or NAME=FILE#PART")
    span = Span(Written("--input", written), 1, 1, 1, 1 + len(written))
    path = Path(file)
    format = format_of(path.suffix.lower())
    if format is None:
        raise SpecError.of(
            UNKNOWN_FORMAT, f"`{file}` is of no known format", span, expected=f"a file in {one_of(endings())}"
        )
    if not part:
        return name, Source(path, file, span)
    if not format.keys:
        raise SpecError.of(
            DATA_NAMES, f"`{file}` holds one array, so it has no part `{part}`", span, expected="the file alone"
        )
    if "columns" not in format.keys:
        key, feature = (part, None) if "key" in format.keys else (None, part)
        return name, Source(path, file, span, key=key, feature=feature)
    columns = tuple(part.split(","))
    if len(columns) == 1:
        return name, Source(path, file, span, column=part)
    return name, Source(path, file, span, columns=columns)


def _show(predicted: dict[str, np.ndarray[Any, Any]], labels: dict[str, tuple[str | int, ...]], limit: int) -> None:
    import numpy as np
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    count = len(next(iter(predicted.values())))
    table = Table("sample", *predicted)
    for index in range(min(limit, count)):
        cells = [_cell(np.squeeze(values[index]), labels.get(name, ())) for name, values in predicted.items()]
        table.add_row(str(index), *map(Text, cells))
    Console().print(table)
    if count > limit:
        click.echo(f"{count - limit:,} more; -o FILE.npz writes all")


def _cell(values: np.ndarray[Any, Any], words: tuple[str | int, ...]) -> str:
    """One prediction: the likeliest word with its number, where there is a number for each of `words`."""
    import numpy as np

    if len(words) > 1 and values.shape == (len(words),):
        return f"{words[int(values.argmax())]}  {values.max():.4g}"
    return np.array2string(values, precision=4, threshold=8)


def _write(path: Path, predicted: dict[str, np.ndarray[Any, Any]]) -> None:
    import numpy as np

    from graphspec.run_directory import write

    def save(part: Path) -> None:
        with open(part, "wb") as file:
            np.savez(file, allow_pickle=False, **predicted)

    write(path, save)
