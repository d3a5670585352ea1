"""The layers of a preset of KerasHub that prepare text and images, which are part of the model and saved with it.

Their files are looked through before KerasHub reads them. A vocabulary is a file beside them, which must lie in the
folder and be no larger than the vocabularies of published models.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from graphspec.checks.files import PRESET_CONFIG
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import MISSING_ARGUMENT, REFUSED_ARGUMENTS
from graphspec.files import check_file
from graphspec.language.graph import PresetPreprocessor
from graphspec.shapes.presets import IMAGE_CONVERTER, PART_FILES, PREPROCESSOR, TOKENIZER
from graphspec.to_keras.hub import import_hub
from graphspec.to_keras.keras_internals import flattened_layers, fresh_layer_names
from graphspec.to_keras.keras_messages import reason
from graphspec.to_keras.presets import backbone_of, folder_of, preset_errors, read_object
from graphspec.to_keras.saved_file import refuse_code

_ASSETS = "assets"
_MAX_ASSET = 32 * 2**20
"""Bytes of a vocabulary. The largest of KerasHub's own presets have a quarter of them."""
_MAX_FILES = 100
_VOCABULARIES = ("vocabulary", "merges", "proto")
"""Arguments of tokenizers that hold what their files of assets hold."""
_KINDS = ("TextClassifierPreprocessor", "ImageClassifierPreprocessor", "TextEmbedderPreprocessor")
"""Preprocessors that give what a backbone takes, and no targets."""


def load_preprocessor(layer: PresetPreprocessor, *, weightless: bool) -> keras.layers.Layer:
    """Return the tokenizer, preprocessor or image converter of a preset.

    Args:
        layer: the layer in the graph.
        weightless: fetch nothing.

    Raises:
        SpecError: KerasHub is not installed, or the preset has none such, would run code, or takes no such arguments.
    """
    hub = import_hub("this model is a part of a preset of KerasHub", layer.source_span)
    folder = folder_of(layer, hub, fetches=not weightless)
    with preset_errors(layer):
        backbone = backbone_of(read_object(folder, PRESET_CONFIG), hub)
        stated = {part: read_object(folder, file) for part, file in PART_FILES.items() if (folder / file).exists()}
        for config in stated.values():
            refuse_code(config, layer.source, layer.source_span)
            _check_names(config)
        _check_assets(folder, may_link=layer.path is None)
        kind = _class(layer, stated, backbone, hub)
    try:
        with fresh_layer_names():
            made: keras.layers.Layer = kind.from_preset(str(folder), name=layer.name, **layer.arguments)
    except Exception as error:
        raise SpecError.of(
            REFUSED_ARGUMENTS,
            f"KerasHub refused to make the {layer.part} of {layer.source}: {reason(error)}",
            layer.source_span,
            expected=f"arguments of `{kind.__name__}` of KerasHub {hub.__version__}, and a preset that is not damaged",
        ) from error
    for each in flattened_layers(made):
        each.supports_jit = False  # XLA knows no text
        if isinstance(each, hub.tokenizers.Tokenizer):
            _keep_vocabulary(each)
    if layer.part == TOKENIZER and getattr(made, "sequence_length", None) is None:
        raise SpecError.of(
            MISSING_ARGUMENT,
            f"the tokenizer of {layer.source} gives as many tokens as each text has, and a model takes equally many",
            layer.source_span,
            expected="`sequence_length`, to which sequences are cut or padded",
            help="write `sequence_length: 128` beside `tokenizer`",
        )
    return made


def _class(layer: PresetPreprocessor, stated: dict[str, dict[str, Any]], backbone: Any, hub: Any) -> Any:
    """Return the class to load. Raises ValueError where the preset has none such."""
    if layer.part != PREPROCESSOR:
        if layer.part not in stated:
            raise ValueError(f"it has no {PART_FILES[layer.part]}")
        base = hub.tokenizers.Tokenizer if layer.part == TOKENIZER else hub.layers.ImageConverter
        return _checked(stated[layer.part], base, PART_FILES[layer.part])
    kinds = tuple(getattr(hub.models, each) for each in _KINDS)
    if PREPROCESSOR in stated:
        found = _checked(stated[PREPROCESSOR], hub.models.Preprocessor, PART_FILES[PREPROCESSOR])
        if issubclass(found, kinds):
            return found
    for kind in kinds:
        for found in _subclasses(kind):
            needs = IMAGE_CONVERTER if found.image_converter_cls is not None else TOKENIZER
            if found.backbone_cls is backbone and needs in stated:
                return found
    raise ValueError("it has no preprocessor that gives what its backbone takes, and nothing else")


def _checked(config: dict[str, Any], base: type, file: str) -> Any:
    found: Any = keras.saving.get_registered_object(str(config["registered_name"]))
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ValueError(f"its {file} describes no {base.__name__}")
    return found


def _subclasses(kind: Any) -> Iterator[Any]:
    for each in kind.__subclasses__():
        yield each
        yield from _subclasses(each)


def _check_names(value: Any) -> None:
    """Raise ValueError where a configuration names files of its own."""
    waiting: list[Any] = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            name = each.get("config_file", "")
            if not isinstance(name, str) or Path(name).name != name:
                raise ValueError(f"its `config_file` {name!r} leads out of the folder")
            if any(isinstance(each.get(key), str) for key in _VOCABULARIES):
                raise ValueError("its tokenizer names a file of its own")
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _check_assets(folder: Path, *, may_link: bool) -> None:
    """Raise ValueError or OSError where vocabularies are too large, no files, or lie elsewhere.

    What Hugging Face has fetched are links to a store of its own.
    """
    root, count = Path(os.path.realpath(folder)), 0
    for base, folders, names in os.walk(folder / _ASSETS):
        for name in (*folders, *names):
            path, count = Path(base) / name, count + 1
            if count > _MAX_FILES:
                raise ValueError(f"it has more than {_MAX_FILES} assets")
            if not may_link and not Path(os.path.realpath(path)).is_relative_to(root):
                raise ValueError(f"its {path.relative_to(folder)} leads out of the folder")
        for name in names:
            check_file(Path(base) / name)
            if (Path(base) / name).stat().st_size > _MAX_ASSET:
                raise ValueError(f"its {name} is larger than {_MAX_ASSET // 2**20} MiB")


def _keep_vocabulary(tokenizer: Any) -> None:
    """Have the configuration of a tokenizer hold its vocabulary.

    KerasHub saves it as an asset, which Keras reads after it has called the layer with text: a saved model that holds
    it in a preprocessor could not be loaded.
    """
    held = {key: getattr(tokenizer, key, None) for key in _VOCABULARIES}
    plain = {
        key: base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
        for key, value in held.items()
        if value is not None
    }
    get_config = tokenizer.get_config
    tokenizer.get_config = lambda: {**get_config(), **plain}
