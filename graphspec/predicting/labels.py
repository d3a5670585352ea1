"""The words of outputs whose targets have a vocabulary, and the word of each prediction.

Needs NumPy only to look up the words of predictions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphspec.language.graph import Graph, Output
from graphspec.sources import AUTO, Data
from graphspec.sources.vocabularies import Vocabularies, with_vocabularies

if TYPE_CHECKING:
    from graphspec.predicting.batch import Array


@dataclass(frozen=True)
class Labels:
    """The words of an output, in order of index; one unit above `threshold` means the second of two words."""

    words: tuple[str, ...]
    threshold: float = 0.5

    def fit(self, shape: tuple[int, ...]) -> bool:
        """Return whether predictions of `shape`, without the sample axis, choose among the words."""
        return self.is_decision(shape) or (len(self.words) > 1 and shape[-1:] == (len(self.words),))

    def is_decision(self, shape: tuple[int, ...]) -> bool:
        """Return whether predictions of `shape` are one unit that decides between two words."""
        return len(self.words) == 2 and shape in ((), (1,))

    def of(self, predicted: Array) -> Array:
        """Return the likeliest word of each prediction (first axis samples) as objects; None for NaN."""
        import numpy as np

        words = np.array([*self.words, None], object)
        if self.is_decision(predicted.shape[1:]):
            predicted = predicted.reshape(len(predicted))
            at = (predicted > self.threshold).astype(np.int64)
            at[np.isnan(predicted)] = len(self.words)
        else:
            at = predicted.argmax(axis=-1)
            at[np.isnan(predicted).any(axis=-1)] = len(self.words)
        likeliest: Array = words[at]
        return likeliest


def labels_of(graph: Graph, data: Data | None, known: Vocabularies) -> dict[str, Labels]:
    """Return the words of each output whose targets have a vocabulary in the training split of `data`."""
    if data is None or data.train is None:
        return {}
    sources = with_vocabularies(data.train, known).outputs
    vocabularies = {name: sources[name].transforms.vocabulary for name in graph.outputs if name in sources}
    return {
        name: Labels(tuple(map(str, words)), _threshold(graph.outputs[name]))
        for name, words in vocabularies.items()
        if words is not None and words != AUTO
    }


def _threshold(output: Output) -> float:
    """Return the decision threshold: 0.5 for probabilities, 0 for logits and margins of a hinge loss."""
    if output.loss is None:
        return 0.5
    is_margin = output.loss.arguments.get("from_logits") is True or "hinge" in output.loss.name.lower()
    return 0.0 if is_margin else 0.5
