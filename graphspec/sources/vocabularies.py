"""Vocabularies of the training split, for `vocabulary: auto` in all splits.

A source of another split takes the vocabulary of the training source that serves the same input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from graphspec.sources.reading import Progress, load_files
from graphspec.sources.source import AUTO, DataSource, Split
from graphspec.sources.transforms import vocabulary_of

Vocabularies = Mapping[str, tuple[str, ...]]
"""The sorted words of each input or output, by `inputs.name` and `outputs.name`."""


def vocabularies_of(train: Split, progress: Progress | None = None) -> dict[str, tuple[str, ...]]:
    """Read every `vocabulary: auto` of the training split. Raises DataError or OSError."""
    return {key: read_vocabulary(source, progress) for key, source in auto_sources(train).items()}


def auto_sources(split: Split) -> dict[str, DataSource]:
    """Return the sources of `split` with `vocabulary: auto`, by `inputs.name` and `outputs.name`."""
    return {
        f"{part}.{name}": source
        for part, sources in (("inputs", split.inputs), ("outputs", split.outputs))
        for name, source in sources.items()
        if source.transforms.vocabulary == AUTO
    }


def read_vocabulary(source: DataSource, progress: Progress | None = None) -> tuple[str, ...]:
    """Read the words that the files of `source` hold, sorted. Raises DataError or OSError."""
    return vocabulary_of(load_files(source, progress), source)


def with_vocabularies(split: Split, known: Vocabularies) -> Split:
    """Return `split` with the words of `known` in the place of `vocabulary: auto`."""
    return replace(
        split,
        inputs={name: _with(source, known.get(f"inputs.{name}")) for name, source in split.inputs.items()},
        outputs={name: _with(source, known.get(f"outputs.{name}")) for name, source in split.outputs.items()},
    )


def _with(source: DataSource, words: tuple[str, ...] | None) -> DataSource:
    if source.transforms.vocabulary != AUTO or words is None:
        return source
    return replace(source, transforms=replace(source.transforms, vocabulary=words))
