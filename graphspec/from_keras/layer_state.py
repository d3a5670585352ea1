"""The state of preprocessing layers, as arguments that a spec writes: vocabularies, means and variances.

A model in memory is asked, a `.keras` file holds vocabularies as assets and the rest among its weights.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from graphspec.checks.files import LOOKUPS
from graphspec.from_keras.nodes import as_name
from graphspec.from_keras.objects import literal, plain

NORMALIZATION = "Normalization"
_MAX_WORDS_INLINE = 12
"""Words that a spec lists itself; more are written to a file beside it."""

_MAX_CHARACTERS_INLINE = 1_000
"""Characters of all words that a spec lists itself."""


class StateSource(Protocol):
    """The place where the state of layers is found. path: the names of the models that hold a layer, and its own."""

    def vocabulary(self, path: tuple[str, ...]) -> Sequence[str | int] | None:
        """Return the vocabulary of a layer with its special tokens; None if it has none."""

    def array(self, path: tuple[str, ...], name: str) -> Any:
        """Return the values of a weight as nested lists of floats; None if there is none."""


class NoState:
    """The source of a configuration, which holds no state."""

    def vocabulary(self, path: tuple[str, ...]) -> Sequence[str | int] | None:
        """Return None."""
        return None

    def array(self, path: tuple[str, ...], name: str) -> Any:
        """Return None."""
        return None


@dataclass
class LearnedState:
    """Writes the state of preprocessing layers.

    Attributes:
        source: Where it is found.
        file_name: Returns the name of the file for the vocabulary of a layer, by its name in a spec; None if the spec
            holds all.
        files: The text of each file that the spec names.
        with_weights: A file of weights is written too, and holds the means and variances.
    """

    source: StateSource = field(default_factory=NoState)
    file_name: Callable[[str], str] | None = None
    files: dict[str, str] = field(default_factory=dict)
    with_weights: bool = False

    def add_to(self, arguments: dict[str, Any], class_name: str, config: dict[str, Any], path: tuple[str, ...]) -> None:
        """Add the arguments of a layer that hold its state.

        Args:
            arguments: The arguments that the spec states so far.
            class_name: The class of the layer.
            config: Its configuration.
            path: The names of the models that hold it, and its own.
        """
        if class_name in LOOKUPS:
            arguments |= self._lookup(config, path, class_name)
        if class_name == "Discretization" and arguments.get("bin_boundaries"):
            arguments.pop("num_bins", None)  # Keras takes the one or the other
        if class_name == NORMALIZATION and config.get("mean") is None and not self.with_weights:
            arguments |= self._normalization(path)

    def _lookup(self, config: dict[str, Any], path: tuple[str, ...], class_name: str) -> dict[str, Any]:
        words = config.get("vocabulary")
        special = 0
        if not isinstance(words, list):
            words = self.source.vocabulary(path)
            special = _special_tokens(words or (), class_name, config)
        if words is None:
            return {}
        words = list(words)[special:]
        if not words:  # it has not adapted yet
            return {}
        found: dict[str, Any] = {"vocabulary": self._vocabulary(words, path[-1])}
        weights = config.get("idf_weights")
        if weights is None and config.get("output_mode") == "tf_idf":
            listed = self.source.array(path, "idf_weights")
            weights = shortest(listed)[special:] if listed is not None else None
        if weights is not None:
            found["idf_weights"] = weights
        return found

    def _vocabulary(self, words: list[Any], layer: str) -> Any:
        is_plain = all(isinstance(word, str) and word and word.splitlines() == [word] for word in words)
        is_short = len(words) <= _MAX_WORDS_INLINE and sum(map(len, map(str, words))) <= _MAX_CHARACTERS_INLINE
        if self.file_name is None or is_short or not is_plain:
            return plain(words)
        text = "".join(f"{word}\n" for word in words)
        stem = name = as_name(layer)  # a name of a layer may hold any path
        number = 1
        while self.files.get(self.file_name(name), text) != text:
            name, number = f"{stem}_{number}", number + 1
        self.files[self.file_name(name)] = text
        return literal(self.file_name(name))

    def _normalization(self, path: tuple[str, ...]) -> dict[str, Any]:
        mean, variance = (self.source.array(path, name) for name in ("mean", "variance"))
        if mean is None or variance is None:
            return {}
        return {"mean": shortest(mean), "variance": shortest(variance)}


def _special_tokens(words: Sequence[str | int], class_name: str, config: dict[str, Any]) -> int:
    """Return how many tokens lead a vocabulary: the mask, and those for what is out of it.

    As in Keras, they are such only if the vocabulary begins with exactly these.
    """
    if class_name == "TextVectorization":
        config = {**config, "mask_token": "", "oov_token": "[UNK]", "num_oov_indices": 1}
    is_index = config.get("output_mode", "int") == "int"
    mask, oov = config.get("mask_token"), config.get("oov_token", -1 if class_name == "IntegerLookup" else "[UNK]")
    masks, unknown = int(is_index and mask is not None), config.get("num_oov_indices", 1)
    count = masks + (unknown if isinstance(unknown, int) else 1)
    leading = words[: max(count, 0)]
    is_special = all(word == (mask if at < masks else oov) for at, word in enumerate(leading))
    return count if len(leading) == count and is_special else 0


def shortest(value: Any) -> Any:
    """Return nested lists of floats with the fewest digits that give the same float32."""
    if isinstance(value, list):
        return [shortest(each) for each in value]
    return shortest_float(value) if isinstance(value, float) else value


def shortest_float(value: float) -> float:
    """Return the float with the fewest digits that is the same as float32; `value` itself if it is no float32."""
    try:
        packed = struct.pack("f", value)
    except OverflowError:
        return value
    if struct.unpack("f", packed)[0] != value:
        return value
    texts = (f"{value:.{digits}g}" for digits in range(1, 10))
    return next((float(text) for text in texts if struct.pack("f", float(text)) == packed), value)


def words_of(text: str, *, are_numbers: bool) -> list[str | int]:
    """Return the lines of a vocabulary file. Raises ValueError if they are to be whole numbers, and are none."""
    lines = text.split("\n")
    if are_numbers and not all(re.fullmatch(r"-?[0-9]{1,19}", line) for line in lines):
        raise ValueError("a line is no whole number")
    return [int(line) for line in lines] if are_numbers else list(lines)
