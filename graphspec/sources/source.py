"""What a data source is: one array in a file, by the names of the spec, and what its header tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from graphspec.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Source:
    """One array: a file and, where the file holds several, which part of it.

    columns are stacked on a last axis; `column` alone gives one number a sample. text is the file as the spec
    writes it. spans tells where each key of the source stands, `name` where its own name does.
    """

    path: Path
    text: str
    span: Span
    key: str | None = None
    column: str | None = None
    columns: tuple[str, ...] | None = None
    spans: dict[str, Span] = field(default_factory=dict)

    def span_of(self, key: str) -> Span:
        return self.spans.get(key, self.span)


@dataclass(frozen=True, slots=True)
class Split:
    """The sources of one split by the names of inputs and outputs."""

    name: str
    inputs: dict[str, Source]
    outputs: dict[str, Source]
    sample_weights: dict[str, Source]
    span: Span

    def sources(self) -> list[tuple[str, Source]]:
        """Every source with the name it serves."""
        return [*self.inputs.items(), *self.outputs.items(), *self.sample_weights.items()]


@dataclass(frozen=True, slots=True)
class Data:
    """Where a spec's data lies. held_out is the share of the training split that validates; 0 for none."""

    train: Split | None
    validation: Split | None
    test: Split | None
    held_out: float = 0.0

    def split(self, name: str) -> Split | None:
        """The split `train`, `validation` or `test`, where it has sources of its own."""
        return {"train": self.train, "validation": self.validation, "test": self.test}.get(name)


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of an array before it is read; None stands for what only a full read tells.

    shape is that of one sample; dtype is a name as Keras writes it.
    """

    samples: int | None
    shape: tuple[int, ...]
    dtype: str | None


class DataError(Exception):
    """A file cannot be read as the source says. `part` is the key of the source that is at fault, `help` the mend."""

    def __init__(self, message: str, *, part: str = "file", help: str = "", missing: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.part = part
        self.help = help
        self.missing = missing
