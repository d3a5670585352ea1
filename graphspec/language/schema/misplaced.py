"""What a key that stands where the language has none was meant as: another word for a key, or a key elsewhere."""

from __future__ import annotations

from pydantic import BaseModel

from graphspec import catalog
from graphspec.diagnostics.suggest import closest, one_of
from graphspec.language.schema.model import (
    InputModel,
    NestedModel,
    NodeModel,
    OutputModel,
    PluginModel,
    RangeModel,
    SourceModel,
    SpecModel,
    TrainingModel,
)

# Words that people write for keys of the language, beside those that are spelled alike.
OTHER_WORDS = {
    "nb_epoch": "epochs",
    "input": "from",
    "inputs": "from",
    "layer": "apply",
    "layers": "apply",
    "steps": "apply",
    "nodes": "graph",
    "size": "shape",
    "type": "dtype",
    "path": "file",
    "x": "inputs",
    "y": "outputs",
}

OLD_WORDS = ("nb_epoch",)
"""Those of them that Keras itself once used for just that."""

_IN_TRAINING = {
    "loss": "write the loss in an output, under `outputs`",
    "metrics": "write metrics in an output, under `outputs`",
    "loss_weights": "write `loss_weight` in each output",
    "class_weight": "write `class_weight` in the output",
    "learning_rate": "it belongs to the optimizer: `optimizer: {Adam: {learning_rate: 0.001}}`",
    "lr": "it belongs to the optimizer: `optimizer: {Adam: {learning_rate: 0.001}}`",
    "validation_split": "write `data: {validation: {split: 0.1}}`",
    "validation_data": "name the files under `data: validation:`",
}


def keys_of(part: type[BaseModel]) -> list[str]:
    """The keys that a part takes, as specs write them."""
    return [field.alias or name for name, field in part.model_fields.items()]


def stands_for(name: str, key: str) -> bool:
    """Whether the unknown key `name` is most likely meant as `key`."""
    return closest(name, [key]) is not None or OTHER_WORDS.get(name) == key


def meant(name: str, owner: type[BaseModel] | None) -> str | None:
    """The key of a part of class `owner` that the unknown key `name` is most likely written for."""
    if owner is None or _elsewhere(name, owner):
        return None
    known = keys_of(owner)
    return OTHER_WORDS[name] if OTHER_WORDS.get(name) in known else closest(name, known)


def mend(name: str, owner: type[BaseModel] | None) -> str:
    """How to mend the unknown key `name` in a part of class `owner`."""
    otherwise = f"the keys here are {one_of(keys_of(owner) if owner is not None else [], 20)}"
    if owner is None:
        return otherwise
    if help := _elsewhere(name, owner):
        return help
    if key := meant(name, owner):
        return f"did you mean `{key}`?"
    if issubclass(owner, NodeModel) and catalog.find("layers", name) is not None:
        return f"write a layer as a step: `apply: {{{name}: ...}}`"
    if issubclass(owner, NodeModel) and _is_argument(name):
        return f"`{name}` is an argument: write it below its layer, `apply: {{<layer>: {{{name}: ...}}}}`"
    return otherwise


def _elsewhere(name: str, owner: type[BaseModel]) -> str:
    """Where the key `name` belongs, if that is not in a part of class `owner`."""
    if owner is TrainingModel and name in _IN_TRAINING:
        return _IN_TRAINING[name]
    if owner is NestedModel and name in keys_of(SpecModel):
        return f"`{name}` belongs to the top level of a spec, not to a nested model"
    if issubclass(owner, NodeModel) and name in keys_of(OutputModel):
        return f"`{name}` belongs to an output: move the node under `outputs`"
    return ""


def _is_argument(name: str) -> bool:
    """Whether some layer of Keras takes an argument `name`."""
    entries = (catalog.find("layers", layer) for layer in catalog.names("layers"))
    return any(entry is not None and name in entry.arguments for entry in entries)


# Parts that may be written short: what may stand for them.
SHORT_FORMS: dict[type[BaseModel], str] = {
    InputModel: "a shape such as `[28, 28, 1]`, or a mapping with `shape`",
    NodeModel: "the name of a tensor, or a mapping with `from`",
    OutputModel: "the name of a tensor, or a mapping with `from`",
    PluginModel: "the name of a Python module",
    RangeModel: "a list of choices, or `{float: {low: 0.1, high: 1.0}}`, or `{int: {low: 1, high: 8}}`",
    SourceModel: "the path of a file, or a mapping with `file`",
}
