"""A spec of a pretrained model: a frozen preset with adapters, two stages, raw text and balanced classes."""

from __future__ import annotations

import random
from pathlib import Path

import keras
import keras_hub

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "very", "not", "the", "film", "was"]
SPEC = """
graphspec: 1
name: pretrained
models:
  tokens: {preprocessor: ./bert, sequence_length: 8}
  bert: {preset: ./bert}
inputs: {text: {shape: [], dtype: string}}
graph:
  encoded: {from: text, apply: [tokens, bert]}
outputs:
  mood:
    from: encoded.pooled_output
    apply: [{Dropout: 0.2}, {Dense: {units: 3, activation: softmax}}]
    loss: sparse_categorical_crossentropy
    class_weight: balanced
training:
  optimizer: {Adam: 0.01}
  batch_size: 8
  freeze: [bert]
  lora: {rank: 2, layers: ["bert/*query", "bert/*value"]}
  stages: [{name: head, epochs: 3}, {name: all, epochs: 3, unfreeze: [bert], learning_rate: 0.001}]
  checkpoint: {every: 3 steps}
data:
  train: {file: texts.csv, inputs: {text: {column: text}}, outputs: {mood: {column: mood}}}
  validation: {split: 0.2}
"""


def preset_spec(folder: Path) -> Path:
    """Write the preset, 200 texts and the spec into a folder, and return the spec."""
    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=12, num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=16, max_sequence_length=8
    )
    backbone.save_to_preset(str(folder / "bert"))
    tokenizer = keras_hub.models.BertTokenizer(vocabulary=WORDS)
    keras_hub.models.BertTextClassifierPreprocessor(tokenizer, sequence_length=8).save_to_preset(str(folder / "bert"))
    drawn = random.Random(0)
    rows = ["text,mood"]
    for _ in range(200):
        words = drawn.choices(WORDS[5:], k=drawn.randint(1, 6))
        rows.append(f"{' '.join(words)},{min(2, words.count('good'))}")
    (folder / "texts.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "pretrained.yaml").write_text(SPEC, encoding="utf-8")
    return folder / "pretrained.yaml"
