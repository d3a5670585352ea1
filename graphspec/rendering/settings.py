"""`training` and `data` of a spec with every default."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphspec.language.document.tree import plain
from graphspec.language.objects import Weights
from graphspec.language.schema.part import Part
from graphspec.language.schema.training import CheckpointModel, StageModel, TrainingModel
from graphspec.rendering.objects import ObjectRenderer
from graphspec.rendering.origins import GRAPHSPEC, Origin
from graphspec.rendering.tree import Leaf, Tree
from graphspec.sources import DataSource, Split
from graphspec.spec import Spec

_SOURCE_KEYS = ("key", "column", "columns", "feature", "decode", "size", "channels")
_TRANSFORMS = ("one_hot", "vocabulary", "scale", "cast", "pad")
_ORDER = (
    *("optimizer", "epochs", "batch_size", "drop_remainder", "seed", "callbacks", "steps_per_epoch"),
    *("validation_freq", "initial_weights", "freeze", "lora", "learning_rate_multipliers", "stages", "precision"),
    *("jit_compile", "steps_per_execution", "checkpoint", "distribute", "deterministic", "log"),
)
"""The settings of `training` in the order of `graphspec fmt`."""


def render_training(spec: Spec, objects: ObjectRenderer) -> dict[str, Tree]:
    """Return `training` with every setting."""
    model, training = spec.model.training, spec.training
    assert model is not None
    assert training is not None
    found: dict[str, Tree] = {}
    for key in _ORDER:
        if key == "optimizer":
            found[key] = objects.object(training.optimizer)
        elif key == "callbacks":
            own = training.callbacks[: len(model.callbacks)]
            found[key] = [objects.object(each) for each in own] if own else _default(model, key)
        elif key == "initial_weights" and isinstance(training.initial_weights, Weights):
            found[key] = objects.weights(training.initial_weights)
        elif key == "stages" and model.stages:
            found[key] = [_stage(spec, number, each, objects) for number, each in enumerate(model.stages)]
        elif key == "checkpoint":
            checkpoint = model.checkpoint or CheckpointModel.model_construct()
            found[key] = _part(checkpoint, objects, is_stated=model.checkpoint is not None)
        elif key == "lora" and model.lora is not None:
            found[key] = _part(model.lora, objects, is_stated=True)
        elif key == "batch_size" and model.has_automatic_batch_size:
            written = model.located(key)
            origin = objects.origins.of(written.span)
            found[key] = Leaf(model.batch_size, Origin(origin.kind, f"auto, {origin.text}", origin.place))
        elif not (key == "epochs" and model.stages):  # each stage has its own
            found[key] = _value(model, key, objects)
    return found


def render_data(spec: Spec, objects: ObjectRenderer) -> dict[str, Tree]:
    """Return `data` with each source in full."""
    data, model = spec.data, spec.model.data
    assert data is not None
    assert model is not None
    found: dict[str, Tree] = {split.name: _split(split, spec.path.parent, objects) for split in data.splits()}
    if data.held_out and data.split_span is not None:
        found["validation"] = {"split": objects.leaf(data.held_out, data.split_span)}
    return {name: found[name] for name in ("train", "validation", "test") if name in found}


def _stage(spec: Spec, number: int, model: StageModel, objects: ObjectRenderer) -> dict[str, Tree]:
    assert spec.training is not None
    stage = spec.training.stages[number]
    found: dict[str, Tree] = {
        "name": objects.leaf(stage.name, stage.span) if model.name is not None else Leaf(stage.name, GRAPHSPEC),
        "epochs": _value(model, "epochs", objects),
    }
    if model.learning_rate is not None:
        rate = stage.optimizer.arguments["learning_rate"]
        found["learning_rate"] = objects.value(rate, model.located("learning_rate").span)
    return found | {key: _value(model, key, objects) for key in ("freeze", "unfreeze")}


def _part(part: Part, objects: ObjectRenderer, *, is_stated: bool) -> dict[str, Tree]:
    keys = type(part).model_fields
    if is_stated:
        return {key: _value(part, key, objects) for key in keys}
    return {key: Leaf(getattr(part, key), GRAPHSPEC) for key in keys}


def _value(part: Part, key: str, objects: ObjectRenderer) -> Tree:
    return objects.value(plain(getattr(part, key)), part.located(key).span) if part.states(key) else _default(part, key)


def _default(part: Part | TrainingModel, key: str) -> Leaf:
    return Leaf(plain(getattr(part, key)), GRAPHSPEC)


def _split(split: Split, folder: Path, objects: ObjectRenderer) -> dict[str, Tree]:
    parts = {"inputs": split.inputs, "outputs": split.outputs, "sample_weights": split.sample_weights}
    return {
        part: {name: dict(_source(source, folder, objects)) for name, source in sources.items()}
        for part, sources in parts.items()
        if sources or part == "inputs"
    }


def _source(source: DataSource, folder: Path, objects: ObjectRenderer) -> Iterator[tuple[str, Tree]]:
    """Yield the keys of a source. Transforms that it leaves out do not exist; there is no default of them."""
    key = "files" if "files" in source.spans else "file"
    yield key, objects.leaf(objects.path(folder / source.text, source.text), source.span_of(key))
    for key in _SOURCE_KEYS:
        value: Any = getattr(source, key)
        if value is not None:
            yield key, objects.leaf(list(value) if isinstance(value, tuple) else value, source.span_of(key))
    if source.decode is not None:
        for key in ("interpolation", "on_error"):
            is_stated = key in source.spans
            value = getattr(source, key)
            yield key, objects.leaf(value, source.span_of(key)) if is_stated else Leaf(value, GRAPHSPEC)
    for key in _TRANSFORMS:
        value = getattr(source.transforms, key)
        if value is not None:
            yield key, objects.leaf(list(value) if isinstance(value, tuple) else value, source.span_of(key))
    if (window := source.transforms.window) is not None:
        yield "window", {each: objects.leaf(getattr(window, each), source.span_of("window"))
                         for each in ("size", "stride", "horizon")}  # fmt: skip
