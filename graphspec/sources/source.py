"""What a data source is: an array in a file or in shards, by the names of the spec, and what its header tells of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from graphspec.diagnostics import Span
from graphspec.project import belongs

AUTO: Literal["auto"] = "auto"
"""The vocabulary of what the training split holds."""

INPUT_FILES = "--input"
"""The name of a split that no spec names: that of files given by hand."""


@dataclass(frozen=True, slots=True)
class Window:
    """Samples made of a series: `size` steps in a row, one such window every `stride` steps.

    An input gives the steps of the window, a target the step that comes `horizon` steps after its last one.
    """

    size: int
    stride: int = 1
    horizon: int = 1

    def count(self, steps: int) -> int:
        """How many windows a series of `steps` gives: those that have a target."""
        return max(0, (steps - self.size - self.horizon) // self.stride + 1)


@dataclass(frozen=True, slots=True)
class Transforms:
    """What is made of the values that a file holds, in this order; None for what is not asked for.

    vocabulary turns text into indices, its own or that of the training split; pad fills or cuts the first axis of a
    sample; scale multiplies; cast names a dtype; one_hot turns an index into so many numbers; window makes samples of
    a series.
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

    path may hold a glob, and stands for all files that it matches. columns are stacked on a last axis; `column` alone
    gives one number a sample. feature is that of a TFRecord. text is the file as the spec writes it. as_text tells that
    the values are read as text; is_target, that they serve an output; as_classes, that pixels are indices of classes.
    spans tells where each key of the source stands, `name` where its own name does.
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
        """Whether messages may quote values of the file: it was named by hand, or belongs to the spec's project."""
        spec = self.span.source.name
        return spec.startswith("--") or belongs(self.path, Path() if spec.startswith(("-", "<")) else Path(spec).parent)

    @property
    def shows_names(self) -> bool:
        """Whether messages may quote the names of its columns: its values may be quoted, or it is what it is called.

        A link can call any file a table, whose first line would then be names.
        """
        return self.is_shown or Path(os.path.realpath(self.path)).suffix.lower() == self.path.suffix.lower()

    @property
    def place(self) -> Span:
        """Where the spec says which values are meant: the part of the file, or else the file."""
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
        """Every source with the name it serves."""
        return [*self.inputs.items(), *self.outputs.items(), *self.sample_weights.items()]


@dataclass(frozen=True, slots=True)
class Data:
    """Where a spec's data lies. held_out is the share of the training split that validates; 0 for none.

    split_span is where that share stands.
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
        """The split `train`, `validation` or `test`, where it has sources of its own."""
        return {"train": self.train, "validation": self.validation, "test": self.test}.get(name)

    def splits(self) -> Iterator[Split]:
        """The splits that have sources of their own."""
        for split in (self.train, self.validation, self.test):
            if split is not None:
                yield split


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of an array before it is read; None stands for what only a full read tells.

    shape is that of one sample, None in it for a size that differs from sample to sample; dtype is a name as Keras
    writes it.
    """

    samples: int | None
    shape: tuple[int | None, ...]
    dtype: str | None


class DataError(Exception):
    """A file cannot be read as the source says. `part` is the key of the source that is at fault, `help` the mend."""

    def __init__(self, message: str, *, part: str = "file", help: str = "", missing: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.part = part
        self.help = help
        self.missing = missing
