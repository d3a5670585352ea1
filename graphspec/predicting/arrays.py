"""Writers of predictions as arrays: `.npz` and `.npy` files, batch by batch.

An `.npz` stores its arrays one after the other, but each batch holds a piece of every array. So each array is first
written to an anonymous temporary file, and then copied into the archive.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import DATA_SHAPE, UNKNOWN_FORMAT
from graphspec.diagnostics.suggest import one_of
from graphspec.predicting.batch import Array, Batch
from graphspec.predicting.columns import SAMPLE, free_name
from graphspec.predicting.labels import Labels


def write_npz(part: Path, batches: Iterator[Batch], count: int, labels: dict[str, Labels]) -> None:
    """Write an `.npz` file: each output by name, `<output>_label` with its likeliest words, and `sample`.

    Args:
        part: Path of the file to write.
        batches: Predictions, in order.
        count: Number of samples in all batches.
        labels: Words of the outputs that have a vocabulary, by output.

    Raises:
        SpecError: An output is text, or its shape differs between batches.
    """
    with ExitStack() as files, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        members: dict[str, _Member] = {}
        for batch in batches:
            for name, values in _named(batch, labels).items():
                if name not in members:
                    members[name] = _Member(files.enter_context(tempfile.TemporaryFile(dir=part.parent)), name, count)
                members[name].add(values)
        for name, member in members.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as target:
                member.copy(target)


def write_npy(part: Path, batches: Iterator[Batch], count: int, labels: dict[str, Labels]) -> None:
    """Write an `.npy` file with the output of a model that has one. Arguments and errors as for `write_npz`."""
    with open(part, "wb") as file:
        member: _Member | None = None
        for batch in batches:
            if len(batch.predicted) > 1:
                raise SpecError.of(
                    UNKNOWN_FORMAT,
                    f"an .npy file holds one array, but the model has the outputs {one_of(batch.predicted)}",
                    help="write an .npz file",
                )
            ((name, values),) = batch.predicted.items()
            member = member or _Member(file, name, count)
            member.add(values)


class _Member:
    """An array of `count` samples, written to `file` in pieces; the first piece sets shape and dtype."""

    def __init__(self, file: IO[bytes], name: str, count: int) -> None:
        self.file, self.name, self.count = file, name, count
        self.first: Array | None = None

    def add(self, values: Array) -> None:
        """Append a piece, first axis samples. Raises SpecError if its shape differs from the first."""
        if values.dtype == object:
            raise SpecError.of(
                UNKNOWN_FORMAT,
                f"the output `{self.name}` is text, which cannot be written as an array",
                help="write a .csv, .jsonl or .parquet file",
            )
        if self.first is None:
            self.first = values[:0]
            header: dict[str, Any] = {
                "descr": np.lib.format.dtype_to_descr(values.dtype),
                "fortran_order": False,
                "shape": (self.count, *values.shape[1:]),
            }
            np.lib.format.write_array_header_1_0(self.file, header)
        if values.shape[1:] != self.first.shape[1:]:
            raise SpecError.of(
                DATA_SHAPE,
                f"the output `{self.name}` has the shape {list(self.first.shape[1:])} for some samples and "
                f"{list(values.shape[1:])} for others, so it cannot be written as one array",
                help="write a .parquet or .jsonl file",
            )
        self.file.write(np.ascontiguousarray(values).data)

    def copy(self, target: IO[bytes]) -> None:
        """Copy the whole array to `target`, in the `.npy` format."""
        self.file.seek(0)
        shutil.copyfileobj(self.file, target, 1 << 20)


def _named(batch: Batch, labels: dict[str, Labels]) -> dict[str, Array]:
    """Return the arrays of a batch by name: sample indices, outputs, and the words of labelled outputs."""
    arrays = dict(batch.predicted)
    for name, vocabulary in labels.items():
        if vocabulary.fit(batch.predicted[name].shape[1:]):
            words = vocabulary.of(batch.predicted[name])
            texts = np.array([word or "" for word in words.reshape(-1)], f"<U{max(1, *map(len, vocabulary.words))}")
            arrays[free_name(f"{name}_label", arrays)] = texts.reshape(words.shape)
    return {free_name(SAMPLE, arrays): batch.at} | arrays
