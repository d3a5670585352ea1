"""Layers with a vocabulary: their shapes and verdicts against Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .oracle import Case, assert_agree
from .test_audio import some

SIZES = st.lists(st.sampled_from([None, 1, 1, 2, 3]), max_size=3)
DTYPES = st.sampled_from(["string", "string", "int32", "float32"])
MODES = st.sampled_from(["int", "int", "one_hot", "multi_hot", "count", "tf_idf", "binary", "tf-idf"])
SHARED: dict[str, st.SearchStrategy[Any]] = {
    "max_tokens": st.sampled_from([None, 2, 5, 9]),
    "output_mode": MODES,
    "pad_to_max_tokens": st.booleans(),
    "sparse": st.sampled_from([False, False, True]),
    "idf_weights": st.none() | st.lists(st.just(0.5), min_size=1, max_size=4),
}

quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(data=st.data(), sizes=SIZES, dtype=DTYPES, words=st.booleans())
def test_lookup(tmp_path: Path, data: st.DataObject, sizes: list[int | None], dtype: str, words: bool) -> None:
    """Any tensor, any vocabulary, arguments that fit each other or do not: the same result, or both refuse."""
    tokens = st.sampled_from(["a", "b", "c", "[UNK]", ""] if words else [1, 2, 3, -1, 0])
    choices = SHARED | {
        "vocabulary": st.none() | st.lists(tokens, min_size=1, max_size=5, unique=data.draw(st.booleans())),
        "num_oov_indices": st.integers(0, 3),
        "mask_token": st.sampled_from([None, ""] if words else [None, 0]),
        "invert": st.sampled_from([False, False, True]),
        "salt": st.sampled_from([None, None, 3]),
    }
    if not words:
        choices["oov_method"] = st.sampled_from(["floormod", "farmhash"])
    assert_agree(Case("StringLookup" if words else "IntegerLookup", some(data, choices), sizes, dtype), tmp_path)


@quick
@given(data=st.data(), sizes=SIZES, dtype=DTYPES)
def test_text_vectorization(tmp_path: Path, data: st.DataObject, sizes: list[int | None], dtype: str) -> None:
    """Any tensor, any vocabulary, arguments that fit each other or do not: the same result, or both refuse."""
    tokens = st.sampled_from(["a", "b", "c", "[UNK]", ""])
    choices = SHARED | {
        "vocabulary": st.none() | st.lists(tokens, min_size=1, max_size=5, unique=data.draw(st.booleans())),
        "split": st.sampled_from([None, "whitespace", "character"]),
        "output_sequence_length": st.sampled_from([None, None, 7]),
        "ragged": st.sampled_from([False, False, True]),
    }
    assert_agree(Case("TextVectorization", some(data, choices), sizes, dtype), tmp_path)
