"""The file that predictions are written to: checks of its path, and atomic writing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import UNKNOWN_FORMAT
from graphspec.diagnostics.suggest import one_of
from graphspec.extras import require
from graphspec.files import cannot_write, is_folder
from graphspec.run_directory import check_destination, write
from graphspec.sources import DataError, Split, files_of

if TYPE_CHECKING:
    from graphspec.predicting.batch import Batch
    from graphspec.predicting.labels import Labels

    Writer = Callable[..., None]

FORMATS = {
    ".csv": ("tables", "write_csv"),
    ".jsonl": ("tables", "write_jsonl"),
    ".parquet": ("tables", "write_parquet"),
    ".npz": ("arrays", "write_npz"),
    ".npy": ("arrays", "write_npy"),
}
"""The writer of each file extension: a module of this package, and its function."""


def check_output(path: Path, *, replace: bool) -> None:
    """Raise SpecError unless predictions can be written to `path`; an existing file only if `replace`."""
    if path.suffix.lower() not in FORMATS:
        raise SpecError.of(
            UNKNOWN_FORMAT,
            f"predictions cannot be written to {path.name}: unknown file extension",
            help=f"use one of the extensions {one_of(FORMATS)}",
        )
    if path.suffix.lower() == ".parquet":
        require("pyarrow", "pyarrow", "Parquet files need it")
    if is_folder(path):
        raise cannot_write(path, "it is a folder", "name a file in it")
    check_destination(path)
    if os.path.lexists(path) and not replace:
        raise cannot_write(path, "it already exists", "choose another name, or pass --force to replace it")


def check_not_input(path: Path, split: Split) -> None:
    """Raise SpecError if `path` is a file that `split` reads, under whatever name."""
    if not path.exists():
        return
    for _, source in split.sources():
        try:
            files = files_of(source)
        except DataError:
            continue  # reported when the source is read
        if any(each.exists() and each.samefile(path) for each in files):
            raise cannot_write(path, f"it is an input of the predictions, as {source.text}", "choose another name")


def write_predictions(
    path: Path, batches: Iterator[Batch], count: int, labels: dict[str, Labels], *, raw_text: bool = False
) -> None:
    """Write predictions to `path` atomically, in the format of its extension.

    Args:
        path: The file to write.
        batches: Predictions, in order.
        count: Number of samples in all batches.
        labels: Words of the outputs that have a vocabulary, by output.
        raw_text: Do not escape text in a .csv file that a spreadsheet would run as a formula.

    Raises:
        SpecError: The file cannot be written, or its format cannot hold the predictions.
    """
    module, name = FORMATS[path.suffix.lower()]
    writer: Writer = getattr(import_module(f"graphspec.predicting.{module}"), name)
    if raw_text and path.suffix.lower() == ".csv":
        writer = partial(writer, raw_text=True)
    write(path, lambda part: writer(part, batches, count, labels), parents=True)
