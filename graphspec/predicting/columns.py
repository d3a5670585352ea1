"""The columns of a table of predictions: their names, and their values for a batch.

An output of one number a sample is a column of its name; one of several is `<output>_0`, `<output>_1`, ... If the
targets of an output have a vocabulary, the column `<output>` holds the likeliest word, and `<output>_<word>` the number
of each word. `sample` is the index of the sample in the file that it was read from, so that rows can be joined with it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import count

from graphspec.predicting.batch import Array
from graphspec.predicting.labels import Labels

Values = Callable[[Array], Array]
"""A function from the predictions of one output to the values of one column."""

SAMPLE = "sample"
MAX_WORDS = 1_000
"""The largest vocabulary with a column for each word; of a larger one, a table holds the likeliest word alone."""


class PredictionColumns:
    """The columns of a table of predictions, in the order of the outputs.

    Duplicate names are made unique with underscores; an output keeps its own name.

    Args:
        shapes: Shape of one sample's prediction, by output.
        labels: Words of the outputs that have a vocabulary, by output.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], labels: Mapping[str, Labels]) -> None:
        self.sample = free_name(SAMPLE, shapes)
        self._columns: dict[str, tuple[str, Values]] = {}
        taken = {self.sample, *shapes}
        for output, shape in shapes.items():
            words = labels.get(output)
            own, parts = _parts(shape, words if words is not None and words.fit(shape) else None)
            separator = next(line for n in count(1) if _is_free(line := "_" * n, output, parts, taken))
            names = [f"{output}{separator}{part}" for part in parts]
            taken.update(names)
            if own is not None:
                self._columns[output] = (output, own)
            self._columns |= {name: (output, each) for name, each in zip(names, parts.values(), strict=True)}

    @property
    def names(self) -> list[str]:
        """Return the names of all columns, that of the sample index first."""
        return [self.sample, *self._columns]

    def of(self, at: Array, predicted: Mapping[str, Array]) -> dict[str, Array]:
        """Return the columns of one batch, words as objects.

        Args:
            at: Indices of the samples.
            predicted: Predictions by output, first axis samples.
        """
        return {self.sample: at} | {name: values(predicted[output]) for name, (output, values) in self._columns.items()}


def _parts(shape: tuple[int, ...], labels: Labels | None) -> tuple[Values | None, dict[str, Values]]:
    """Return the column named as the output, if any, and the other columns by suffix."""
    if labels is None:
        if len(shape) != 1:
            return (lambda predicted: predicted), {}
        if shape == (1,):
            return _unit(0), {}
        return None, {str(index): _unit(index) for index in range(shape[0])}
    if labels.is_decision(shape):
        return labels.of, {labels.words[1]: lambda predicted: predicted.reshape(len(predicted))}
    if len(shape) == 1 and len(labels.words) <= MAX_WORDS:
        return labels.of, {word: _unit(index) for index, word in enumerate(labels.words)}
    if len(shape) == 1:
        return labels.of, {"likeliest": lambda predicted: predicted.max(axis=-1)}
    return labels.of, {"values": lambda predicted: predicted}


def _unit(index: int) -> Values:
    return lambda predicted: predicted[:, index]


def _is_free(separator: str, output: str, parts: Iterable[str], taken: set[str]) -> bool:
    return not any(f"{output}{separator}{part}" in taken for part in parts)


def free_name(name: str, taken: Collection[str]) -> str:
    """Return `name`, with underscores appended until it is not in `taken`."""
    while name in taken:
        name += "_"
    return name
