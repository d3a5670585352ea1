"""Calls of operations in a model → units: which tensors feed them, and which constants they have."""

from __future__ import annotations

from typing import Any

from graphspec import catalog
from graphspec.catalog import REQUIRED, Entry
from graphspec.catalog.refused import CODE_CARRYING_OPS, FAILING_OPS
from graphspec.diagnostics.rules import CODE_CARRYING, NO_EQUIVALENT
from graphspec.from_keras.findings import UnwritableError
from graphspec.from_keras.objects import plain, same
from graphspec.from_keras.records import Call, Tensor, tensors_in
from graphspec.from_keras.units import Unit
from graphspec.language.lower.naming import snake_case
from graphspec.language.slices import KEY, key_text

_RANK_OF_VOLUMES = 5
"""Dimensions of a batch of volumes, of which Keras takes patches by the operation for images."""

_ARRAYS = ("__tensor__", "__numpy__")
_BY_THEMSELVES: dict[str, type] = {"float32": float, "int32": int, "bool": bool, "string": str}
"""Dtypes that Keras gives a constant by itself, with the type of its values."""

_FILLED = {
    "ops.one_hot": {"dtype": "float32"},
    "ops.multi_hot": {"dtype": "float32"},
    "ops.image.extract_patches": {"data_format": "channels_last"},
}
"""Defaults that operations of Keras fill in."""


def operation_unit(call: Call) -> Unit:
    """Return a call of an operation as a unit, its constants as slots.

    Raises:
        UnwritableError: No spec can write the call.
    """
    entry = _entry(call)
    names = list(entry.tensors) if len(entry.tensors) == len(entry.taken) else list(entry.taken)
    known = dict(zip(names, call.args, strict=False))
    if len(call.args) > len(known) and list(entry.tensors.values()) != ["each"]:
        raise UnwritableError(NO_EQUIVALENT, f"is called with {len(call.args)} arguments, `{entry.name}` takes fewer")
    if list(entry.tensors.values()) == ["each"]:
        known = {names[0]: list(call.args)}
    known |= {dict(zip(entry.taken, names, strict=True)).get(key, key): value for key, value in call.kwargs.items()}
    constants = {key: value for key, value in call.layer.config.items() if key not in ("name", "dtype", "trainable")}
    if "dtype" in entry.arguments and call.layer.config.get("dtype") is not None:
        constants["dtype"] = call.layer.config["dtype"]
    for key in [key for key, value in _FILLED.get(entry.name, {}).items() if constants.get(key) == value]:
        del constants[key]
    tensors = {key: value for key, value in known.items() if any(True for _ in tensors_in(value))}
    constants |= {key: value for key, value in known.items() if key not in tensors}
    _check_names(entry, constants)
    slots = {
        key: _constant(entry, key, value, call)
        for key, value in constants.items()
        if (key in entry.arguments or entry.is_open)
        and not same(_plain_default(value), entry.arguments.get(key, REQUIRED))
    }
    if entry.name == "ops.image.extract_patches":
        slots = _patches(slots)
    args, keywords = _feed(entry, tensors)
    return Unit(("ops", entry.name), args, keywords, call.result, slots, dict(entry.arguments), call, operands=tensors)


def _patches(slots: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of patches without what Keras fills in: one size for both axes, and for the strides."""
    written = {key: value for key, value in slots.items() if key != "strides" or value != slots.get("size")}
    sizes = written.get("size")
    return written | ({"size": sizes[0]} if isinstance(sizes, list) and len(set(map(str, sizes))) == 1 else {})


def operation_form(name: str, slots: dict[str, Any], unit: Unit) -> Any:
    """Return the shortest way to write an operation: its name, its first constant alone, or all by keyword."""
    if not slots:
        return name
    entry = catalog.find("ops", name)
    assert entry is not None
    fed = [*catalog.fed(entry, len(unit.feed)), *unit.kwargs] if unit.args else list(unit.kwargs)
    free = [key for key in entry.arguments if key not in fed and entry.tensors.get(key) != "each"]
    if list(slots) == free[:1] and not isinstance(slots[free[0]], dict | None):
        return {name: slots[free[0]]}
    return {name: {key: slots[key] for key in (*entry.arguments, *slots) if key in slots}}


def _entry(call: Call) -> Entry:
    class_name = call.layer.class_name
    entry = catalog.operation_of(class_name)
    if class_name == "ExtractPatches" and _takes_volumes(call):
        entry = catalog.find("ops", "ops.image.extract_patches_3d")
    if entry is None:
        name = f"ops.{snake_case(class_name)}"
        is_code = name in CODE_CARRYING_OPS
        raise UnwritableError(
            CODE_CARRYING if is_code else NO_EQUIVALENT,
            f"is the operation `{class_name}`, which no spec can write",
            expected="an operation of `graphspec layers --kind ops`",
            help=CODE_CARRYING_OPS.get(name, "write what it computes as a layer in a plugin"),
        )
    if entry.name in FAILING_OPS:
        raise UnwritableError(
            NO_EQUIVALENT,
            f"is `{entry.name}`, which does not work in graphs of Keras {catalog.keras_version()}",
            help=FAILING_OPS[entry.name],
        )
    return entry


def _takes_volumes(call: Call) -> bool:
    """Return whether patches are of volumes; images have the same class, and a batch of images the rank of a volume."""
    size = call.layer.config.get("size")
    has_depth = isinstance(size, list | tuple) and len(size) == _RANK_OF_VOLUMES - 2
    return has_depth or any(len(tensor.shape) == _RANK_OF_VOLUMES for tensor in call.tensors())


def _check_names(entry: Entry, constants: dict[str, Any]) -> None:
    """Refuse a constant that the function of the operation does not take, unless it says nothing."""
    for key, value in constants.items():
        if key not in entry.arguments and value and not entry.is_open:
            raise UnwritableError(
                NO_EQUIVALENT,
                f"has `{key}: {str(value)[:60]}`, and `{entry.name}` has no such argument",
                expected=f"arguments of `{entry.name}`",
            )


def _plain_default(value: Any) -> Any:
    return value if not isinstance(value, dict) else None if value else value


def _constant(entry: Entry, argument: str, value: Any, call: Call) -> Any:
    """Return a constant as a spec writes it."""
    if (entry.name, argument) == KEY:
        return _key(value)
    if isinstance(value, dict) and value.get("class_name") in _ARRAYS:
        _check_dtype(str(value["config"].get("dtype")), value["config"]["value"], call)
    return plain(value)


def has_usual_dtype(dtype: str, value: Any, call: Call) -> bool:
    """Return whether an array has the dtype that its values alone would have, or another one that does not matter."""
    of_floats = all(tensor.dtype.startswith(("float", "bfloat")) for tensor in call.tensors())
    types = _types_in(value)
    if types <= {_BY_THEMSELVES.get(dtype)} or (of_floats and dtype.startswith(("int", "uint")) and types <= {int}):
        return True
    return dtype == "float32" and of_floats and types <= {int, float}


def _check_dtype(dtype: str, value: Any, call: Call) -> None:
    """Refuse an array of a dtype that its values alone would not have, where that matters."""
    if has_usual_dtype(dtype, value, call):
        return
    problem = (
        "whose values are of another" if dtype in _BY_THEMSELVES else "and one of a spec is float32, int32 or bool"
    )
    raise UnwritableError(
        NO_EQUIVALENT,
        f"has a constant of the dtype {dtype}, {problem}",
        expected="a constant of one of these dtypes",
        help='convert it in the model: `keras.ops.convert_to_tensor(constant, "float32")`, and save it again',
    )


def _types_in(value: Any) -> set[type | None]:
    """Return the types of the values in nested lists."""
    return set().union(*map(_types_in, value)) if isinstance(value, list) else {type(value)}


def _key(value: Any) -> Any:
    """Return the key of a slice, as text unless it is one index."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    parts = value if isinstance(value, list | tuple) else [value]
    return key_text([_part(each) for each in parts])


def _part(value: Any) -> Any:
    name = value.get("class_name") if isinstance(value, dict) else None
    if name == "__slice__":
        config = value["config"]
        bounds = [config[key] for key in ("start", "stop", "step")]
        if all(each is None or (isinstance(each, int) and not isinstance(each, bool)) for each in bounds):
            return slice(*bounds)
    elif name == "__ellipsis__":
        return ...
    elif value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise UnwritableError(
        NO_EQUIVALENT,
        "is a slice by a tensor or an array, which no spec can write",
        expected="indices and slices of whole numbers",
        help="use `keras.ops.take`, and save the model again",
    )


def _feed(entry: Entry, tensors: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the operands by position where the language gives them to the same arguments, else by keyword."""
    for key, value in tensors.items():
        if isinstance(value, list) and not all(isinstance(each, Tensor) for each in value):
            raise UnwritableError(
                NO_EQUIVALENT,
                f"has constants among the tensors of `{key}`, which no spec can write",
                expected="a list of tensors",
                help="make the constant a tensor of the graph, as by `ops.full_like`, and save the model again",
            )
    names = list(tensors)
    first = names[0]
    if entry.tensors.get(first) in ("list", "each") and isinstance(tensors[first], list):
        rest = {key: value for key, value in tensors.items() if key != first}
        if entry.tensors[first] == "each":
            return [tensors[first]], rest
        if catalog.fed(entry, len(tensors[first])) == [first]:
            return [tensors[first]], rest
        return [], tensors
    lists = [key for key in names if isinstance(tensors[key], list)]
    leading = [key for key in names if key not in lists]
    if leading and catalog.fed(entry, len(leading)) == leading:
        return [tensors[key] for key in leading], {key: tensors[key] for key in lists}
    return [], tensors
