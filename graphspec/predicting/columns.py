"""Predictions as the columns of a table: what each is called, and the values of a batch.

A number a sample is the column of its output's name; a list of them is `<output>_0`, `<output>_1`, ... Where the
targets of an output have a vocabulary, its own column holds the likeliest word, and `<output>_<word>` the number of
each. `sample` counts the samples of the file that they were read from, so that rows can be joined with it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import count

from graphspec.predicting.batch import Array
from graphspec.predicting.labels import Labels

Values = Callable[[Array], Array]
"""Of the predictions of one output, those of one column."""

SAMPLE = "sample"
MOST_WORDS = 1_000
"""Of a larger vocabulary, a table holds the likeliest word and its number alone."""


class Columns:
    """The columns of predictions of `shapes`, those of one sample by output, in the order of the outputs.

    Names that would stand there twice are told apart by underscores; an output keeps its own name.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], labels: Mapping[str, Labels]) -> None:
        self.sample = free(SAMPLE, shapes)
        self._columns: dict[str, tuple[str, Values]] = {}
        taken = {self.sample, *shapes}
        for output, shape in shapes.items():
            known = labels.get(output)
            own, parts = _parts(shape, known if known is not None and known.fit(shape) else None)
            between = next(line for n in count(1) if _fits(line := "_" * n, output, parts, taken))
            names = [f"{output}{between}{part}" for part in parts]
            taken.update(names)
            if own is not None:
                self._columns[output] = (output, own)
            self._columns |= {name: (output, each) for name, each in zip(names, parts.values(), strict=True)}

    @property
    def names(self) -> list[str]:
        """The names of all columns, that of the sample first."""
        return [self.sample, *self._columns]

    def of(self, at: Array, predicted: Mapping[str, Array]) -> dict[str, Array]:
        """The columns of one batch, the predictions of the samples `at`; what is a word is an object."""
        return {self.sample: at} | {name: values(predicted[output]) for name, (output, values) in self._columns.items()}


def _parts(shape: tuple[int, ...], labels: Labels | None) -> tuple[Values | None, dict[str, Values]]:
    """The column of the output's own name, if there is one, and the further ones by the end of their names."""
    if labels is None:
        if len(shape) != 1:
            return (lambda predicted: predicted), {}
        if shape == (1,):
            return _unit(0), {}
        return None, {str(index): _unit(index) for index in range(shape[0])}
    if labels.is_decision(shape):
        return labels.of, {labels.words[1]: lambda predicted: predicted.reshape(len(predicted))}
    if len(shape) == 1 and len(labels.words) <= MOST_WORDS:
        return labels.of, {word: _unit(index) for index, word in enumerate(labels.words)}
    if len(shape) == 1:
        return labels.of, {"likeliest": lambda predicted: predicted.max(axis=-1)}
    return labels.of, {"values": lambda predicted: predicted}


def _unit(index: int) -> Values:
    return lambda predicted: predicted[:, index]


def _fits(between: str, output: str, parts: Iterable[str], taken: set[str]) -> bool:
    return not any(f"{output}{between}{part}" in taken for part in parts)


def free(name: str, taken: Collection[str]) -> str:
    """`name`, with underscores after it where it is taken."""
    while name in taken:
        name += "_"
    return name
