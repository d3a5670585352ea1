"""`spec.yaml` of a run: the resolved spec, with paths relative to the run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graphspec.checks.files import LOOKUPS, VOCABULARY
from graphspec.language.document.tree import plain
from graphspec.language.document.write_yaml import write_yaml
from graphspec.language.expand import Library
from graphspec.language.expand.literal import literal
from graphspec.language.graph import Plugin
from graphspec.language.schema.model import PRESET_PARTS
from graphspec.run_directory.files import make_folder, relative, write_json, write_text
from graphspec.run_directory.records import read_lock, read_provenance
from graphspec.run_directory.spec_hash import KEY, is_comparable, spec_record
from graphspec.run_directory.spec_values import EPOCHS, epochs_path, sha256_of, values_of
from graphspec.run_paths import INCLUDED, LOCK, PROVENANCE, SPEC, is_url
from graphspec.spec import Spec

_REPLACED, _MAX_NAME = r"[^A-Za-z0-9_-]", 80
"""Characters of the name of an included file that its copy replaces, and the length of that name."""


def write_spec(folder: Path, spec: Spec) -> None:
    """Write the resolved spec and copies of included files into `folder`."""
    tree = plain(spec.tree)
    tree["name"] = spec.name
    if spec.model.training is not None and spec.model.training.has_automatic_batch_size:
        tree["training"]["batch_size"] = spec.model.training.batch_size
    _move_weight_files(tree, Path(spec.path).parent, folder)
    if "data" in tree:
        tree["data"] = literal(plain(spec.model.tree["data"]))
        _move_paths(tree["data"], Path(spec.path).parent, folder)
    if "include" in tree:
        tree["include"] = _write_includes(folder, spec.includes, {})
    if "plugins" in tree:
        tree["plugins"] = [_plugin(each, folder) for each in spec.graph.plugins]
    _move_models(tree, Path(spec.path).parent, folder)
    _move_weights(tree, "weights", Path(spec.path).parent, folder)
    _move_weights(tree.get("training") or {}, "initial_weights", Path(spec.path).parent, folder)
    write_text(folder / SPEC, write_yaml(tree))


def change_epochs(run: Path, spec: Spec) -> dict[str, Any]:
    """Write the number of epochs of `spec` into `run`, and return its new lock.

    The lock gets the hash of the new spec before the spec is replaced, so that a run killed in between can be resumed.
    """
    assert spec.model.training is not None
    values, lock = values_of(spec), read_lock(run)
    path = epochs_path(values)
    epochs, all_epochs = values[path], spec.model.training.all_epochs
    if is_comparable(lock):
        write_json(run / LOCK, {**lock, KEY: {**lock[KEY], "next": sha256_of(values)}})
    write_text(run / SPEC, write_yaml(plain(spec.tree)))
    origins = read_provenance(run) if os.path.lexists(run / PROVENANCE) else {}
    origins[path] = {"value": epochs, "from": f"--resume --set {EPOCHS}={all_epochs}"}
    write_json(run / PROVENANCE, origins)
    lock = {**lock, KEY: spec_record(values)}
    write_json(run / LOCK, lock)
    return lock


def _write_includes(folder: Path, includes: Iterable[Library], names: dict[Path, str]) -> list[str]:
    """Copy included files, recursively, below `included/`; return their paths relative to `folder`."""
    paths = []
    for library in includes:
        source = library.path.resolve()
        if source not in names:
            names[source] = f"{len(names)}_{re.sub(_REPLACED, '_', library.path.stem)[:_MAX_NAME]}.yaml"
            name = names[source]
            tree = plain(library.written)
            _move_weight_files(tree, library.path.parent, folder / INCLUDED)
            if "include" in tree:
                tree["include"] = [
                    path.removeprefix(f"{INCLUDED}/") for path in _write_includes(folder, library.includes, names)
                ]
            _move_models(tree, library.path.parent, folder / INCLUDED)
            make_folder(folder / INCLUDED)
            write_text(folder / INCLUDED / name, write_yaml(tree))
        paths.append(f"{INCLUDED}/{names[source]}")
    return paths


def _move_paths(data: dict[str, Any], base: Path, folder: Path) -> None:
    for split in data.values():
        holders = [
            split,
            *(s for part in ("inputs", "outputs", "sample_weights") for s in split.get(part, {}).values()),
        ]
        for holder in holders:
            for key in ("file", "files"):
                if isinstance(holder.get(key), str):
                    holder[key] = relative((base / holder[key]).resolve(), folder.resolve())


def _plugin(plugin: Plugin, folder: Path) -> dict[str, Any]:
    """Return the entry of a plugin in a spec in `folder`."""
    if not plugin.is_beside:
        return {"module": plugin.module}
    return {"module": plugin.module, "folder": relative(plugin.folder.resolve(), folder.resolve())}


def _move_models(body: dict[str, Any], base: Path, folder: Path) -> None:
    """Make the paths of the models of `body` and of their weights relative to `folder`."""
    for model in (body.get("models") or {}).values():
        for key in ("file", "spec", "weights"):
            if not ("application" in model and model.get(key) == "imagenet"):
                _move_weights(model, key, base, folder)
        for key in ("preset", *PRESET_PARTS):
            if "/" in str(model.get(key, "")) and "://" not in model[key]:
                _move_weights(model, key, base, folder)
        _move_models(model, base, folder)


def _move_weights(owner: dict[str, Any], key: str, base: Path, folder: Path) -> None:
    """Make the path of the weight file in `owner[key]` relative to `folder`."""
    weights = owner.get(key)
    if isinstance(weights, str):
        owner[key] = relative((base / weights).resolve(), folder.resolve())
    elif isinstance(weights, dict):
        _move_weights(weights, "file", base, folder)


def _move_weight_files(tree: Any, base: Path, folder: Path) -> None:
    """Make the path of every array of a weight or a constant, and of every vocabulary, relative to `folder`."""
    pending = [tree]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            for name, inner in value.items():
                is_array = name in ("constant", "initializer") or name.endswith("_initializer")
                if is_array and isinstance(inner, dict) and isinstance(inner.get("file"), str):
                    inner["file"] = relative((base / inner["file"]).resolve(), folder.resolve())
                words = inner.get(VOCABULARY) if name in LOOKUPS and isinstance(inner, dict) else None
                if isinstance(words, str) and not is_url(words):
                    inner[VOCABULARY] = relative((base / words).resolve(), folder.resolve())
            pending += value.values()
        elif isinstance(value, list):
            pending += value
