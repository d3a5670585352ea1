"""The folder of one run: what lies in it, and how it is written so that a reader never sees half a file.

    run.json        status, times, versions, the command's overrides, the last metrics
    spec.yaml       the spec as it was trained: overrides applied, data paths relative to this folder
    history.json    every metric by epoch, as Keras gives it
    model.keras     the trained model, which plain Keras loads
    vocabularies.json    the words of each `vocabulary: auto`, in the order of their indices
    included/       copies of the files that the spec includes

What callbacks write lies beside them. Needs no TensorFlow.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from graphspec.diagnostics import SpecError
from graphspec.document.tree import plain
from graphspec.document.write_yaml import write_yaml
from graphspec.expand import Library
from graphspec.graph import Plugin
from graphspec.rules import BAD_RUN, CANNOT_WRITE
from graphspec.spec import Spec

RECORD, SPEC, HISTORY, MODEL = "run.json", "spec.yaml", "history.json", "model.keras"
VOCABULARIES = "vocabularies.json"
RUNS = Path("runs")


def create(spec: Spec, folder: Path | None) -> Path:
    """An empty run directory: `folder`, or a new one below `runs/<name>`. Raises SpecError where it cannot be had."""
    if folder is None:
        folder = RUNS / spec.name / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise SpecError.of(
                BAD_RUN,
                f"{folder} is not empty, and a run never writes over another",
                help="give another --run-dir, or move the folder away",
            )
    except OSError as error:
        raise _cannot_write(folder, error) from None
    return folder


def newest(path: Path) -> Path:
    """The run at `path`, or the newest run below it. Raises SpecError where there is none."""
    if (path / RECORD).is_file():
        return path
    runs = [record.parent for record in path.glob(f"**/{RECORD}")] if path.is_dir() else []
    if not runs:
        raise SpecError.of(
            BAD_RUN,
            f"there is no run in {path}" if path.exists() else f"there is no folder {path}",
            help="`graphspec train` prints where its run lies; a folder of runs stands for the newest in it",
        )
    return max(runs, key=lambda run: (str(read_json(run / RECORD).get("started", "")), run.name))


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`. Raises SpecError where it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
        reason = "it holds no object"
    except (OSError, ValueError) as error:
        reason = str(error)
    raise SpecError.of(BAD_RUN, f"{path} cannot be read: {reason}", help="the run is incomplete; train again")


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write `value` to `path`, whole or not at all."""
    write(path, lambda part: part.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8"))


def write_spec(folder: Path, spec: Spec) -> None:
    """Write the spec as it was trained, its data paths made relative to `folder`, and the files that it includes."""
    tree = plain(spec.tree)
    tree["name"] = spec.name
    _move_weight_files(tree, Path(spec.path).parent, folder)
    if "data" in tree:
        tree["data"] = plain(spec.model.tree["data"])
        _move_paths(tree["data"], Path(spec.path).parent, folder)
    if "include" in tree:
        tree["include"] = _write_includes(folder, spec.includes, {})
    if "plugins" in tree:
        tree["plugins"] = [_plugin(each, folder) for each in spec.graph.plugins]
    _move_models(tree, Path(spec.path).parent, folder)
    _move_weights(tree.get("training") or {}, "initial_weights", Path(spec.path).parent, folder)
    write(folder / SPEC, lambda part: part.write_text(write_yaml(tree), encoding="utf-8"))


def _write_includes(folder: Path, includes: Iterable[Library], written: dict[Path, str]) -> list[str]:
    """Copy included files, and those that they include, below `included/`; give their paths from `folder`."""
    paths = []
    for library in includes:
        source = library.path.resolve()
        if source not in written:
            written[source] = f"{len(written)}_{library.path.stem}.yaml"
            name = written[source]
            tree = plain(library.written)
            _move_weight_files(tree, library.path.parent, folder / "included")
            if "include" in tree:
                tree["include"] = [
                    path.removeprefix("included/") for path in _write_includes(folder, library.includes, written)
                ]
            _move_models(tree, library.path.parent, folder / "included")
            text = write_yaml(tree)
            write(folder / "included" / name, partial(_write_text, text=text))
        paths.append(f"included/{written[source]}")
    return paths


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


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
    """The plugin as a spec in `folder` names it: with its folder, where it lies in one and is not installed."""
    if not plugin.is_beside:
        return {"module": plugin.module}
    return {"module": plugin.module, "folder": relative(plugin.folder.resolve(), folder.resolve())}


def _move_models(body: dict[str, Any], base: Path, folder: Path) -> None:
    """Move the files that the models of `body` come from, and those of their weights."""
    for model in (body.get("models") or {}).values():
        for key in ("file", "spec", "weights"):
            if not ("application" in model and model.get(key) == "imagenet"):
                _move_weights(model, key, base, folder)
        _move_models(model, base, folder)


def _move_weights(owner: dict[str, Any], key: str, base: Path, folder: Path) -> None:
    """Move the file of weights that `owner[key]` names, alone or under `file`."""
    written = owner.get(key)
    if isinstance(written, str):
        owner[key] = relative((base / written).resolve(), folder.resolve())
    elif isinstance(written, dict):
        _move_weights(written, "file", base, folder)


def _move_weight_files(tree: Any, base: Path, folder: Path) -> None:
    """Move the path of every weight that is filled from a file, wherever an initializer stands."""
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for name, inner in value.items():
                if name.endswith("_initializer") and isinstance(inner, dict) and isinstance(inner.get("file"), str):
                    inner["file"] = relative((base / inner["file"]).resolve(), folder.resolve())
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def relative(path: Path, folder: Path) -> str:
    """`path` seen from `folder`, so that a project moves as a whole; absolute where they share no drive."""
    with suppress(ValueError):
        return Path(os.path.relpath(path, folder)).as_posix()
    return path.as_posix()


def write(path: Path, make: Callable[[Path], object]) -> None:
    """Let `make` write a temporary file beside `path`, flush it to disk and put it in the place of `path`.

    Whoever reads `path` sees the old content or the new, never a part. Raises SpecError where it cannot be written;
    the old content is then still there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=path.suffix)
        os.close(handle)
        part = Path(name)
        try:
            make(part)
            with open(part, "rb+") as file:
                os.fsync(file.fileno())
            part.chmod(0o644)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from None


def _cannot_write(path: Path, error: OSError) -> SpecError:
    reason = (error.strerror or str(error)).lower()
    return SpecError.of(
        CANNOT_WRITE, f"cannot write {path}: {reason}", help="check the path, its permissions and the disk"
    )
