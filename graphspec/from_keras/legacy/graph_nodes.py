"""Nodes of TensorFlow's graph, which Keras of TensorFlow 2.0 to 2.3 kept as layers → calls of functions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from graphspec.diagnostics.rules import LEGACY_FUNCTION
from graphspec.from_keras.legacy.calls import LayerCall
from graphspec.from_keras.legacy.place import Place, is_bounded

PREFIX = "tf_op_layer_"
"""What Keras puts before the name of such a layer."""


@dataclass(frozen=True, slots=True)
class GraphNode:
    """The function that a kind of node computes.

    Attributes:
        inputs: The arguments of the function that the inputs of the node are, in order.
        attributes: The arguments that attributes of the node are.
    """

    function: str
    inputs: tuple[str, ...]
    attributes: dict[str, str] = field(default_factory=dict)


def _reduction(name: str) -> GraphNode:
    return GraphNode(f"math.{name}", ("input_tensor", "axis"), {"keep_dims": "keepdims"})


NODES: dict[str, GraphNode] = {
    **{
        kind: GraphNode(f"math.{name}", ("x", "y"))
        for kind, name in {
            "Add": "add",
            "AddV2": "add",
            "BiasAdd": "add",
            "Div": "divide",
            "DivNoNan": "divide_no_nan",
            "Equal": "equal",
            "FloorDiv": "floordiv",
            "FloorMod": "floormod",
            "Greater": "greater",
            "GreaterEqual": "greater_equal",
            "Less": "less",
            "LessEqual": "less_equal",
            "LogicalAnd": "logical_and",
            "LogicalOr": "logical_or",
            "Maximum": "maximum",
            "Minimum": "minimum",
            "Mul": "multiply",
            "NotEqual": "not_equal",
            "Pow": "pow",
            "RealDiv": "divide",
            "SquaredDifference": "squared_difference",
            "Sub": "subtract",
        }.items()
    },
    **{
        kind: GraphNode(f"math.{kind.lower()}", ("x",))
        for kind in ("Abs", "Cos", "Erf", "Exp", "Expm1", "Floor", "Log", "Log1p", "Reciprocal", "Round", "Rsqrt")
    },
    **{
        kind: GraphNode(f"math.{kind.lower()}", ("x",))
        for kind in ("Sigmoid", "Sign", "Sin", "Sqrt", "Square", "Tan", "Tanh")
    },
    **{
        kind: GraphNode(f"nn.{kind.lower()}", ("features",))
        for kind in ("Elu", "Relu", "Relu6", "Selu", "Softplus", "Softsign")
    },
    "All": _reduction("reduce_all"),
    "Any": _reduction("reduce_any"),
    "ArgMax": GraphNode("math.argmax", ("input", "axis"), {"output_type": "output_type"}),
    "ArgMin": GraphNode("math.argmin", ("input", "axis"), {"output_type": "output_type"}),
    "BatchMatMul": GraphNode("linalg.matmul", ("a", "b"), {"adj_x": "transpose_a", "adj_y": "transpose_b"}),
    "BatchMatMulV2": GraphNode("linalg.matmul", ("a", "b"), {"adj_x": "transpose_a", "adj_y": "transpose_b"}),
    "Cast": GraphNode("cast", ("x",), {"DstT": "dtype"}),
    "Ceil": GraphNode("math.ceil", ("x",)),
    "ClipByValue": GraphNode("clip_by_value", ("t", "clip_value_min", "clip_value_max")),
    "ExpandDims": GraphNode("expand_dims", ("input", "axis")),
    "GatherV2": GraphNode("gather", ("params", "indices", "axis"), {"batch_dims": "batch_dims"}),
    "Identity": GraphNode("identity", ("input",)),
    "LeakyRelu": GraphNode("nn.leaky_relu", ("features",), {"alpha": "alpha"}),
    "LogSoftmax": GraphNode("nn.log_softmax", ("logits",)),
    "LogicalNot": GraphNode("math.logical_not", ("x",)),
    "MatMul": GraphNode("linalg.matmul", ("a", "b"), {"transpose_a": "transpose_a", "transpose_b": "transpose_b"}),
    "Max": _reduction("reduce_max"),
    "Mean": _reduction("reduce_mean"),
    "Min": _reduction("reduce_min"),
    "MirrorPad": GraphNode("pad", ("tensor", "paddings"), {"mode": "mode"}),
    "Neg": GraphNode("math.negative", ("x",)),
    "OnesLike": GraphNode("ones_like", ("input",)),
    "Pad": GraphNode("pad", ("tensor", "paddings")),
    "PadV2": GraphNode("pad", ("tensor", "paddings", "constant_values")),
    "Prod": _reduction("reduce_prod"),
    "Reshape": GraphNode("reshape", ("tensor", "shape")),
    "ReverseV2": GraphNode("reverse", ("tensor", "axis")),
    "SelectV2": GraphNode("where", ("condition", "x", "y")),
    "Softmax": GraphNode("nn.softmax", ("logits",)),
    "SplitV": GraphNode("split", ("value", "num_or_size_splits", "axis")),
    "Squeeze": GraphNode("squeeze", ("input",), {"squeeze_dims": "axis"}),
    "StopGradient": GraphNode("stop_gradient", ("input",)),
    "Sum": _reduction("reduce_sum"),
    "Tile": GraphNode("tile", ("input", "multiples")),
    "Transpose": GraphNode("transpose", ("a", "perm")),
    "ZerosLike": GraphNode("zeros_like", ("input",)),
}

_DTYPES = {
    "DT_FLOAT": "float32",
    "DT_DOUBLE": "float64",
    "DT_HALF": "float16",
    "DT_BFLOAT16": "bfloat16",
    "DT_INT32": "int32",
    "DT_INT64": "int64",
    "DT_INT8": "int8",
    "DT_UINT8": "uint8",
    "DT_BOOL": "bool",
}


def function_call(config: dict[str, Any], call: LayerCall, place: Place) -> tuple[str, LayerCall] | None:
    """Return the function that a node computes, and its call; None after a diagnostic."""
    node = _node(config.get("node_def"))
    if node is None:
        place.at("node_def").add(
            LEGACY_FUNCTION,
            "the node of TensorFlow's graph is not written as JSON",
            help="load the model with TensorFlow 2.2 or later and save it again",
        )
        return None
    kind, attributes = str(node.get("op")), _attributes(node.get("attr"))
    inputs = _inputs(config.get("constants"), call)
    if kind == "ConcatV2" and len(inputs) > 1:
        return "concat", LayerCall(inputs[:-1], {"axis": inputs[-1]}, is_list=True)
    if kind == "Pack":
        return "stack", LayerCall(inputs, {"axis": attributes.get("axis", 0)}, is_list=True)
    if kind == "Split" and len(inputs) == 2:
        return "split", LayerCall([inputs[1]], {"num_or_size_splits": attributes.get("num_split"), "axis": inputs[0]})
    if kind == "StridedSlice" and len(inputs) == 4 and (spec := _slices(inputs[1:], attributes)) is not None:
        return "__operators__.getitem", LayerCall([inputs[0]], {"slice_spec": spec})
    known = NODES.get(kind)
    if known is None or not 0 < len(inputs) <= len(known.inputs):
        place.at("node_def").add(
            LEGACY_FUNCTION,
            f"the node `{kind}` of TensorFlow's graph has no equivalent in `keras.ops`",
            help="write the operations that compute the same, or a layer in a plugin",
        )
        return None
    first, *rest = zip(known.inputs, inputs, strict=False)
    named = {argument: attributes[key] for key, argument in known.attributes.items() if key in attributes}
    return known.function, LayerCall([first[1]], {**dict(rest), **named})


def _node(written: Any) -> dict[str, Any] | None:
    if isinstance(written, str):
        try:
            written = json.loads(written)
        except (ValueError, RecursionError):
            return None
    return written if isinstance(written, dict) and isinstance(written.get("op"), str) and is_bounded(written) else None


def _attributes(written: Any) -> dict[str, Any]:
    return {key: _attribute(each) for key, each in written.items()} if isinstance(written, dict) else {}


def _attribute(written: Any) -> Any:
    """Return an attribute as a plain value: `{"i": "1"}` is 1."""
    if not isinstance(written, dict) or len(written) != 1:
        return None
    ((kind, value),) = written.items()
    if kind == "list" and isinstance(value, dict):
        return [_attribute({key: each}) for key, items in value.items() if isinstance(items, list) for each in items]
    if kind == "i" and str(value).lstrip("-").isdecimal() and len(str(value)) < 20:
        return int(value)
    return _DTYPES.get(str(value)) if kind == "type" else value


def _inputs(constants: Any, call: LayerCall) -> list[Any]:
    """Return the inputs of a node: the tensors of the call, with constants in their places."""
    tensors = list(call.args[0]) if len(call.args) == 1 and isinstance(call.args[0], list) else list(call.args)
    known = constants if isinstance(constants, dict) else {}
    places = {int(key): value for key, value in known.items() if str(key).isdecimal() and len(str(key)) < 4}
    inputs: list[Any] = []
    while tensors or len(inputs) in places:
        inputs.append(places[len(inputs)] if len(inputs) in places else tensors.pop(0))
    return inputs


def _slices(bounds: list[Any], attributes: dict[str, Any]) -> list[Any] | None:
    """Return the indices of a strided slice; None where they are no numbers, or left out by an unusual mask."""
    begin, end, strides = bounds
    names = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    masks = [attributes.get(name) or 0 for name in names]
    if not all(isinstance(each, list) and all(isinstance(number, int) for number in each) for each in bounds):
        return None
    if not all(isinstance(mask, int) for mask in masks) or not len(begin) == len(end) == len(strides) < 64:
        return None
    spec: list[Any] = []
    for number, (start, stop, step) in enumerate(zip(begin, end, strides, strict=True)):
        no_begin, no_end, is_ellipsis, is_new, is_index = (bool(mask >> number & 1) for mask in masks)
        if is_ellipsis:
            spec.append("...")
        elif is_new:
            spec.append(None)
        elif is_index:
            spec.append(start)
        else:
            spec.append({"start": None if no_begin else start, "stop": None if no_end else stop, "step": step})
    return spec
