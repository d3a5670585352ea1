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
"""Vocabulary that is read from the training split."""

COMMAND_LINE = "--input"
"""Name of the split of files that `--input` names."""


@dataclass(frozen=True, slots=True)
class Window:
    """Samples of a series: `size` steps in a row, one such window every `stride` steps.

    An input has the steps of the window, a target the step that is `horizon` steps after its last one.
    """

    size: int
    stride: int = 1
    horizon: int = 1

    def count(self, steps: int) -> int:
        """Return the number of windows with a target in a series of `steps`."""
        return max(0, (steps - self.size - self.horizon) // self.stride + 1)


@dataclass(frozen=True, slots=True)
class Transforms:
    """The transforms of the values that a file holds, in the order in which they are applied.

    Attributes:
        vocabulary: Words whose indices text turns into; `auto` for those of the training split.
        pad: Length to which the first axis of a sample is padded or truncated.
        scale: Factor of all values.
        cast: Dtype that values are cast to.
        one_hot: Length of the one-hot vector that an index turns into.
        window: Windows of a series as samples.
    """

    vocabulary: tuple[str | int, ...] | Literal["auto"] | None = None
    pad: int | None = None
    scale: float | None = None
    cast: str | None = None
    one_hot: int | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class DataSource:
    """An array that a spec names: files, the part of them to read, and its transforms.

    Attributes:
        path: The file, or a glob.
        text: `path` as the spec writes it.
        span: Place of the source in the spec.
        key: Array of an `.npz` archive.
        column: Column with one value a sample.
        columns: Columns that are stacked on a last axis.
        feature: Feature of a TFRecord.
        decode: `image` where the file, or each path in `column`, is an image.
        size: Height and width of images.
        channels: Channels of images.
        on_error: `skip` leaves out images that cannot be read.
        interpolation: Filter that resizes images.
        as_text: True where the values are read as text.
        is_target: True where they serve an output.
        as_classes: True where pixels are class indices.
        spans: Place of each key of the source in the spec, and of its `name`.
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
        """Return the place of a key in the spec, or of the source."""
        return self.spans.get(key, self.span)

    @property
    def is_shown(self) -> bool:
        """Return whether messages may quote values: of files of the project or the command line."""
        spec = self.span.source.name
        return spec.startswith("--") or belongs(self.path, Path() if spec.startswith(("-", "<")) else Path(spec).parent)

    @property
    def shows_names(self) -> bool:
        """Return whether messages may quote column names: a link can pass off any file as a table."""
        return self.is_shown or Path(os.path.realpath(self.path)).suffix.lower() == self.path.suffix.lower()

    @property
    def part_text(self) -> str:
        """Return the part and the file as text, such as "`x` of a.npz"; the file alone where it is read whole."""
        part = self.key or self.column or self.feature
        return f"`{part}` of {self.text}" if part is not None else self.text

    @property
    def place(self) -> Span:
        """Return the place in the spec of the part of the file, or of the file."""
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
        """Return every source and the name of its input or output."""
        return [*self.inputs.items(), *self.outputs.items(), *self.sample_weights.items()]


@dataclass(frozen=True, slots=True)
class Data:
    """The splits of a spec.

    Attributes:
        held_out: Fraction of the training split that is held out for validation.
        split_span: Place of that fraction in the spec.
    """

    train: Split | None
    validation: Split | None
    test: Split | None
    held_out: float = 0.0
    split_span: Span | None = field(default=None, compare=False)

    def held_out_of(self, samples: int) -> int:
        """Return how many samples of a training split of `samples` are held out."""
        return round(samples * self.held_out)

    def split(self, name: str) -> Split | None:
        """Return the split `train`, `validation` or `test`, if it has sources of its own."""
        return {"train": self.train, "validation": self.validation, "test": self.test}.get(name)

    def splits(self) -> Iterator[Split]:
        """Yield the splits that have sources of their own."""
        for split in (self.train, self.validation, self.test):
            if split is not None:
                yield split


@dataclass(frozen=True, slots=True)
class Header:
    """The number, shape and dtype of the samples of an array; None where only a full read shows it.

    Attributes:
        samples: Number of samples.
        shape: Shape of one sample; a size in it may be None.
        dtype: Dtype as Keras names it.
    """

    samples: int | None
    shape: tuple[int | None, ...]
    dtype: str | None


class DataError(Exception):
    """An error for a file that cannot be read as its source says.

    Attributes:
        part: The key of the source that is at fault.
        help: How to fix it.
        missing: The name that the file lacks.
    """

    def __init__(self, message: str, *, part: str = "file", help: str = "", missing: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.part = part
        self.help = help
        self.missing = missing
