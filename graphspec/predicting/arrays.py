"""Predictions as arrays in `.npz` and `.npy` files, as the model gives them, written batch by batch.

The arrays of an `.npz` lie one after the other, and batches bring a piece of each: so each is written to a file of its
own, which has no name and is gone with the process, and then copied into the archive.
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
from graphspec.predicting.columns import SAMPLE, free
from graphspec.predicting.labels import Labels


def write_npz(part: Path, batches: Iterator[Batch], count: int, labels: dict[str, Labels]) -> None:
    """Every output by its name, `<output>_label` with the likeliest words, and `sample` as in `columns`."""
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
    """The one output of a model that has one."""
    with open(part, "wb") as file:
        member: _Member | None = None
        for batch in batches:
            if len(batch.predicted) > 1:
                raise SpecError.of(
                    UNKNOWN_FORMAT,
                    f"an .npy file holds one array, and the model gives {one_of(batch.predicted)}",
                    help="write an .npz file",
                )
            ((name, values),) = batch.predicted.items()
            member = member or _Member(file, name, count)
            member.add(values)


class _Member:
    """One array of `count` samples, written piece by piece to `file`; shape and dtype are those of the first piece."""

    def __init__(self, file: IO[bytes], name: str, count: int) -> None:
        self.file, self.name, self.count = file, name, count
        self.like: Array | None = None

    def add(self, values: Array) -> None:
        """The next piece, first axis samples. Raises SpecError where it does not fit those before it."""
        if values.dtype == object:
            raise SpecError.of(
                UNKNOWN_FORMAT,
                f"the model gives text for `{self.name}`, which is not written as an array",
                help="write a .csv, .jsonl or .parquet file",
            )
        if self.like is None:
            self.like = values[:0]
            header: dict[str, Any] = {
                "descr": np.lib.format.dtype_to_descr(values.dtype),
                "fortran_order": False,
                "shape": (self.count, *values.shape[1:]),
            }
            np.lib.format.write_array_header_1_0(self.file, header)
        if values.shape[1:] != self.like.shape[1:]:
            raise SpecError.of(
                DATA_SHAPE,
                f"the model gives `{self.name}` the shape {list(self.like.shape[1:])} for some samples and "
                f"{list(values.shape[1:])} for others, which no array holds",
                help="write a .parquet or .jsonl file",
            )
        self.file.write(np.ascontiguousarray(values).data)

    def copy(self, target: IO[bytes]) -> None:
        """The whole array, as an .npy file, to `target`."""
        self.file.seek(0)
        shutil.copyfileobj(self.file, target, 1 << 20)


def _named(batch: Batch, labels: dict[str, Labels]) -> dict[str, Array]:
    """The arrays of a batch by name: samples, outputs, and the words of those that have any."""
    found = dict(batch.predicted)
    for name, known in labels.items():
        if known.fit(batch.predicted[name].shape[1:]):
            words = known.of(batch.predicted[name])
            said = np.array([word or "" for word in words.reshape(-1)], f"<U{max(1, *map(len, known.words))}")
            found[free(f"{name}_label", found)] = said.reshape(words.shape)
    return {free(SAMPLE, found): batch.at} | found
