"""Data sources: files and parts of them, by the names of a spec, and the headers of what they hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from graphspec.diagnostics import Span
from graphspec.project import belongs

AUTO: Literal["auto"] = "auto"
"""The vocabulary that is read from the training split."""

GIVEN = "--input"
"""The name of the split of files that a command line names."""


@dataclass(frozen=True, slots=True)
class Window:
    """Samples of a series: `size` steps in a row, one such window every `stride` steps.

    An input has the steps of the window, a target the step that is `horizon` steps after its last one.
    """

    size: int
    stride: int = 1
    horizon: int = 1

    def count(self, steps: int) -> int:
        """Return how many windows with a target a series of `steps` has."""
        return max(0, (steps - self.size - self.horizon) // self.stride + 1)


@dataclass(frozen=True, slots=True)
class Transforms:
    """The transforms of the values that a file holds, in the order in which they are applied.

    Attributes:
        vocabulary: Words whose indices text turns into; `auto` for those of the training split.
        pad: Length to which the first axis of a sample is filled or cut.
        scale: Factor of all values.
        cast: Name of a dtype.
        one_hot: Numbers of the one-hot row that an index turns into.
        window: Samples of a series.
    """

    vocabulary: tuple[str | int, ...] | Literal["auto"] | None = None
    pad: int | None = None
    scale: float | None = None
    cast: str | None = None
    one_hot: int | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class DataSource:
    """One array: files and, where they hold several, which part of them.

    Attributes:
        path: File, or a glob that stands for all files that it matches.
        text: The file as the spec writes it.
        column: Column with one number a sample.
        columns: Columns that are stacked on a last axis.
        feature: Feature of a TFRecord.
        as_text: Whether the values are read as text.
        is_target: Whether they serve an output.
        as_classes: Whether pixels are indices of classes.
        spans: Place of each key of the source in the spec; `name` is that of its own name.
    """

    path: Path
    text: str
    span: Span
    key: str | None = None
    column: str | None = None
    columns: tuple[str, ...] | None = None
    feature: str | None = None
    decode: Literal["image"] | None = None
    size: tuple[int, int] | None = None
    channels: int | None = None
    on_error: Literal["fail", "skip"] = "fail"
    interpolation: Literal["nearest", "bilinear"] = "bilinear"
    transforms: Transforms = Transforms()
    as_text: bool = False
    is_target: bool = False
    as_classes: bool = False
    spans: dict[str, Span] = field(default_factory=dict)

    def span_of(self, key: str) -> Span:
        return self.spans.get(key, self.span)

    @property
    def is_shown(self) -> bool:
        """Return whether messages may quote values of the file: a user named it, or it is of the project."""
        spec = self.span.source.name
        return spec.startswith("--") or belongs(self.path, Path() if spec.startswith(("-", "<")) else Path(spec).parent)

    @property
    def shows_names(self) -> bool:
        """Return whether messages may quote the names of its columns.

        A link can call any file a table, whose first line would then be names.
        """
        return self.is_shown or Path(os.path.realpath(self.path)).suffix.lower() == self.path.suffix.lower()

    @property
    def place(self) -> Span:
        """Return the place in the spec of the part of the file, or else of the file."""
        for key in ("feature", "column", "columns", "key"):
            if key in self.spans:
                return self.spans[key]
        return self.span_of("file")


@dataclass(frozen=True, slots=True)
class Split:
    """The sources of one split by the names of inputs and outputs."""

    name: str
    inputs: dict[str, DataSource]
    outputs: dict[str, DataSource]
    sample_weights: dict[str, DataSource]
    span: Span

    def sources(self) -> list[tuple[str, DataSource]]:
        """Return every source with the name of its input or output."""
        return [*self.inputs.items(), *self.outputs.items(), *self.sample_weights.items()]


@dataclass(frozen=True, slots=True)
class Data:
    """The splits of a spec. `held_out` is the share of the training split that validates, or 0.

    `split_span` is the place of that share in the spec.
    """

    train: Split | None
    validation: Split | None
    test: Split | None
    held_out: float = 0.0
    split_span: Span | None = field(default=None, compare=False)

    def held_out_of(self, samples: int) -> int:
        """Return how many of the samples of the training split validate."""
        return round(samples * self.held_out)

    def split(self, name: str) -> Split | None:
        """Return the split `train`, `validation` or `test`, where it has sources of its own."""
        return {"train": self.train, "validation": self.validation, "test": self.test}.get(name)

    def splits(self) -> Iterator[Split]:
        """Yield the splits that have sources of their own."""
        for split in (self.train, self.validation, self.test):
            if split is not None:
                yield split


@dataclass(frozen=True, slots=True)
class Header:
    """Samples, shape and dtype of an array before it is read; None stands for what only a full read tells.

    Attributes:
        samples: Number of samples.
        shape: Shape of one sample; None in it for a size that differs from sample to sample.
        dtype: Name of the dtype as Keras writes it.
    """

    samples: int | None
    shape: tuple[int | None, ...]
    dtype: str | None


class DataError(Exception):
    """A file cannot be read as its source says; `part` is the key of the source that is at fault."""

    def __init__(self, message: str, *, part: str = "file", help: str = "", missing: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.part = part
        self.help = help
        self.missing = missing
