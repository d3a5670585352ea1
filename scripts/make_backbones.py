"""Write graphspec/catalog/backbones.json: inputs and outputs of the backbones of KerasHub that take tokens, measured.

    python scripts/make_backbones.py            writes the file, in a minute, where KerasHub is installed
    python scripts/make_backbones.py --check    exits with 1 where it is stale

Each class is made without weights, of sizes that all differ, and called on tokens of another length. A size of an
output that equals an argument is that argument. Other sizes must agree; what cannot be made so, or takes more than
tokens, is left out, and stays unknown to validation. An argument that changes inputs or outputs where it is not its
default is `fixed`. See `graphspec.catalog.backbones`.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import keras
import keras_hub
from generated_text import keep

import graphspec
from graphspec.catalog.backbones import LENGTH, TOKENS
from graphspec.to_keras.keras_internals import mask_of, weightless_scope

BACKBONES = Path(graphspec.__file__).parent / "catalog" / "backbones.json"
SIZES = (
    {"hidden_dim": 24, "hidden_size": 24, "embedding_dim": 20, "intermediate_dim": 28, LENGTH: 11},
    {"hidden_dim": 36, "hidden_size": 36, "embedding_dim": 32, "intermediate_dim": 44, LENGTH: 13},
)
OTHERS = {
    "vocabulary_size": 31,
    "vocab_size": 31,
    "max_sequence_length": 17,
    "num_segments": 2,
    "bucket_size": 4,
    "num_layers": 1,
    "num_heads": 2,
    "num_attention_heads": 2,
    "num_query_heads": 2,
    "num_key_value_heads": 1,
    "num_groups": 1,
    "num_inner_repetitions": 1,
    "head_dim": 6,
    "head_size": 6,
    "num_experts": 2,
    "top_k": 1,
    "moe_intermediate_dim": 8,
    "shared_expert_intermediate_dim": 8,
    "expert_intermediate_dim": 8,
    "image_size": 8,
    "pretraining_sequence_length": 17,
    "vision_encoder": None,
}


OTHER_NUMBER = 52
"""What an argument is given that is None by default. No size of an output is as large by chance."""


def made(kind: Any, sizes: dict[str, int], changed: dict[str, Any]) -> keras.Model | None:
    """Return a small backbone; None if it takes arguments that have no small values here, or refuses them."""
    arguments = {}
    for name, parameter in list(inspect.signature(kind.__init__).parameters.items())[1:]:
        if name in sizes or name in OTHERS:
            arguments[name] = sizes.get(name, OTHERS.get(name))
        elif name in changed:
            arguments[name] = changed[name]
        elif parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD:
            return None
    try:
        backbone: keras.Model = kind(**arguments)
    except Exception:
        return None
    return backbone


def measured(kind: Any, sizes: dict[str, int], changed: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """Return inputs and outputs of a backbone, sizes by their names; None where they are not those of tokens."""
    with weightless_scope():
        backbone = made(kind, sizes, changed or {})
        if backbone is None or not isinstance(backbone.input, dict) or not set(backbone.input) <= set(TOKENS):
            return None
        inputs = {name: keras.Input((sizes[LENGTH],), dtype=TOKENS[name]) for name in backbone.input}
        result = backbone(inputs)
    outputs = result if isinstance(result, dict) else {"": result}
    names = {size: name for name, size in sizes.items() if name == LENGTH or name in backbone.get_config()}
    found = {}
    for name, tensor in outputs.items():
        shape = [names.get(size) for size in tensor.shape[1:]]
        if None in shape or tensor.dtype != "float32" or mask_of(tensor) is not None:
            return None
        found[name] = shape
    return {"inputs": list(backbone.input), "outputs": found}


def fixed(kind: Any, as_they_are: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that must be their defaults for inputs and outputs to be as they are."""
    found = {}
    for name, parameter in inspect.signature(kind.__init__).parameters.items():
        default = parameter.default
        if (
            name in ("dtype", "name", "kwargs")
            or name in SIZES[0]
            or not (default is None or isinstance(default, bool))
        ):
            continue
        changed = OTHER_NUMBER if default is None else not default
        is_none = name in OTHERS and OTHERS[name] is None
        if is_none or (name not in OTHERS and measured(kind, SIZES[0], {name: changed}) != as_they_are):
            found[name] = default
    return found


def backbones() -> dict[str, Any]:
    """Return inputs and outputs of backbones by their registered names."""
    found = {}
    for kind in {id(each): each for each in vars(keras_hub.models).values()}.values():
        if isinstance(kind, type) and issubclass(kind, keras_hub.models.Backbone):
            first, second = (measured(kind, sizes) for sizes in SIZES)
            if first is None or first != second:
                continue
            switches = fixed(kind, first)
            with weightless_scope():
                backbone = made(kind, SIZES[0], {})
            assert backbone is not None
            if all(backbone.get_config().get(name) == value for name, value in switches.items()):
                found[keras.saving.get_registered_name(kind)] = {**first, "fixed": switches}
    return dict(sorted(found.items()))


if __name__ == "__main__":
    sys.exit(keep(BACKBONES, f"{json.dumps(backbones(), indent=1)}\n", f"KerasHub {keras_hub.__version__}"))
