"""Lower nodes that begin with `constant` or `weight`, in the place of `from`.

A constant is `ops.array` of its values. A weight is an `Embedding` of all its rows, so that plain Keras saves and loads
it: its last axis is that of the table, and all others are its rows.
"""

from __future__ import annotations

import math
from typing import Any

from graphspec import catalog
from graphspec.diagnostics import Report, Span
from graphspec.diagnostics.rules import BAD_CONSTANT, BAD_WEIGHT
from graphspec.diagnostics.suggest import kind_of, one_of
from graphspec.language.arrays import RaggedError, array_dtype, items_of, limits_of, nested_shape
from graphspec.language.document.tree import Located, plain
from graphspec.language.graph import KerasLayer, Operation, Step
from graphspec.language.lower.files import is_weight_file, read_weight_file
from graphspec.language.lower.objects import read_object
from graphspec.language.objects import Object
from graphspec.language.schema.model import NodeModel, StepsModel, WeightModel

MAX_CONSTANT = 10_000_000
"""Numbers of a constant, which a saved model holds as text."""

MAX_WEIGHT = 2**31
"""Numbers of a weight."""

_FLOATS = ("float32", "float16", "bfloat16", "float64")
_MATRIX = 2
_ALONG_AXES = {"axis", "mode"}
"""Arguments of constraints and regularizers that look at rows or columns, which are others in the table of a weight."""

_DEFAULT_INITIALIZER = "glorot_uniform"
"""That of Keras' `add_weight`."""


def read_beginning(model: StepsModel, report: Report) -> list[Step] | None:
    """Return the steps that make the constant or the weight of a node.

    Args:
        model: The node.
        report: Receives the diagnostics.

    Returns:
        The steps, none for a node that begins with `from` or with an operation; None where they are faulty.
    """
    if not isinstance(model, NodeModel):
        return []
    begins = [key for key in ("constant", "weight", "from") if model.states(key)]
    if not model.states("constant") and not model.states("weight"):
        return [] if _has_no_dtype(model, report) else None
    rule = BAD_CONSTANT if model.states("constant") else BAD_WEIGHT
    if len(begins) > 1:
        report.add(
            rule,
            f"a node begins with {' and with '.join(f'`{key}`' for key in begins)}",
            model.key_span(begins[0]),
            expected="one of them",
            help="give the constant or weight a node of its own, and name it in `from`",
        )
        return None
    if model.states("merge"):
        report.add(
            rule,
            f"`merge` has nothing to join in a node with `{begins[0]}`",
            model.key_span("merge"),
            expected="a node with a list of tensors in `from`",
            help="name this node in the `from` of another, which merges it",
        )
        return None
    if model.states("constant"):
        return _read_constant(model, report)
    return _read_weight(model.weight, report) if model.weight is not None and _has_no_dtype(model, report) else None


def _has_no_dtype(model: NodeModel, report: Report) -> bool:
    if model.states("dtype"):
        where = "write it inside of `weight`" if model.states("weight") else "cast a tensor: `apply: {ops.cast: int32}`"
        report.add(BAD_CONSTANT, "only a node with `constant` has a `dtype`", model.key_span("dtype"),
                   expected="a node with `constant`", help=where)  # fmt: skip
        return False
    return True


# --- Constants ------------------------------------------------------------------------------------------------


def _read_constant(model: NodeModel, report: Report) -> list[Step] | None:
    written, dtype = model.located("constant"), model.dtype
    if report.is_open(written.span) or report.is_open(model.located("dtype").span if model.states("dtype") else None):
        return None
    value: Any
    if is_weight_file(written):
        value = read_weight_file(written, report)
        if value is None:
            return None
    else:
        value = plain(written.value)
        if not _are_numbers(written, report) or not _fit(value, written, dtype, report):
            return None
        dtype = dtype or array_dtype(value)
    if dtype == "string":
        report.add(BAD_CONSTANT, "a constant holds no text", model.located("dtype").span,
                   expected="a dtype of numbers", help="feed text by an input of dtype `string`")  # fmt: skip
        return None
    arguments = {"x": value} | ({"dtype": dtype} if dtype is not None else {})
    return [_operation("ops.array", arguments, model.key_span("constant"), {"x": written.span})]


def _are_numbers(written: Located, report: Report) -> bool:
    """Return whether a constant is a number, or lists of numbers at any depth; reports the first value that is none."""
    waiting = [written]
    while waiting:
        item = waiting.pop()
        if isinstance(item.value, list):
            if not item.value:
                report.add(BAD_CONSTANT, "a constant has an empty list", item.span, expected="numbers")
                return False
            waiting += item.as_list()[::-1]
        elif not isinstance(item.value, bool | int | float):
            is_path = isinstance(item.value, str) and item.value.endswith((".npy", ".npz"))
            help = f"write `constant: {{file: {item.value}}}`" if is_path else ""
            report.add(
                BAD_CONSTANT,
                f"a constant {f'holds {kind_of(item.value)}' if item.value is not None else 'is empty here'}",
                item.span,
                expected="a number, lists of numbers, or `{file: x.npy}`",
                help=help,
            )
            return False
    return True


def _fit(value: Any, written: Located, dtype: str | None, report: Report) -> bool:
    """Return whether numbers are an array of their dtype."""
    try:
        shape = nested_shape(value)
    except RaggedError:
        report.add(BAD_CONSTANT, "the lists of a constant differ in length", written.span,
                   expected="lists of one length at each depth", help="pad the shorter ones")  # fmt: skip
        return False
    if math.prod(shape) > MAX_CONSTANT:
        report.add(BAD_CONSTANT, f"a constant has more than {MAX_CONSTANT:,} numbers", written.span,
                   expected="the limit is exceeded here")  # fmt: skip
        return False
    chosen = dtype or array_dtype(value)
    if chosen == "string":
        return True
    low, high = limits_of(chosen)
    is_whole = chosen == "bool" or chosen.startswith(("int", "uint"))
    for item in items_of(value):
        fits = low <= item <= high or (not is_whole and (math.isinf(item) or item != item))
        if not fits or (is_whole and isinstance(item, float)) or (chosen == "bool" and not isinstance(item, bool)):
            report.add(
                BAD_CONSTANT,
                f"a constant of {chosen} holds {kind_of(item)}",
                written.span,
                expected=f"numbers that {chosen} holds",
                help="state a wider `dtype`, as `dtype: int64`" if dtype is None else "write another `dtype`, or none",
            )
            return False
    return True


# --- Weights --------------------------------------------------------------------------------------------------


def _read_weight(weight: WeightModel, report: Report) -> list[Step] | None:
    span, watch = weight.tree.span, report.watch()
    shape = list(weight.shape)
    objects = {
        f"embeddings_{key}": _object(kind, weight.located(key), shape, report)
        for key, kind in (
            ("initializer", "initializers"),
            ("regularizer", "regularizers"),
            ("constraint", "constraints"),
        )
        if getattr(weight, key) is not None
    }
    if any(report.is_open(weight.located(key).span) for key in weight.tree):
        return None
    if weight.dtype is not None and weight.dtype not in _FLOATS:
        report.add(
            BAD_WEIGHT,
            f"a weight of dtype {weight.dtype} has no gradient",
            weight.located("dtype").span,
            expected=f"one of {one_of(_FLOATS)}",
            help="numbers that are not trained are a `constant`",
        )
    if math.prod(shape) > MAX_WEIGHT:
        report.add(BAD_WEIGHT, f"a weight has more than {MAX_WEIGHT:,} numbers", weight.located("shape").span,
                   expected="the limit is exceeded here")  # fmt: skip
    if not watch.is_clean:
        return None
    columns = shape[-1] if shape else 1
    rows = math.prod(shape[:-1])
    arguments: dict[str, Any] = {"input_dim": rows, "output_dim": columns}
    arguments |= {"embeddings_initializer": Object("initializers", _DEFAULT_INITIALIZER, {}, span, is_identifier=True)}
    arguments |= objects
    arguments |= {"dtype": weight.dtype} if weight.dtype is not None else {}
    arguments |= {} if weight.trainable else {"trainable": False}
    table = Object("layers", "Embedding", arguments, span, spans=dict.fromkeys(arguments, span))
    steps = [
        _operation("ops.arange", {"start": rows}, span, {}),
        Step(KerasLayer(object=table, span=span, weight=tuple(shape)), span),
    ]
    return steps if len(shape) == _MATRIX else [*steps, _operation("ops.reshape", {"newshape": shape}, span, {})]


def _object(kind: Any, written: Located, shape: list[int], report: Report) -> Object | None:
    """Read an initializer, a regularizer or a constraint, and check that it fits a table of the weight's numbers."""
    if kind == "initializers" and is_weight_file(written):
        if len(shape) != _MATRIX:
            report.add(
                BAD_WEIGHT,
                f"a file fills a weight of 2 dimensions, but `shape` has {len(shape)}",
                written.span,
                expected="a weight of 2 dimensions",
                help="write the rows of the file in two dimensions, and reshape them: `apply: {ops.reshape: [...]}`",
            )
            return None
        return read_weight_file(written, report)
    found = read_object(kind, written, report)
    if found is None or kind == "initializers" or len(shape) == _MATRIX or ">" in found.name:
        return found
    entry = catalog.find(kind, found.name)
    if entry is not None and _ALONG_AXES & set(entry.arguments):
        report.add(
            BAD_WEIGHT,
            f"`{found.name}` works along the axes of a weight of 2 dimensions, but `shape` has {len(shape)}",
            written.span,
            expected="what takes each number by itself, such as `NonNeg` or `L2`",
            help="write the weight with 2 dimensions, and reshape it: `apply: {ops.reshape: [...]}`",
        )
    return found


def _operation(name: str, arguments: dict[str, Any], span: Span, spans: dict[str, Span]) -> Step:
    assert catalog.find("ops", name) is not None
    return Step(Operation(object=Object("ops", name, arguments, span, spans=spans), span=span), span)
