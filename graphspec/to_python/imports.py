"""The imports of a module, by what its source uses, and the small helpers that some specs need."""

from __future__ import annotations

import re

from graphspec.to_python.module import Module
from graphspec.to_python.random_operations import random_functions
from graphspec.to_python.source import Assign, Do, Function, Lines, Text

HELPERS = {
    "as_tensors": Function(
        name="as_tensors",
        parameters=["inputs"],
        doc="Return inputs as tensors, as which Keras takes text.",
        body=[Do(Text("{name: tf.constant(values) for name, values in inputs.items()}"), "return")],
    ),
    "renamed": Function(
        name="renamed",
        parameters=["layer", "name"],
        doc="Name a layer whose constructor takes no name.",
        body=[Assign("layer.name", Text("name")), Do(Text("layer"), "return")],
    ),
    "constant": Function(
        name="constant",
        parameters=["values", "tensor"],
        doc="Return values as a tensor of the model that `tensor` belongs to.",
        body=[
            Assign("zero", Text("ops.cast(ops.multiply(ops.size(tensor), 0), values.dtype)")),
            Do(Text('ops.logical_or(values, zero) if values.dtype == "bool" else ops.add(values, zero)'), "return"),
        ],
    ),
    "for_each_sample": Function(
        name="for_each_sample",
        parameters=["values", "batched"],
        doc="Return values, which have no batch axis, once for each sample of `batched`.",
        body=[
            Assign("first", Text("batched[(slice(None), *[slice(0, 1)] * (len(batched.shape) - 1))]")),
            Assign("zeros", Text("ops.reshape(ops.zeros_like(first, values.dtype), (-1, *[1] * len(values.shape)))")),
            Do(Text('ops.logical_or(values, zeros) if values.dtype == "bool" else ops.add(values, zeros)'), "return"),
        ],
    ),
    "in_shape": Function(
        name="in_shape",
        parameters=["table", "shape"],
        doc="Start a table as a weight of `shape` does, by which its initializer scales.",
        body=[
            Do(Text("table.build()")),
            Assign("numbers", Text("table.embeddings_initializer(shape)")),
            Do(Text("table.embeddings.assign(ops.reshape(numbers, table.embeddings.shape))")),
            Do(Text("table"), "return"),
        ],
    ),
    "as_numbers": Function(
        name="as_numbers",
        parameters=["array"],
        doc="Return an array as float32, int32 or bool.",
        body=[
            Assign("dtype", Text('{"b": "bool", "i": "int32", "u": "int32"}.get(array.dtype.kind, "float32")')),
            Do(Text("array.astype(dtype)"), "return"),
        ],
    ),
    "named": Function(
        name="named",
        parameters=["tensor", "name"],
        doc="Name the operation behind a tensor, to which Keras might give the name of a layer.",
        body=[
            Assign("found", Text("keras.tree.flatten(tensor)[0]")),
            Assign("found._keras_history.operation.name", Text("name")),
            Do(Text("tensor"), "return"),
        ],
    ),
    **random_functions(),
    "named_draw": Function(
        name="named_draw",
        parameters=["draw", "tensor", "name", "**arguments"],
        doc="Draw random numbers, and name the operations behind them.",
        body=[
            Lines(
                """\
found = draw(tensor, **arguments)
waiting, number = [found], 0
while waiting:
    each = waiting.pop()
    if each is not tensor:
        operation = each._keras_history.operation
        operation.name = f"{name}.{number}" if number else name
        number += 1
        waiting += operation._inbound_nodes[0].input_tensors
return found"""
            )
        ],
    ),
    "random_generators": Function(
        name="random_generators",
        parameters=["model"],
        doc="Return the generators that a model draws random numbers from, whose states belong to it.",
        body=[
            Lines(
                """\
activations = [getattr(layer, "activation", None) for layer in model._flatten_layers()]
seeds = [getattr(each, "seed", None) for each in activations]
return [each for each in seeds if isinstance(each, keras.random.SeedGenerator)]"""
            )
        ],
    ),
    "keep_signs": Function(
        name="keep_signs",
        parameters=["model", "names"],
        doc="Let layers add losses as they are. A file of the model has their absolute values, which Keras can load.",
        body=[
            Lines(
                """\
for name in names:
    layer = model.get_layer(name)
    config = layer.get_config()
    layer.activity_regularizer = ops.sum
    layer.get_config = lambda config=config: config"""
            )
        ],
    ),
    "multiply_learning_rates": Function(
        name="multiply_learning_rates",
        parameters=["optimizer", "factors"],
        doc="Train layers with multiples of the learning rate; of several factors of a weight, the last one counts.",
        body=[
            Lines(
                """\
optimizer = getattr(optimizer, "inner_optimizer", optimizer)
known = {id(weight.value): factor for layer, factor in factors for weight in layer.weights}
update_step, apply_weight_decay = optimizer.update_step, optimizer._apply_weight_decay

def multiplied_step(gradient, variable, learning_rate):
    return update_step(gradient, variable, learning_rate * known.get(id(variable), 1.0))

def multiplied_decay(variables):
    decay = optimizer.weight_decay
    for variable in variables:
        optimizer.weight_decay = decay and decay * known.get(id(variable.value), 1.0)
        apply_weight_decay([variable])
    optimizer.weight_decay = decay

optimizer.update_step = multiplied_step
optimizer._apply_weight_decay = multiplied_decay"""
            )
        ],
    ),
    "lora_layers": Function(
        name="lora_layers",
        parameters=["holder", "path", "patterns", "matches=False"],
        doc="Return the layers with LoRA in a layer or model whose paths match, or that lie in one whose path does.",
        body=[
            Lines(
                """\
matches = matches or any(fnmatchcase(path, each) for each in patterns)
found = [holder] if matches and hasattr(holder, "lora_enabled") else []
for layer in holder._flatten_layers(include_self=False, recursive=False):
    found += lora_layers(layer, f"{path}/{layer.name}", patterns, matches)
return found"""
            )
        ],
    ),
    "open_adapters": Function(
        name="open_adapters",
        parameters=["model", "adapted"],
        doc="Let adapters train in frozen layers too, and nothing else there. Return the flags of all layers before.",
        body=[
            Lines(
                """\
flags = [(each, each.trainable) for each in model._flatten_layers()]
adapters, frozen = {id(each) for each in adapted}, set()
for layer, trainable in flags:
    inside = {id(each) for each in layer._flatten_layers()}
    frozen |= set() if trainable else inside
    layer.trainable = id(layer) not in frozen or not adapters.isdisjoint(inside)
    for each in layer._trainable_variables:
        is_kernel = id(layer) in adapters and each.name in ("kernel", "embeddings")
        each.trainable = "lora" in each.name or not (is_kernel or id(layer) in frozen)
return flags"""
            )
        ],
    ),
}
"""Functions that few modules need."""

_STANDARD = {
    "csv.": "import csv",
    "json.": "import json",
    "random.": "import random",
    "fnmatchcase(": "from fnmatch import fnmatchcase",
    "Path(": "from pathlib import Path",
}
_THIRD = {"keras_hub.": "import keras_hub", "np.": "import numpy as np", "tf.": "import tensorflow as tf"}


def imports(text: str, module: Module) -> list[str]:
    """Return the lines that import what `text` uses, in the order of `ruff`."""
    text = f"{text}\nPath(" if module.has_paths else text
    standard = [line for used, line in _STANDARD.items() if _uses(text, used)]
    third = ["import keras", *(line for used, line in _THIRD.items() if _uses(text, used))]
    found: dict[str, list[str]] = {}
    for name, variable in module.customs.items():
        registered = module.registered.get(name)
        if registered is not None:
            renamed = f"{registered.name} as {variable}" if variable != registered.name else variable
            found.setdefault(registered.module, []).append(renamed)
    beside = {name for name, plugin in module.plugins.items() if plugin.is_beside}
    only = [name for name in module.plugins if name not in found]
    registering = {name: f"import {name}  # noqa: F401 - it registers objects with Keras" for name in only}
    third += [registering[name] for name in only if name not in beside]
    names = [each for each in ("layers", "ops") if _uses(text, f"{each}.")]
    froms = [f"from keras import {', '.join(names)}"] if names else []
    own = [registering[name] for name in sorted(only) if name in beside]
    own += [f"from {name} import {', '.join(sorted(each))}" for name, each in sorted(found.items())]
    parts = (sorted(standard, key=_sorting), [*sorted(third), *froms], own)
    lines: list[str] = []
    for part in parts:
        lines += ["", *part] if part and lines else part
    return lines


def _uses(text: str, used: str) -> bool:
    return re.search(rf"(?<![\w.\"'/]){re.escape(used)}", text) is not None


def _sorting(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line
