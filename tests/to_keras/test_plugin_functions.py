"""Functions of plugins in the place of names that Keras knows: `standardize` and `split` of TextVectorization."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

import graphspec

from .plugin_objects import forget, refusal

Write = Callable[..., Path]

WORDS = """
import keras
import tensorflow as tf
register = keras.saving.register_keras_serializable

@register(package="text")
def shout(texts):
    return tf.strings.upper(texts)

@register(package="text")
class Separator:
    def __init__(self, by=","):
        self.by = by
    def __call__(self, texts):
        return tf.strings.split(texts, self.by)
    def get_config(self):
        return {"by": self.by}
    @classmethod
    def from_config(cls, config):
        return cls(**config)

@register(package="text")
class Silent:
    def get_config(self):
        return {}
"""

TEXTS = """
graphspec: 1
plugins: [words]
inputs: {text: {shape: [1], dtype: string}}
outputs:
  code:
    from: text
    apply:
      TextVectorization: {standardize: STANDARDIZE, split: SPLIT, vocabulary: [RED, BLUE], output_sequence_length: 3}
"""

READING = """
graphspec: 1
inputs: {text: {shape: [1], dtype: string}}
models: {read: {file: model.keras}}
outputs: {y: {from: text, apply: read}}
"""


@pytest.mark.parametrize(("split", "text"), [("text>Separator", "blue,red"), ("{text>Separator: ;}", "blue;red")])
def test_text_is_standardized_and_split_by_functions_of_plugins(
    write: Write, tmp_path: Path, split: str, text: str
) -> None:
    """`standardize` and `split` take what a plugin registers, and plain Keras loads the saved model."""
    write(WORDS, "words.py")
    path = write(TEXTS.replace("STANDARDIZE", "text>shout").replace("SPLIT", split))
    assert len(graphspec.validate(path)) == 0
    model = graphspec.build(path)
    model.save(tmp_path / "model.keras")
    for each in (model, keras.models.load_model(tmp_path / "model.keras")):
        assert np.asarray(each({"text": np.array([[text]])})["code"]).tolist() == [[3, 2, 0]]
    source = graphspec.python_source(graphspec.load(path), tmp_path)
    assert "standardize=shout" in source
    assert ("split=Separator()" if ";" not in split else "split=Separator(';')") in source.replace('"', "'")
    forget("text>")
    code, message = refusal(write(READING))
    assert code == "GS211"
    assert "text>" in message


@pytest.mark.parametrize(
    ("standardize", "code", "words"),
    [
        ("text>shoutt", "GS211", "did you mean `text>shout`?"),
        ("text>Silent", "GS209", "standardize"),
        ("{text>shout: 3}", "GS209", "takes no arguments here"),
        ("shout", "GS213", "standardize: my>standardize"),
        ("loweer", "GS213", "did you mean `lower`?"),
        ("text >shout", "GS201", "without spaces"),
        ("[text>shout]", "GS213", "a function that a plugin registers"),
    ],
)
def test_functions_that_no_plugin_registers_are_found(write: Write, standardize: str, code: str, words: str) -> None:
    """What no plugin registers, what is no function, and a name without its package are found at their place."""
    write(WORDS, "words.py")
    found, text = refusal(write(TEXTS.replace("STANDARDIZE", standardize).replace("SPLIT", "whitespace")))
    assert found == code
    assert words in text


def test_functions_need_plugins(write: Write) -> None:
    """Without `plugins`, validation finds a function that only a plugin can register."""
    path = write(
        TEXTS.replace("plugins: [words]\n", "").replace("STANDARDIZE", "text>shout").replace("SPLIT", "whitespace")
    )
    (found,) = graphspec.validate(path)
    assert found.rule.code == "GS211"
