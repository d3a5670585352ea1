"""Presets of KerasHub: their folders, which are not trusted, and their backbones.

The configuration is looked through before KerasHub reads it, as that of a saved model is. A preset that is named by a
handle is fetched where a model is built with weights, and nowhere else.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from graphspec.checks.files import PRESET_CONFIG, missing_preset
from graphspec.diagnostics import Report, SpecError
from graphspec.diagnostics.rules import UNAVAILABLE_PRESET, UNREADABLE_DATA
from graphspec.files import is_file, open_file
from graphspec.hdf5_file import open_checked
from graphspec.language.graph import PresetModel
from graphspec.to_keras.hub import HUB_OBJECTS, import_hub
from graphspec.to_keras.keras_internals import fresh_layer_names
from graphspec.to_keras.keras_messages import reason
from graphspec.to_keras.saved_file import check_size, max_unpacked, refuse_code

MAX_OBJECT = 64 * 2**20
"""Bytes of a file of JSON that is read."""
_SHARDS = "model.weights.json"
_FILES = ["*.json", "*.h5", "assets/*"]
"""The files of a preset on Hugging Face, beside which there may be others."""


def load_preset(preset: PresetModel, *, weightless: bool, pretrained: bool) -> keras.Model:
    """Return the backbone of a preset.

    Args:
        preset: the preset in the graph.
        weightless: read and allocate no array, and fetch nothing.
        pretrained: load its weights.

    Raises:
        SpecError: KerasHub is not installed, or there is no such preset, or it would run code.
    """
    hub = import_hub("this model is a preset of KerasHub", preset.source_span)
    folder = folder_of(preset, hub, fetches=not weightless)
    with preset_errors(preset):
        config = read_object(folder, PRESET_CONFIG)
        backbone = backbone_of(config, hub)
        refuse_code(config, preset.source, preset.source_span)
        loads = pretrained and not weightless
        if loads:
            check_size(config, _check_weights(folder))
        with fresh_layer_names():
            return backbone.from_preset(str(folder), load_weights=loads)


@contextmanager
def preset_errors(preset: PresetModel) -> Iterator[None]:
    """Raise SpecError at the preset for every other error that reading it raises."""
    try:
        yield
    except SpecError:
        raise
    except Exception as error:
        raise SpecError.of(
            UNREADABLE_DATA,
            f"{preset.source} cannot be read as a preset: {reason(error)}",
            preset.source_span,
            expected="the folder that `save_to_preset` of a KerasHub backbone wrote",
            help="the preset is damaged or of another kind; save it again, with a KerasHub no newer than the installed",
        ) from error


def backbone_of(config: dict[str, Any], hub: Any) -> Any:
    """Return the class of the backbone that a configuration describes. Raises ValueError if there is none."""
    found: Any = keras.saving.get_registered_object(str(config.get("registered_name")))
    if not (isinstance(found, type) and issubclass(found, hub.models.Backbone)):
        raise ValueError(f"its {PRESET_CONFIG} describes no backbone of KerasHub {hub.__version__}")
    return found


def read_object(folder: Path, name: str) -> dict[str, Any]:
    """Return the serialised object of KerasHub in a file of a preset. Raises ValueError for another file."""
    with open_file(folder / name) as file:
        text = file.read(MAX_OBJECT + 1)
    if len(text) > MAX_OBJECT:
        raise ValueError(f"its {name} is too large")
    config = json.loads(text)
    if not isinstance(config, dict) or not str(config.get("registered_name")).startswith(HUB_OBJECTS):
        raise ValueError(f"its {name} is not of KerasHub")
    return config


def _check_weights(folder: Path) -> int:
    """Return the bytes that the weights of a preset may unpack to. Raises an exception of any type if unsafe."""
    if (folder / _SHARDS).exists():
        with open_file(folder / _SHARDS) as file:
            shards = json.loads(file.read(MAX_OBJECT))["weight_map"].values()
        names = {name for each in shards for name in (each if isinstance(each, list) else [each])}
        if any(Path(name).name != name for name in names):
            raise ValueError(f"its {_SHARDS} leads out of the folder")
    unpacked = 0
    for path in sorted(folder.glob("*.h5")):
        with open_file(path) as file, open_checked(file, max_unpacked(path)):
            unpacked += max_unpacked(path)
    return unpacked


def folder_of(preset: PresetModel, hub: Any, *, fetches: bool) -> Path:
    """Return the folder of a preset, fetched if need be. Raises SpecError if there is none."""
    if preset.path is not None:
        if not is_file(preset.path / PRESET_CONFIG):
            raise SpecError(Report([missing_preset(preset, preset.path)]))
        return preset.path
    scheme, separator, name = preset.source.partition("://")
    if not separator:
        known = hub.models.Backbone.presets
        if preset.source not in known:
            raise _unavailable(preset, f"KerasHub {hub.__version__} has no preset of this name")
        scheme, _, name = str(known[preset.source]["kaggle_handle"]).partition("://")
    try:
        return _from_kaggle(name, fetches) if scheme == "kaggle" else _from_hugging_face(name, fetches)
    except FileNotFoundError:
        raise _unavailable(preset, "it has not been fetched, and what builds no weights fetches none") from None
    except Exception as error:
        raise _unavailable(preset, f"it cannot be fetched: {reason(error)}") from error


def _from_kaggle(name: str, fetches: bool) -> Path:
    """Return the folder of a preset of Kaggle. Raises FileNotFoundError if it may not be fetched."""
    hub = importlib.import_module("kagglehub")
    if not fetches:
        handle = importlib.import_module("kagglehub.handle").parse_model_handle(name)
        cached = Path(importlib.import_module("kagglehub.cache").get_cached_path(handle))
        if not (cached / PRESET_CONFIG).is_file():
            raise FileNotFoundError(name)
        return cached
    return Path(hub.model_download(name))


def _from_hugging_face(name: str, fetches: bool) -> Path:
    """Return the folder of a preset of Hugging Face. Raises FileNotFoundError if it may not be fetched."""
    hub = importlib.import_module("huggingface_hub")
    try:
        return Path(hub.snapshot_download(name, local_files_only=True, allow_patterns=_FILES))
    except FileNotFoundError:
        if not fetches:
            raise
    return Path(hub.snapshot_download(name, allow_patterns=_FILES))


def _unavailable(preset: PresetModel, why: str) -> SpecError:
    return SpecError.of(
        UNAVAILABLE_PRESET,
        f"the preset `{preset.source}` is not on this machine: {why}",
        preset.source_span,
        expected="the folder of a preset, or a handle of one that can be fetched",
        help="check the handle and the connection, or name a folder: `./` before a path",
    )
