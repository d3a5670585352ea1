"""The calls between layers: read from the lists of Keras 1 and 2, written as Keras 3 serialises them.

Keras 2 writes a tensor as `[layer, call, index, {keyword arguments}]`, and the keyword arguments of a call at each of
its tensors; Keras 1 writes none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphspec.diagnostics.rules import LEGACY_FORM
from graphspec.from_keras.legacy.place import Place

CONSTANT = "_CONSTANT_VALUE"
"""The name in the place of a layer where a call takes a constant."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A symbolic tensor: the result `index` of the call `call` of a layer."""

    layer: str
    call: int = 0
    index: int = 0


@dataclass(frozen=True, slots=True)
class LayerCall:
    """One call of a layer: its arguments, with a `Ref` for each symbolic tensor.

    Attributes:
        is_list: The first argument is a list of one tensor, which only operations tell from the tensor.
    """

    args: list[Any]
    kwargs: dict[str, Any] = field(default_factory=dict)
    is_list: bool = False


def is_tensor(value: Any) -> bool:
    """Return whether a value is a tensor or a constant as Keras 1 and 2 write it."""
    if not isinstance(value, list | tuple) or len(value) not in (3, 4) or not isinstance(value[0], str):
        return False
    is_numbered = _is_index(value[1]) or value[0] == CONSTANT
    return (
        is_numbered
        and (_is_index(value[2]) or value[0] == CONSTANT)
        and (len(value) == 3 or isinstance(value[3], dict))
    )


def _is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def read_call(written: Any, layers: set[str], place: Place) -> LayerCall:
    """Return the call of a node in the form of Keras 1, 2 or 3.

    Args:
        written: The node.
        layers: The names of all layers of the model, which tell a tensor among the arguments from other lists.
        place: The place of the node.

    Raises:
        FormError: The node is of another form.
    """
    if isinstance(written, dict) and set(written) == {"args", "kwargs"}:
        args = [_revived(each) for each in place.at("args").items(written["args"])]
        return LayerCall(args, {str(key): _revived(each) for key, each in place.mapping(written["kwargs"]).items()})
    keywords: dict[str, Any] = {}
    first = _first_argument(written, keywords, place)
    kwargs = {str(key): _keyword(each, layers) for key, each in keywords.items()}
    if isinstance(first, list) and len(first) == 1:
        return LayerCall(first, kwargs, is_list=True)
    return LayerCall([first], kwargs)


def _first_argument(written: Any, keywords: dict[str, Any], place: Place) -> Any:
    if is_tensor(written):
        if len(written) == 4:
            keywords.update(written[3])
        return written[2] if written[0] == CONSTANT else Ref(*written[:3])
    if isinstance(written, dict):
        return {str(key): _first_argument(each, keywords, place.at(str(key))) for key, each in written.items()}
    if not isinstance(written, list | tuple) or not written:
        raise place.refuse_form("a call as `[layer, call, index]`", written)
    return [_first_argument(each, keywords, place.at(number)) for number, each in enumerate(written)]


def _keyword(value: Any, layers: set[str]) -> Any:
    if is_tensor(value) and value[0] in layers and len(value) == 3:
        return Ref(*value)
    if isinstance(value, dict):
        return {str(key): _keyword(each, layers) for key, each in value.items()}
    return [_keyword(each, layers) for each in value] if isinstance(value, list | tuple) else value


def _revived(value: Any) -> Any:
    """Return a call argument of Keras 3 with a `Ref` for each tensor."""
    if isinstance(value, dict):
        inner = value.get("config")
        history = inner.get("keras_history") if isinstance(inner, dict) else None
        if value.get("class_name") == "__keras_tensor__" and isinstance(history, list) and is_tensor(history):
            return Ref(*history[:3])
        return {str(key): _revived(each) for key, each in value.items()}
    return [_revived(each) for each in value] if isinstance(value, list | tuple) else value


def read_tensors(written: Any, place: Place) -> Any:
    """Return the inputs or outputs of a model, with a `Ref` for each; one in a list stands for itself.

    Raises:
        FormError: They are of another form.
    """
    found = _first_argument(written, {}, place)
    if any(not isinstance(each, Ref) for each in leaves(found)):
        raise place.refuse_form("tensors", written)
    return found[0] if isinstance(found, list) and len(found) == 1 else found


def leaves(value: Any) -> Iterator[Any]:
    """Yield the values in nested lists and mappings, a `Ref` as one."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves(each)
    else:
        yield value


def refs_in(value: Any) -> Iterator[Ref]:
    """Yield every tensor in nested lists and mappings."""
    yield from (each for each in leaves(value) if isinstance(each, Ref))


def replaced(value: Any, by: dict[Ref, Ref]) -> Any:
    """Return a value with other tensors in the place of some."""
    if isinstance(value, Ref):
        return by.get(value, value)
    if isinstance(value, dict):
        return {key: replaced(each, by) for key, each in value.items()}
    return [replaced(each, by) for each in value] if isinstance(value, list) else value


def serialised(value: Any) -> Any:
    """Return call arguments as Keras 3 serialises them.

    Shape and dtype of a tensor are placeholders, as Keras looks at its history alone.
    """
    if isinstance(value, Ref):
        history = [value.layer, value.call, value.index]
        return {
            "class_name": "__keras_tensor__",
            "config": {"shape": [], "dtype": "float32", "keras_history": history},
        }
    if isinstance(value, dict):
        return {key: serialised(each) for key, each in value.items()}
    return [serialised(each) for each in value] if isinstance(value, list) else value


def first_calls(numbers: dict[str, int], used: list[Ref]) -> dict[str, int]:
    """Return the number of the first call of each layer.

    A nested model that was made from its inputs counts its own making as its call 0, so that the calls of a model
    around it begin with 1.

    Args:
        numbers: How many calls each nested model has.
        used: All tensors that are used.
    """
    first = dict.fromkeys(numbers, 0)
    for layer, count in numbers.items():
        calls = {each.call for each in used if each.layer == layer}
        if calls and max(calls) >= count and 0 not in calls:
            first[layer] = 1
    return first


def check_refs(used: list[Ref], numbers: dict[str, int], place: Place) -> bool:
    """Report tensors of layers or calls that are not there, and return whether there are none."""
    unknown = {each for each in used if each.call >= numbers.get(each.layer, 0)}
    for each in sorted(unknown, key=lambda ref: (ref.layer, ref.call)):
        what = f"call {each.call} of the layer `{each.layer}`" if each.layer in numbers else f"a layer `{each.layer}`"
        place.add(LEGACY_FORM, f"a tensor comes from {what}, which is not in the model")
    return not unknown


def places_in(written: Any) -> Iterator[str]:
    """Yield the layers of inputs or outputs, as written."""
    if is_tensor(written):
        yield written[0]
    elif isinstance(written, dict | list | tuple):
        for each in written.values() if isinstance(written, dict) else written:
            yield from places_in(each)
