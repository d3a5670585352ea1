"""The outputs of a preset's backbone, from its configuration, where it is one of those that take tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graphspec.catalog.backbones import LENGTH, TokenBackbone, token_backbone
from graphspec.diagnostics.rules import WRONG_DTYPE
from graphspec.diagnostics.suggest import one_of
from graphspec.language.graph import PresetModel
from graphspec.shapes.call import Refusal
from graphspec.shapes.model_inputs import refuse_others
from graphspec.shapes.presets import Config, read_object
from graphspec.shapes.tensor import MAX_ELEMENTS, UNKNOWN, Size, Tensor, Value, tensors

_BACKBONE = "config"


def read_backbone(folder: Path) -> tuple[TokenBackbone, Config] | None:
    """Return what is known of the backbone of a preset, with its arguments; None where it is another one."""
    written = read_object(folder, _BACKBONE)
    config = written.get("config") if written is not None else None
    found = token_backbone(str(written.get("registered_name"))) if written is not None else None
    if found is None or not isinstance(config, dict):
        return None
    if any(config.get(name, value) != value for name, value in found.fixed.items()):
        return None
    return found, config


def encoded(layer: PresetModel, value: Value, dtype: str) -> Value:
    """Return the outputs of a backbone; UNKNOWN for one that is not known, and in mixed precision.

    Raises:
        Refusal: it does not get exactly its inputs, or gets text.
    """
    found = read_backbone(layer.path) if layer.path is not None and dtype == "float32" else None
    if found is None:
        return UNKNOWN
    backbone, config = found
    taken = list(tensors(value))
    if value is not UNKNOWN:
        _refuse_text(layer, backbone.inputs, value)
        refuse_others(layer.name, backbone.inputs, value)
    if any(isinstance(each, Tensor) and each.rank != 2 for each in taken):
        return UNKNOWN  # building it says what is wrong
    known = [each for each in taken if isinstance(each, Tensor)]
    lengths = {each.shape[1] for each in known}
    batches = {each.shape[0] for each in known} - {None}
    batch = batches.pop() if len(batches) == 1 else None
    sizes = {name: each for name, each in config.items() if _is_size(each)}
    if len(lengths) == 1 and len(known) == len(taken):
        sizes[LENGTH] = lengths.pop()
    outputs: dict[str, Value] = {name: _tensor(batch, shape, sizes) for name, shape in backbone.outputs.items()}
    outputs |= {tap.text: UNKNOWN for tap in layer.taps}
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs


def _tensor(batch: Size, shape: list[str], sizes: dict[str, Size]) -> Value:
    """Return a tensor of named sizes; UNKNOWN where one of them is."""
    if any(name not in sizes for name in shape):
        return UNKNOWN
    return Tensor((batch, *(sizes[name] for name in shape)))


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_ELEMENTS


def _refuse_text(layer: PresetModel, names: Sequence[str], value: Value) -> None:
    """Refuse text for the inputs of the backbone."""
    if any(isinstance(each, Tensor) and each.dtype == "string" for each in tensors(value)):
        raise Refusal(
            WRONG_DTYPE,
            f"the backbone of {layer.source} takes token ids, but received text",
            expected=f"its {'input' if len(names) == 1 else 'inputs'} {one_of(names)}",
            help=f"apply its preprocessor first, in `models`: `{{preprocessor: {layer.source}, sequence_length: 64}}`",
        )
