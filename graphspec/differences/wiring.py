"""The tensors that calls take, as a spec names them, and apart from layers that only one of two graphs has."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.differences.align import places_of
from graphspec.differences.calls import Calls, LayerCall, TensorSource
from graphspec.language.graph import Expansion


def tensor_text(source: TensorSource, calls: Calls, renamed: dict[str, str] | None = None) -> str:
    """Return a tensor as the spec names it: the input or node that it is, else the layer that returns it."""
    producer = source.producer
    if isinstance(producer, str):
        return producer + source.part
    around = [label for label, _ in places_of(producer.node.label, calls.uses)]
    label = next((each for each in reversed(around) if _is_result(producer, each, calls)), None)
    if label is None:
        label = producer.node.label if producer.node.label not in calls.tensors else producer.name
    return (renamed or {}).get(label, label) + source.part


def _is_result(call: LayerCall, label: str, calls: Calls) -> bool:
    tensor = calls.tensors.get(label)
    return tensor is not None and tensor.producer is call and not tensor.part


def feed_text(inputs: dict[str, TensorSource], calls: Calls) -> str:
    """Return the tensors that a call takes, by their arguments where these tell more than an order."""
    texts = [tensor_text(source, calls) for source in inputs.values()]
    plain = len(inputs) == 1 or all("[" in key for key in inputs)
    return ", ".join(texts if plain else [f"{key}: {text}" for key, text in zip(inputs, texts, strict=True)])


def outer_inputs(calls: list[LayerCall]) -> Iterator[tuple[str, TensorSource]]:
    """Yield the inputs of the calls that come from outside of them."""
    own = set(calls)
    for call in calls:
        yield from (each for each in call.inputs if each[1].producer not in own)


def chain_argument(call: LayerCall, uses: dict[str, Expansion]) -> str | None:
    """Return the argument that takes the result of the step before in the same node; None for a first step."""
    around = dict(places_of(call.node.label, uses))
    for key, source in call.inputs:
        if isinstance(source.producer, LayerCall):
            before = places_of(source.producer.node.label, uses)
            common = next(((label, use) for label, use in before if label in around), None)
            if common is not None and (common[1] != around[common[0]] or not common[1]):
                return key
    return None


def source_behind(source: TensorSource, matched: dict[LayerCall, LayerCall]) -> TensorSource:
    """Return the tensor behind layers that are only in one graph and take one tensor."""
    producer = source.producer
    while isinstance(producer, LayerCall) and producer not in matched and len(producer.inputs) == 1 and not source.part:
        source = producer.inputs[0][1]
        producer = source.producer
    return source
