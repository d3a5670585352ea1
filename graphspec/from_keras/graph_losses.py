"""Losses that a model computes in its graph, as `losses` of a spec are built: found among its records, and taken out.

Their mean goes through a `Rescaling` by the weight, whose activity is added to the total loss; the first output ends in
an `Identity` that takes them in.
"""

from __future__ import annotations

from collections.abc import Callable

from graphspec.from_keras.records import Body, Call, GraphLoss, LayerRecord, Tensor

_ADDED = {"module": "keras.regularizers", "class_name": "L1", "config": {"l1": 1.0}}


def take_losses(body: Body) -> None:
    """Move the losses of a model from its calls to `body.losses`, where it is of this form; else leave it as it is."""
    if not body.outputs:
        return
    name, output = next(iter(body.outputs.items()))
    calls = {(call.layer.name, call.number): call for call in body.calls}
    takers: dict[Tensor, list[Call]] = {}
    for call in body.calls:
        for tensor in call.tensors():
            takers.setdefault(tensor, []).append(call)
    anchor = calls.get((output.layer, output.call))
    if anchor is None or anchor.layer.class_name != "Identity" or len(anchor.layer.calls) != 1 or output.index:
        return
    operands = anchor.args[0] if anchor.args else None
    if not isinstance(operands, list) or len(operands) < 2 or output in takers:
        return
    losses: dict[str, GraphLoss] = {}
    removed = [anchor]
    for tensor in operands[1:]:
        rescaled = calls.get((tensor.layer, tensor.call))
        mean = calls.get((taken.layer, taken.call)) if (taken := _operand(rescaled, _rescales)) else None
        source = _operand(mean, _averages)
        if rescaled is None or mean is None or source is None:
            return
        if takers[tensor] != [anchor] or takers[mean.result] != [rescaled]:
            return
        losses[rescaled.layer.name] = GraphLoss(source, float(rescaled.layer.config["scale"]))
        removed += [rescaled, mean]
    named = calls.get((operands[0].layer, operands[0].call))
    ended = _operand(named, lambda layer: layer.class_name == "Identity" and layer.name == f"{name}_identity")
    if named is not None and ended is not None and takers[operands[0]] == [anchor]:  # the language adds it again
        removed.append(named)
    body.losses = losses
    body.outputs[name] = ended if named in removed and ended is not None else operands[0]
    body.calls = [call for call in body.calls if call not in removed]
    for call in removed:
        del body.layers[call.layer.name]


def _operand(call: Call | None, fits: Callable[[LayerRecord], bool]) -> Tensor | None:
    """Return the one tensor that a call of a layer takes, if the layer fits."""
    if call is None or not fits(call.layer) or len(call.layer.calls) != 1 or call.kwargs:
        return None
    (operand,) = call.args if len(call.args) == 1 else (None,)
    return operand if isinstance(operand, Tensor) else None


def _rescales(layer: LayerRecord) -> bool:
    """Return whether a layer weighs a loss and adds it to the total."""
    config, added = layer.config, layer.config.get("activity_regularizer")
    is_added = isinstance(added, dict) and {key: added.get(key) for key in _ADDED} == _ADDED
    scale = config.get("scale")
    is_weight = isinstance(scale, int | float) and scale > 0 and config.get("offset") == 0
    return layer.class_name == "Rescaling" and is_added and is_weight


def _averages(layer: LayerRecord) -> bool:
    """Return whether a layer is the mean over all axes."""
    return layer.is_operation and layer.class_name == "Mean" and layer.config.get("axis") is None
