"""The words of outputs whose targets have a vocabulary, and which of them a prediction stands for.

Needs NumPy only where there are predictions.
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
    """The words of an output, in order of index. threshold: from where on one unit stands for the second of two."""

    words: tuple[str, ...]
    threshold: float = 0.5

    def fit(self, shape: tuple[int, ...]) -> bool:
        """Whether predictions of samples of `shape` choose among the words."""
        return self.is_decision(shape) or (len(self.words) > 1 and shape[-1:] == (len(self.words),))

    def is_decision(self, shape: tuple[int, ...]) -> bool:
        """Whether one unit decides between two words."""
        return len(self.words) == 2 and shape in ((), (1,))

    def of(self, predicted: Array) -> Array:
        """The likeliest word of each prediction, whose first axis counts samples: objects, None for what is NaN."""
        import numpy as np

        words = np.array([*self.words, None], object)
        if self.is_decision(predicted.shape[1:]):
            predicted = predicted.reshape(len(predicted))
            at = (predicted > self.threshold).astype(np.int64)
            at[np.isnan(predicted)] = len(self.words)
        else:
            at = predicted.argmax(axis=-1)
            at[np.isnan(predicted).any(axis=-1)] = len(self.words)
        found: Array = words[at]
        return found


def labels_of(graph: Graph, data: Data | None, known: Vocabularies) -> dict[str, Labels]:
    """The words of each output of `graph` whose targets have a vocabulary in the training split of `data`."""
    if data is None or data.train is None:
        return {}
    sources = with_vocabularies(data.train, known).outputs
    written = {name: sources[name].transforms.vocabulary for name in graph.outputs if name in sources}
    return {
        name: Labels(tuple(map(str, words)), _threshold(graph.outputs[name]))
        for name, words in written.items()
        if words is not None and words != AUTO
    }


def _threshold(output: Output) -> float:
    """Probabilities are decided at 0.5, logits and the margins of a hinge loss at 0."""
    if output.loss is None:
        return 0.5
    is_margin = output.loss.arguments.get("from_logits") is True or "hinge" in output.loss.name.lower()
    return 0.0 if is_margin else 0.5
