"""What a spec says beside its graph, as values by path: losses, training, data, search and plugins."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphspec.catalog import Kind
from graphspec.differences.difference import Change
from graphspec.differences.values import (
    UNSET,
    FilePath,
    Values,
    default_values,
    file_path,
    frozen,
    weights_values,
    written_values,
)
from graphspec.language.document.tree import plain
from graphspec.language.objects import Object
from graphspec.language.schema.model import BALANCED
from graphspec.language.traversal import every_plugin
from graphspec.run_directory.spec_values import values_of
from graphspec.sources import DataSource
from graphspec.spec import Spec

_FILES = ("file", "files")


def compare_settings(
    first: Spec, second: Spec, inputs: dict[str, str], outputs: dict[str, str], *, compiled_alone: bool = False
) -> tuple[Change, ...]:
    """Return the values beside the graph that differ.

    Args:
        first: A spec.
        second: The other spec.
        inputs: The inputs that belong together: first → second.
        outputs: The outputs that belong together: first → second.
        compiled_alone: Compare what a saved model knows: what it was compiled with, if it was.
    """
    before, after = settings_of(first, inputs, outputs), settings_of(second, {}, {})
    absent = {"training"} if (first.training is None) != (second.training is None) else set()
    absent |= {"data"} if (first.data is None) != (second.data is None) else set()
    changes = []
    for path in sorted({*before, *after}, key=_order):
        if compiled_alone and not _is_known(path, before, after):
            continue
        if path.partition(".")[0] in absent:
            continue
        one = before.get(path, _default(path, before, after))
        two = after.get(path, _default(path, before, after))
        if frozen(one) != frozen(two):
            changes.append(Change("argument", path, one, two))
    for part in sorted(absent, reverse=True) if not compiled_alone else ():
        had = (first.training if part == "training" else first.data) is not None
        changes.append(Change("argument", part, "stated" if had else UNSET, UNSET if had else "stated"))
    return tuple(changes)


def _is_known(path: str, before: Values, after: Values) -> bool:
    """Return whether both sides say anything of what `path` is a part of, and a saved model can."""
    part = next((each for each in ("training.optimizer", path.split(".loss")[0]) if path.startswith(each)), "")
    is_compiled = path.startswith("training.optimizer") or re.match(r"outputs\.[^.]+\.loss", path) is not None
    return is_compiled and all(any(key.startswith(part) for key in values) for values in (before, after))


_KINDS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"training\.optimizer"), "optimizers"),
    (re.compile(r"training\.callbacks\.[^.]+"), "callbacks"),
    (re.compile(r"outputs\.[^.]+\.loss"), "losses"),
    (re.compile(r"outputs\.[^.]+\.(weighted_)?metrics\.[^.]+"), "metrics"),
)


def _default(path: str, before: Values, after: Values) -> Any:
    """Return Keras' default for an argument that one of two objects of the same class states."""
    owner, _, argument = path.rpartition(".")
    kind = next((kind for pattern, kind in _KINDS if pattern.fullmatch(owner)), None)
    if kind is None or before.get(owner, UNSET) != after.get(owner, UNSET):
        return UNSET
    name = before.get(owner) if kind in ("optimizers", "losses") else owner.rpartition(".")[2].partition("[")[0]
    return default_values(kind, str(name), argument).get(argument, UNSET)


_PARTS = ("weights", "training", "outputs", "data", "search", "plugins")


def _order(path: str) -> tuple[int, str]:
    part = path.partition(".")[0]
    return (_PARTS.index(part) if part in _PARTS else len(_PARTS), path)


def settings_of(spec: Spec, inputs: dict[str, str], outputs: dict[str, str]) -> Values:
    """Return the values of `spec` beside its graph, with the names of inputs and outputs replaced."""
    values: Values = {}
    for name, output in spec.graph.outputs.items():
        path = f"outputs.{outputs.get(name, name)}"
        if output.loss is not None:
            values |= written_values(f"{path}.loss", output.loss)
        if output.loss_weight != 1.0:
            values[f"{path}.loss_weight"] = output.loss_weight
        for key in ("metrics", "weighted_metrics"):
            values |= _objects(f"{path}.{key}", getattr(output, key))
        values |= {f"{path}.class_weight.{index}": weight for index, weight in output.class_weight.items()}
        if output.is_balanced:
            values[f"{path}.class_weight"] = BALANCED
    if spec.graph.weights is not None:
        values |= weights_values("weights", spec.graph.weights)
    for plugin in every_plugin(spec.graph):
        values[f"plugins.{plugin.module}"] = "used"
    known = values_of(spec)
    values |= _training(spec, known)
    values |= _data(spec, known, inputs, outputs)
    search = spec.tree.get("search")
    if search is not None:
        values |= dict(_leaves(plain(search), "search"))
    return values


def _objects(path: str, objects: list[Object]) -> Values:
    """Return the values of objects by their classes, which most often occur once."""
    values: Values = {}
    counts: dict[str, int] = {}
    for each in objects:
        number = counts[each.name] = counts.get(each.name, -1) + 1
        own = f"{path}.{each.name}" + (f"[{number}]" if number else "")
        written = written_values(own, each)
        written[own] = "used"
        values |= written
    return values


_WRITTEN_OTHERWISE = (*("optimizer", "callbacks", "freeze", "initial_weights", "log", "learning_rate_multipliers"),)
"""Settings that are compared by what they name."""


def _training(spec: Spec, known: Values) -> Values:
    if spec.training is None:
        return {}
    values: Values = {
        path: value
        for path, value in known.items()
        if path.startswith("training.")
        and path.split(".")[1].partition("[")[0] not in _WRITTEN_OTHERWISE
        and not path.startswith("training.lora.layers")
    }
    values |= written_values("training.optimizer", spec.training.optimizer)
    values |= _objects("training.callbacks", spec.training.callbacks)
    values |= {f"training.freeze.{each.text}": "frozen" for each in spec.training.freeze}
    values |= {
        f"training.learning_rate_multipliers.{each.layers.text}": each.factor for each in spec.training.multipliers
    }
    if spec.training.lora is not None:
        values |= {f"training.lora.layers.{each.text}": "adapted" for each in spec.training.lora.layers}
    if spec.training.initial_weights is not None:
        values |= weights_values("training.initial_weights", spec.training.initial_weights)
    assert spec.model.training is not None
    values |= {f"training.log.{each}": "used" for each in spec.model.training.log}
    return values


def _data(spec: Spec, known: Values, inputs: dict[str, str], outputs: dict[str, str]) -> Values:
    if spec.data is None:
        return {}
    values: Values = {}
    folder = spec.path.parent
    names = {"inputs": inputs, "outputs": outputs, "sample_weights": outputs}
    files: dict[str, DataSource] = {}
    for split in spec.data.splits():
        for part, renamed in names.items():
            for name, source in getattr(split, part).items():
                files[f"data.{split.name}.{part}.{renamed.get(name, name)}"] = source
    own = {
        f"data.{split.name}.{part}.{name}": f"data.{split.name}.{part}.{renamed.get(name, name)}"
        for split in spec.data.splits()
        for part, renamed in names.items()
        for name in getattr(split, part)
    }
    for path, value in known.items():
        if not path.startswith("data."):
            continue
        parts = path.split(".")
        prefix = ".".join(parts[:4])
        path = own.get(prefix, prefix) + path[len(prefix) :]
        values[path] = _file(files, path, folder) if parts[-1] in _FILES else value
    if not spec.data.held_out:
        values.pop("data.validation.split", None)
    return values


def _file(files: dict[str, DataSource], path: str, folder: Path) -> FilePath:
    source = files[path.rpartition(".")[0]]
    return file_path(Path(os.path.normpath(folder / source.text)), source.text)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the values of a search; the choices of a parameter are one."""
    if isinstance(value, dict) and value and not path.startswith("search.parameters."):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}")
    else:
        yield path, value
