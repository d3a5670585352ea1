"""Masks that Keras passes on by itself.

Keras computes the mask of an `Embedding` or of `Masking` by operations of the graph, and writes it at every layer that
it reaches, as if the model had passed it. Such masks are left out: the built model computes them again.
"""

from __future__ import annotations

from graphspec import catalog
from graphspec.from_keras.records import Call, Tensor

_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional")

_Calls = dict[tuple[str, int], Call]
"""Calls by their layers and numbers."""


def automatic_masks(calls: list[Call]) -> set[tuple[str, int, str]]:
    """Return the masks that Keras would pass by itself: the layer, the number of its call, and the argument."""
    by_result = {(call.layer.name, call.number): call for call in calls}
    found = set()
    for call in calls:
        for key, masked in _masked_arguments(call).items():
            mask = call.kwargs[key]
            source = _masked_source(call, masked, by_result)
            if source is not None and _is_mask_of(mask, source, by_result):
                found.add((call.layer.name, call.number, key))
    return found


def _masked_arguments(call: Call) -> dict[str, Tensor]:
    """Return the tensors of a call by the arguments that hold their masks: `mask` of the first, `query_mask`, ...

    A recurrent layer that starts from a state looks for no mask.
    """
    if call.kwargs.get("initial_state") is not None:
        return {}
    entry = catalog.find("layers", call.layer.class_name)
    names = list(entry.call) if entry is not None else []
    tensors = {**dict(zip(names, call.args, strict=False)), **call.kwargs}
    masks = {f"{name}_mask": value for name, value in tensors.items()}
    if len(call.args) == 1:
        masks["mask"] = call.args[0]
    return {
        key: value
        for key, value in masks.items()
        if isinstance(value, Tensor) and isinstance(call.kwargs.get(key), Tensor)
    }


def _masked_source(user: Call, tensor: Tensor, by_result: _Calls) -> Call | None:
    """Return the call of the `Embedding` or of `Masking` that gives a tensor its mask, until `user` takes it; or None.

    A layer of another dtype than that before it casts what it takes, and a cast has no mask.
    """
    dtypes = {_dtype(user)}
    while True:
        call = by_result.get((tensor.layer, tensor.call))
        if call is None or tensor.index or len(call.args) != 1 or not isinstance(call.args[0], Tensor):
            return None
        layer = call.layer
        dtypes.add(_dtype(call))
        if len(dtypes) > 1:
            return None
        if layer.class_name == "Masking" or (layer.class_name == "Embedding" and layer.config.get("mask_zero") is True):
            return call
        entry = catalog.find("layers", layer.class_name)
        inner = layer.config.get("layer") if layer.class_name == "Bidirectional" else None
        config = inner["config"] if isinstance(inner, dict) and isinstance(inner.get("config"), dict) else layer.config
        is_sequence = layer.class_name in _RECURRENT and config.get("return_sequences") is True
        if entry is None or not (entry.masks == "passes" or is_sequence):
            return None
        tensor = call.args[0]


def _dtype(call: Call) -> str:
    """Return the name of the dtype policy of a layer, or what stands in its place."""
    policy = call.layer.config.get("dtype")
    config = policy.get("config") if isinstance(policy, dict) else None
    return str(config.get("name") if isinstance(config, dict) else policy)


def _is_mask_of(mask: Tensor, source: Call, by_result: _Calls) -> bool:
    """Return whether a tensor is the mask that a layer computes of what it takes."""
    call = by_result.get((mask.layer, mask.call))
    padding = 0
    if source.layer.class_name == "Masking":
        padding = source.layer.config.get("mask_value", 0)
        if call is None or call.layer.class_name != "Any" or len(call.args) != 1:
            return False
        reduced = call.layer.config.get("axis"), call.layer.config.get("keepdims")
        if reduced != (-1, False) or not isinstance(call.args[0], Tensor):
            return False
        call = by_result.get((call.args[0].layer, call.args[0].call))
    return call is not None and call.layer.class_name == "NotEqual" and call.args == [source.args[0], padding]
