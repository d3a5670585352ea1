"""Preprocessing layers that look words or numbers up in a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from graphspec.diagnostics.rules import UNCHECKED_INPUT, UNFIT_ARGUMENT
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.sizes import whole
from graphspec.shapes.tensor import Shape, Size, Value

FLOAT = "float32"
"""Dtype of codes: Keras ignores the dtype policy here."""

_MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}
"""Older names of output modes that Keras still takes."""


@layer("IntegerLookup", "StringLookup")
def lookup(call: Call) -> Value:
    """Infer words → their indices in the vocabulary, or codes over all of it."""
    tensor, mode = call.tensor(), _mode(call)
    if call["invert"] and mode != "int":
        _refuse(call, "invert", "needs `output_mode: int`, which alone returns words", "`output_mode: int`")
    if call["salt"] is not None and call.name == "IntegerLookup" and call["oov_method"] != "farmhash":
        _refuse(call, "salt", "needs `oov_method: farmhash`", "`oov_method: farmhash`, or no `salt`")
    depth = _depth(
        call, mode, mask=call["mask_token"], oov=call["oov_token"], spare=whole(call["num_oov_indices"], least=0)
    )
    return call.output(*_looked_up(tensor.shape, mode, depth))


@layer("TextVectorization")
def text_vectorization(call: Call) -> Value:
    """Infer texts → the indices of their words in the vocabulary, or a code over all of it."""
    tensor, mode = call.tensor(), _mode(call)
    for argument in ("output_sequence_length", "ragged"):
        if mode != "int" and call[argument] not in (None, False):
            _refuse(call, argument, "needs `output_mode: int`", f"`output_mode: int`, or no `{argument}`")
    depth = _depth(call, mode, mask="", oov="[UNK]", spare=1)
    if tensor.dtype != "string" or (call["split"] is not None and tensor.rank > 1 and tensor.shape[-1] != 1):
        call.warn(
            UNCHECKED_INPUT,
            f"`{call.name}` expects one text a sample, but received {tensor} of {tensor.dtype}",
            expected="(batch, 1) of string",
            help="declare the input as `{shape: [1], dtype: string}`",
        )
    if mode == "int":
        length = call["output_sequence_length"]
        return call.output((tensor.shape[0], None if length is None else whole(length, least=0)), "int64")
    shape = tensor.shape if call["split"] is None and tensor.rank > 1 else (*tensor.shape, 1)
    shape = (*tensor.shape, None) if call["split"] is not None else shape
    return call.output(*_looked_up(shape, mode, depth))


def _looked_up(shape: Shape, mode: str, depth: Size) -> tuple[Shape, str]:
    """Return shape and dtype of the output for a tensor of words and a vocabulary of `depth`."""
    if mode == "int":
        return shape, "int64"
    if mode == "one_hot" and not (len(shape) > 1 and shape[-1] == 1):
        return (*shape, depth), FLOAT
    return (*shape[:-1], depth), FLOAT


def _mode(call: Call) -> str:
    mode = call["output_mode"]
    if not isinstance(mode, str):
        raise Unreadable
    return _MODES.get(mode, mode)


@dataclass(frozen=True)
class SpecialEntries:
    """Count the entries of a vocabulary that stand before its words, which may be more than a list can hold.

    Attributes:
        mask: the entry for padding; None without one.
        oov: the entry for unknown words.
        spare: how many entries unknown words share.
    """

    mask: Any
    oov: Any
    spare: int

    @classmethod
    def of(cls, mode: str, *, mask: Any, oov: Any, spare: int) -> SpecialEntries:
        """Return those of a layer with an output mode: only indices have one for the mask."""
        return cls(mask if mode == "int" else None, oov, spare)

    @property
    def count(self) -> int:
        """Return how many entries these are."""
        return self.spare + (self.mask is not None)

    def words_after(self, words: Sequence[Any]) -> list[Any]:
        """Return the words of a vocabulary, which may begin with these entries."""
        if self.count > len(words):
            return list(words)
        special = [self.mask] * (self.mask is not None) + [self.oov] * self.spare
        return list(words[self.count :] if list(words[: self.count]) == special else words)


def _depth(call: Call, mode: str, *, mask: Any, oov: Any, spare: int) -> Size:
    """Return the size of the vocabulary, entries for unknown words included; None before the layer is adapted."""
    most, weights, words = call["max_tokens"], call["idf_weights"], call["vocabulary"]
    if call["pad_to_max_tokens"] and most is None:
        _refuse(call, "pad_to_max_tokens", "needs `max_tokens`", "a number for `max_tokens`")
    if call["sparse"] and mode == "int":
        _refuse(call, "sparse", "needs another `output_mode` than int", "`sparse: false`, or another `output_mode`")
    if weights is not None and mode != "tf_idf":
        _refuse(call, "idf_weights", "needs `output_mode: tf_idf`", "`output_mode: tf_idf`, or no `idf_weights`")
    if mode == "tf_idf" and words is not None and weights is None:
        _refuse(call, "vocabulary", "needs `idf_weights` for `output_mode: tf_idf`", "`idf_weights`, one for each word")
    if words is None:
        return whole(most) if call["pad_to_max_tokens"] else None
    if not isinstance(words, list | tuple) or len({type(word) for word in words}) != 1:
        raise Unreadable
    special = SpecialEntries.of(mode, mask=mask, oov=oov, spare=spare)
    words_alone = special.words_after(words)
    _check_words(call, words_alone, mask, oov)
    size = special.count + len(words_alone)
    if most is not None and size > whole(most):
        problem = f"is {most}, but the vocabulary has {size} entries, those for unknown words included"
        _refuse(call, "max_tokens", problem, f"{size} or more")
    if weights is not None:
        if not isinstance(weights, list | tuple):
            raise Unreadable
        if len(weights) != len(words):
            _refuse(call, "idf_weights", f"has {len(weights)} weights for {len(words)} words", f"{len(words)} weights")
    return whole(most) if call["pad_to_max_tokens"] else size


def _check_words(call: Call, words: list[Any], mask: Any, oov: Any) -> None:
    """Refuse words that are in the vocabulary twice, and those with a meaning of their own."""
    if not words:
        _refuse(call, "vocabulary", "has no words beside those for the mask and unknown words", "at least one word")
    seen: set[Any] = set()
    for word in words:
        if word in seen:
            _refuse(call, "vocabulary", f"has `{word}` twice", "each word once")
        seen.add(word)
    if mask is not None and mask in seen:
        _refuse(call, "vocabulary", f"has `{mask}`, which stands for the mask", f"words other than `{mask}`")
    if oov is not None and call["invert"] and oov in seen:
        _refuse(call, "vocabulary", f"has `{oov}`, which stands for unknown words", f"words other than `{oov}`")


def _refuse(call: Call, argument: str, problem: str, expected: str) -> NoReturn:
    call.refuse_argument(UNFIT_ARGUMENT, argument, problem, expected)
