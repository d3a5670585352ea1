"""The files of a preset of KerasHub that tell how it prepares text and images, and the tensors that this gives.

A preset is a folder of JSON files, each of one serialised object of KerasHub with all its arguments: `tokenizer.json`,
`image_converter.json`, and `preprocessor.json`, which holds one of the two. What is not understood is unknown here, and
whoever builds the model says what is wrong with it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from graphspec.catalog.backbones import TOKENS, token_backbone
from graphspec.diagnostics.rules import MISSING_ARGUMENT, WRONG_DTYPE, WRONG_RANK
from graphspec.files import open_file
from graphspec.language.graph import PresetPreprocessor
from graphspec.shapes.call import Refusal
from graphspec.shapes.tensor import UNKNOWN, Size, Tensor, TooLargeError, Value

TOKENIZER, PREPROCESSOR, IMAGE_CONVERTER = "tokenizer", "preprocessor", "image_converter"
PART_FILES = {each: f"{each}.json" for each in (TOKENIZER, PREPROCESSOR, IMAGE_CONVERTER)}
MAX_CONFIG = 16 * 2**20
"""Bytes of a configuration that is read."""

_CLASSIFIER = "TextClassifierPreprocessor"
"""The end of the class whose file states a length that is used; of others KerasHub makes one anew."""

Config = dict[str, Any]


def read_object(folder: Path, name: str) -> dict[str, Any] | None:
    """Return the serialised object in a file of a preset; None where there is no such file, or it holds none."""
    try:
        with open_file(folder / f"{name}.json") as file:
            text = file.read(MAX_CONFIG + 1)
        found = json.loads(text) if len(text) <= MAX_CONFIG else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def read_part(folder: Path, part: str) -> Config | None:
    """Return the arguments of a tokenizer, preprocessor or image converter; None where the preset states none."""
    return _arguments(read_object(folder, part))


def prepared(layer: PresetPreprocessor, value: Value) -> Value:
    """Return what a tokenizer, preprocessor or image converter gives; UNKNOWN where that is not understood.

    Raises:
        Refusal: it takes no such tensor, or gives sequences of several lengths.
    """
    kind, config = _kind(layer)
    if not kind or not isinstance(value, Tensor):
        return UNKNOWN
    is_text = kind == TOKENIZER
    if (value.dtype == "string") is not is_text:
        raise Refusal(
            WRONG_DTYPE,
            f"the {_words(layer)} of {layer.source} takes {'text' if is_text else 'images'}, "
            f"but received {value} of {value.dtype}",
            expected="(batch,) of string" if is_text else "(batch, height, width, channels) of numbers",
            help="declare the input as `{shape: [], dtype: string}`" if is_text else "",
        )
    rank = 4 if not is_text else 1 if layer.part == PREPROCESSOR else value.rank
    if value.rank != rank:
        raise Refusal(
            WRONG_RANK,
            f"the {_words(layer)} of {layer.source} takes {'one text' if is_text else 'one image'} a sample, "
            f"but received {value}",
            expected="(batch,) of string" if is_text else "(batch, height, width, channels)",
            help="declare the input as `{shape: [], dtype: string}`" if is_text else "",
        )
    try:
        return _tokens(layer, config, value) if is_text else _image(layer, config, value)
    except TooLargeError:
        return UNKNOWN


def _kind(layer: PresetPreprocessor) -> tuple[str, Config]:
    """Return whether a layer is, or holds, a tokenizer or an image converter, with its arguments; empty if unknown."""
    config = read_part(layer.path, layer.part) if layer.path is not None else None
    if layer.part != PREPROCESSOR:
        return layer.part, config or {}
    if layer.path is None:
        return "", {}
    if config is None:
        found = {part: read_part(layer.path, part) for part in (TOKENIZER, IMAGE_CONVERTER)}
    else:
        found = {part: _arguments(config.get(part)) for part in (TOKENIZER, IMAGE_CONVERTER)}
    held = [(part, inner) for part, inner in found.items() if inner is not None]
    return held[0] if len(held) == 1 else ("", {})


def takes_images(layer: PresetPreprocessor) -> bool:
    """Return whether a layer of a preset is known to take images."""
    return _kind(layer)[0] == IMAGE_CONVERTER


def _arguments(serialised: Any) -> Config | None:
    config = serialised.get("config") if isinstance(serialised, dict) else None
    return config if isinstance(config, dict) else None


def _words(layer: PresetPreprocessor) -> str:
    return layer.part.replace("_", " ")


def _tokens(layer: PresetPreprocessor, config: Config, text: Tensor) -> Value:
    """Return the token ids of text; of a preprocessor all that its backbone takes."""
    if layer.part == PREPROCESSOR:
        return _inputs(layer, text)
    length = layer.arguments.get("sequence_length", config.get("sequence_length"))
    if length is None and config:
        raise Refusal(
            MISSING_ARGUMENT,
            f"the tokenizer of {layer.source} gives as many tokens as each text has, and a model takes equally many",
            expected="`sequence_length`, to which sequences are cut or padded",
            help="write `sequence_length: 128` beside `tokenizer`",
        )
    dtype = _dtype(config)
    return Tensor((*text.shape, length), dtype) if isinstance(length, int) and dtype is not None else UNKNOWN


def _inputs(layer: PresetPreprocessor, text: Tensor) -> Value:
    """Return the inputs of a backbone of tokens; UNKNOWN for another."""
    assert layer.path is not None
    backbone = token_backbone(str((read_object(layer.path, "config") or {}).get("registered_name")))
    written = read_object(layer.path, PREPROCESSOR) or {}
    stated = _arguments(written) if str(written.get("registered_name")).endswith(_CLASSIFIER) else None
    length = layer.arguments.get("sequence_length", (stated or {}).get("sequence_length"))
    if backbone is None or not isinstance(length, int):
        return UNKNOWN
    return {name: Tensor((*text.shape, length), dtype) for name, dtype in TOKENS.items() if name in backbone.inputs}


def _image(layer: PresetPreprocessor, config: Config, image: Tensor) -> Value:
    """Return an image that is resized, scaled and offset."""
    config = {**config, **layer.arguments}
    dtype, scale, size = _dtype(config), config.get("scale"), config.get("image_size")
    if (
        dtype is None
        or scale is None
        or not all(_is_of_channels(config.get(each), image) for each in ("scale", "offset"))
    ):
        return UNKNOWN
    height: Size
    width: Size
    _, height, width, channels = image.shape
    if size is not None:
        if not (isinstance(size, list) and len(size) == 2 and all(isinstance(each, int) for each in size)):
            return UNKNOWN
        height, width = size
    return Tensor((image.shape[0], height, width, channels), dtype)


def _is_of_channels(value: Any, image: Tensor) -> bool:
    """Return whether a scale or an offset leaves the channels of an image as many as they are."""
    return not isinstance(value, list) or len(value) in (1, image.shape[-1])


def _dtype(config: Config) -> str | None:
    """Return the dtype that a layer computes in; None where it is stated otherwise than by its name."""
    policy = _arguments(config.get("dtype"))
    name = policy.get("name") if policy is not None else config.get("dtype")
    return name if isinstance(name, str) and "_" not in name else None
