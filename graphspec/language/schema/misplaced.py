"""Explain unknown keys: synonyms, misspellings, and keys of other parts."""

from __future__ import annotations

from pydantic import BaseModel

from graphspec import catalog
from graphspec.diagnostics.suggest import closest, one_of
from graphspec.language.schema.model import (
    InputModel,
    LossModel,
    NestedModelSpec,
    NodeModel,
    OutputModel,
    PluginModel,
    SourceModel,
    SpecModel,
    StepsModel,
)
from graphspec.language.schema.search import RangeModel
from graphspec.language.schema.training import StageModel, TrainingModel

SYNONYMS = {
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
"""Common words for keys of the language that are not spelled alike."""

OLD_WORDS = ("nb_epoch",)
"""The synonyms that Keras itself once used."""

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
    """Return the keys of a part, as specs write them."""
    return [field.alias or name for name, field in part.model_fields.items()]


def is_meant_as(name: str, key: str) -> bool:
    """Return whether the unknown key `name` most likely means `key`."""
    return closest(name, [key]) is not None or SYNONYMS.get(name) == key


def intended_key(name: str, owner: type[BaseModel] | None) -> str | None:
    """Return the key of class `owner` that the unknown key `name` most likely means."""
    if owner is None or _other_part_help(name, owner):
        return None
    known = keys_of(owner)
    return SYNONYMS[name] if SYNONYMS.get(name) in known else closest(name, known)


def key_help(name: str, owner: type[BaseModel] | None) -> str:
    """Return the help for the unknown key `name` in a part of class `owner`."""
    otherwise = f"the keys here are {one_of(keys_of(owner) if owner is not None else [], 20)}"
    if owner is None:
        return otherwise
    if help := _other_part_help(name, owner):
        return help
    if key := intended_key(name, owner):
        return f"did you mean `{key}`?"
    if issubclass(owner, StepsModel) and catalog.find("layers", name) is not None:
        return f"write a layer as a step: `apply: {{{name}: ...}}`"
    if issubclass(owner, StepsModel) and _is_argument(name):
        return f"`{name}` is an argument: write it below its layer, `apply: {{<layer>: {{{name}: ...}}}}`"
    return otherwise


def _other_part_help(name: str, owner: type[BaseModel]) -> str:
    """Return the help for a key of another part, empty for any other key."""
    if owner is TrainingModel and name in _IN_TRAINING:
        return _IN_TRAINING[name]
    if owner is NestedModelSpec and name in keys_of(SpecModel):
        return f"`{name}` belongs to the top level of a spec, not to a nested model"
    if issubclass(owner, NodeModel) and name in keys_of(OutputModel):
        return f"`{name}` belongs to an output: move the node under `outputs`"
    return ""


def _is_argument(name: str) -> bool:
    """Return whether some layer of Keras takes an argument `name`."""
    entries = (catalog.find("layers", layer) for layer in catalog.names("layers"))
    return any(entry is not None and name in entry.arguments for entry in entries)


SHORT_FORMS: dict[type[BaseModel], str] = {
    InputModel: "a shape such as `[28, 28, 1]`, or a mapping with `shape`",
    NodeModel: "the name of a tensor, or a mapping with `from`",
    OutputModel: "the name of a tensor, or a mapping with `from`",
    LossModel: "the name of a tensor, or a mapping with `from`",
    PluginModel: "the name of a Python module",
    StageModel: "a mapping with `epochs`",
    RangeModel: "a list of choices, or `{float: {low: 0.1, high: 1.0}}`, or `{int: {low: 1, high: 8}}`",
    SourceModel: "the path of a file, or a mapping with `file`",
}
"""The accepted forms of the parts that have a short form, for messages."""
