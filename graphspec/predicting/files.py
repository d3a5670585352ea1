"""The file that predictions are written to: what can be written, whether it may be, and writing it whole or not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import CANNOT_WRITE, UNKNOWN_FORMAT
from graphspec.diagnostics.suggest import one_of
from graphspec.extras import require
from graphspec.files import is_folder
from graphspec.run_directory import check_destination, write
from graphspec.sources import DataError, Split, files_of

if TYPE_CHECKING:
    from graphspec.predicting.batch import Batch
    from graphspec.predicting.labels import Labels

    Writing = Callable[..., None]

FORMATS = {
    ".csv": ("tables", "write_csv"),
    ".jsonl": ("tables", "write_jsonl"),
    ".parquet": ("tables", "write_parquet"),
    ".npz": ("arrays", "write_npz"),
    ".npy": ("arrays", "write_npy"),
}
"""What writes each ending: a module of this package, and its function."""


def check_output(path: Path, *, replace: bool) -> None:
    """Raise SpecError unless predictions can be written to `path`, before there are any.

    replace: a file that is there may be replaced.
    """
    if path.suffix.lower() not in FORMATS:
        raise SpecError.of(
            UNKNOWN_FORMAT,
            f"predictions are not written to {path.name}",
            help=f"give it one of the endings {one_of(FORMATS)}",
        )
    if path.suffix.lower() == ".parquet":
        require("pyarrow", "pyarrow", "Parquet files need it", "graphspec[tables]")
    if is_folder(path):
        raise _refused(path, "it is a folder", "name a file in it")
    check_destination(path)
    if os.path.lexists(path) and not replace:
        raise _refused(path, "it is there already", "give another name, or --force to replace it")


def check_apart(path: Path, split: Split) -> None:
    """Raise SpecError where `path` is a file that the predictions are made of, whatever it is called there."""
    if not path.exists():
        return
    for _, source in split.sources():
        try:
            read = files_of(source)
        except DataError:
            continue  # it is found where the source is read
        if any(each.exists() and each.samefile(path) for each in read):
            raise _refused(path, f"the predictions are made of it, as {source.text}", "give another name")


def write_predictions(
    path: Path, batches: Iterator[Batch], count: int, labels: dict[str, Labels], *, raw_text: bool = False
) -> None:
    """Write what `batches` give of `count` samples to `path`, whole or not at all, in the format of its ending.

    raw_text: leave text in a .csv file as it is, though a spreadsheet would run it as a formula. Raises SpecError where
    it cannot be written, or where the format has no place for the predictions.
    """
    module, name = FORMATS[path.suffix.lower()]
    writing: Writing = getattr(import_module(f"graphspec.predicting.{module}"), name)
    if raw_text and path.suffix.lower() == ".csv":
        writing = partial(writing, raw_text=True)
    write(path, lambda part: writing(part, batches, count, labels), parents=True)


def _refused(path: Path, reason: str, help: str) -> SpecError:
    return SpecError.of(CANNOT_WRITE, f"cannot write {path}: {reason}", help=help)
