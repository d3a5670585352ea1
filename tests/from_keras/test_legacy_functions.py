"""Functions of TensorFlow in models of Keras 2 become operations of Keras 3 that compute the same."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from graphspec import catalog
from graphspec.from_keras.legacy.functions import function_names
from graphspec.from_keras.legacy.graph_nodes import NODES
from graphspec.language.lower.naming import snake_case

from .legacy_models import upgraded

SHAPE = [None, 4]
ALL = {"start": None, "stop": None, "step": None}
X = ["x", 0, 0]
VALUES = np.random.default_rng(0).random((2, 4), dtype="float32")

CASES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    **{
        name: [(f"math.{name}", {})]
        for name in (
            *("abs", "acos", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "exp", "expm1", "floor"),
            *("is_finite", "is_inf", "is_nan", "log", "log1p", "log_sigmoid", "negative", "reciprocal", "round"),
            *("rsqrt", "sigmoid", "sign", "sin", "sinh", "softplus", "sqrt", "square", "tan", "tanh"),
        )
    },
    "acosh": [("math.acosh", {})],
    **{
        name: [(f"nn.{name}", {})]
        for name in ("elu", "relu", "relu6", "selu", "silu", "swish", "softsign", "log_softmax")
    },
    "gelu": [("nn.gelu", {}), ("nn.gelu", {"approximate": True})],
    "leaky_relu": [("nn.leaky_relu", {}), ("nn.leaky_relu", {"alpha": 0.3})],
    "softmax": [("nn.softmax", {}), ("nn.softmax", {"axis": 0})],
    "add": [("__operators__.add", {"y": 1}), ("math.add", {"y": X}), ("math.add", {"y": [1.0, 2.0, 3.0, 4.0]})],
    "atan2": [("math.atan2", {"x": 0.5})],
    "divide": [("math.divide", {"y": 3})],
    "divide_no_nan": [("math.divide_no_nan", {"y": X})],
    "eq": [("__operators__.eq", {"other": X})],
    "floor_div": [("compat.v1.floor_div", {"y": 0.3})],
    "floordiv": [("math.floordiv", {"y": 0.3})],
    "floormod": [("math.floormod", {"y": 0.3})],
    "logical_not": [("math.logical_not", {})],
    "mod": [("math.mod", {"y": 0.3})],
    "ne": [("__operators__.ne", {"other": X})],
    "pow": [("math.pow", {"y": 2})],
    "truediv": [("math.truediv", {"y": 3})],
    **{
        name: [(f"math.{name}", {"y": 0.5})]
        for name in ("equal", "greater", "greater_equal", "less", "less_equal", "maximum", "minimum", "multiply")
    },
    **{name: [(f"math.{name}", {"y": 0.5})] for name in ("not_equal", "subtract", "squared_difference")},
    **{name: [(f"math.{name}", {"y": X})] for name in ("logical_and", "logical_or", "logical_xor")},
    "scalar_mul": [("math.scalar_mul", {"scalar": 2.0, "x": X})],
    "tensordot": [("tensordot", {"b": X, "axes": [[1], [1]]})],
    "where": [("where", {"x": 2.0, "y": 0.5})],
    **{
        name: [(f"math.{name}", {"axis": 1}), (f"math.{name}", {"axis": [-1], "keepdims": True}), (f"math.{name}", {})]
        for name in (
            *("reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_std", "reduce_sum"),
            *("reduce_variance", "reduce_all", "reduce_any"),
        )
    },
    "argmax": [("math.argmax", {"axis": 1}), ("math.argmax", {"axis": -1, "output_type": "int32"})],
    "argmin": [("math.argmin", {"axis": 1})],
    "cumsum": [("math.cumsum", {"axis": 1}), ("math.cumsum", {})],
    "norm": [("norm", {"axis": 1})],
    "sort": [("sort", {}), ("sort", {"axis": 0})],
    "top_k": [("math.top_k", {"k": 2}), ("nn.top_k", {})],
    "broadcast_to": [("broadcast_to", {"shape": [3, 2, 4]})],
    "concat": [("concat", {"axis": -1})],
    "add_n": [("math.add_n", {})],
    "stack": [("stack", {"axis": 1})],
    "depth_to_space": [("nn.depth_to_space", {"block_size": 2})],
    "space_to_depth": [("nn.space_to_depth", {"block_size": 2})],
    "expand_dims": [("expand_dims", {"axis": 1})],
    "repeat": [("repeat", {"repeats": 2, "axis": 1})],
    "reshape": [("reshape", {"shape": [-1, 2, 2]})],
    "reverse": [("reverse", {"axis": [1]})],
    "roll": [("roll", {"shift": 1, "axis": 1})],
    "split": [("split", {"num_or_size_splits": 2, "axis": 1}), ("split", {"num_or_size_splits": [1, 3], "axis": -1})],
    "squeeze": [("squeeze", {"axis": [1]})],
    "tile": [("tile", {"multiples": [1, 2]})],
    "transpose": [("transpose", {"perm": [1, 0]}), ("compat.v1.transpose", {})],
    "unstack": [("unstack", {"axis": 1})],
    "cast": [("cast", {"dtype": "int32"})],
    "clip_by_value": [("clip_by_value", {"clip_value_min": 0.2, "clip_value_max": 0.6})],
    "ensure_shape": [("ensure_shape", {"shape": [None, 4]})],
    "gather": [("gather", {"indices": [0, 2], "axis": 1}), ("gather", {"indices": [1]})],
    "getitem": [
        ("__operators__.getitem", {"slice_spec": [ALL, {"start": 1, "stop": None, "step": 2}]}),
        ("__operators__.getitem", {"slice_spec": [{"class_name": "__ellipsis__"}, None, -1]}),
        ("__operators__.getitem", {"slice_spec": 0}),
    ],
    "identity": [("identity", {})],
    "image.resize": [("image.resize", {"size": [4, 6]}), ("image.resize", {"size": [2, 6], "method": "nearest"})],
    "l2_normalize": [("math.l2_normalize", {"axis": 1}), ("math.l2_normalize", {"axis": -1, "epsilon": 0.5})],
    "matmul": [
        ("linalg.matmul", {"b": X, "transpose_b": True}),
        ("linalg.matmul", {"b": [[1.0], [2.0], [3.0], [4.0]]}),
    ],
    "one_hot": [("one_hot", {"depth": 3})],
    "ones_like": [("ones_like", {})],
    "zeros_like": [("zeros_like", {})],
    "pad": [
        ("pad", {"paddings": [[0, 0], [1, 2]]}),
        ("pad", {"paddings": [[0, 0], [1, 2]], "mode": "REFLECT"}),
        ("pad", {"paddings": [[0, 0], [1, 2]], "constant_values": 3.0}),
    ],
    "stop_gradient": [("stop_gradient", {})],
}
"""Calls of each function: its name in TensorFlow, and its arguments behind the first."""

LISTS = ("concat", "stack", "add_n")
BOOLEAN = ("logical_not", "logical_and", "logical_or", "logical_xor", "where", "reduce_all", "reduce_any")
IMAGES = ("depth_to_space", "space_to_depth", "image.resize")
OTHER_VALUES = {"acosh": VALUES + 1, "one_hot": np.array([[0, 2, 1, 0]]), "squeeze": VALUES[:, None]}

ALL_CASES = [(key, *case) for key, cases in CASES.items() for case in cases]


def values_for(key: str) -> Any:
    """Return what comes into a function: numbers of the shape and kind that it takes."""
    if key in IMAGES:
        return np.random.default_rng(1).random((1, 2, 2, 4), dtype="float32")
    return OTHER_VALUES.get(key, VALUES > 0.5 if key in BOOLEAN else VALUES)


def document_of(function: str, kwargs: dict[str, Any], values: Any, *, is_list: bool = False) -> dict[str, Any]:
    """Return a model of one function, as Keras 2 writes it."""
    shape = [None, *values.shape[1:]]
    node = [*X, {**kwargs, "name": None}]
    if "scalar" in kwargs:
        node = ["_CONSTANT_VALUE", -1, kwargs["scalar"], {"x": X}]
    class_name = "SlicingOpLambda" if function.endswith("getitem") else "TFOpLambda"
    layers = [
        {
            "class_name": "InputLayer",
            "name": "x",
            "config": {"batch_input_shape": shape, "dtype": str(values.dtype), "name": "x"},
            "inbound_nodes": [],
        },
        {
            "class_name": class_name,
            "name": f"tf.{function}",
            "config": {"name": f"tf.{function}", "trainable": True, "dtype": "float32", "function": function},
            "inbound_nodes": [[node, node] if is_list else node],
        },
    ]
    config = {"name": "m", "layers": layers, "input_layers": [X], "output_layers": [[f"tf.{function}", 0, 0]]}
    return {"class_name": "Functional", "config": config, "keras_version": "2.9.0", "backend": "tensorflow"}


def computed(function: str, kwargs: dict[str, Any], values: Any, *, is_list: bool) -> Any:
    """Return what TensorFlow itself computes."""
    x = tf.constant(values)
    if function == "__operators__.getitem":
        spec = kwargs["slice_spec"]
        return x[tuple(map(index_of, spec if isinstance(spec, list) else [spec]))]
    found: Any = tf
    names = {"__operators__.add": "math.add", "__operators__.eq": "math.equal", "__operators__.ne": "math.not_equal"}
    for part in names.get(function, function).split("."):
        found = getattr(found, part)
    known = {key: x if value == X else value for key, value in kwargs.items()}
    known = {"y" if key == "other" else key: value for key, value in known.items()}
    return found(**known) if "scalar" in known else found([x, x] if is_list else x, **known)


def index_of(written: Any) -> Any:
    """Return an index as Python has it."""
    if isinstance(written, dict):
        return slice(*written.values()) if "start" in written else ...
    return written


def check_operations(model: dict[str, Any]) -> None:
    """Hold the operations of a model against the catalogue."""
    for each in model["config"]["layers"][1:]:
        if each["module"] != "keras.layers":
            image = "image." if each["module"].endswith("image") else ""
            entry = catalog.find("ops", f"ops.{image}{snake_case(each['class_name'])}")
            assert entry is not None, each["class_name"]
            assert set(each["config"]) - {"name"} <= set(entry.arguments)


def test_every_function_is_tried() -> None:
    """Each function that is translated has a case."""
    assert sorted(CASES) == function_names()


@pytest.mark.parametrize(("key", "function", "kwargs"), ALL_CASES, ids=lambda each: str(each)[:60])
def test_function_computes_the_same(key: str, function: str, kwargs: dict[str, Any]) -> None:
    """The operations are ones that a spec can write, and give what TensorFlow gives, of the same shape and dtype."""
    values, is_list = values_for(key), key in LISTS
    model, report = upgraded(json.loads(json.dumps(document_of(function, kwargs, values, is_list=is_list))))
    assert model is not None, str(report)
    assert not list(report)
    check_operations(model)
    built = keras.saving.deserialize_keras_object(model)
    got = keras.tree.flatten(built(values))[0]
    expected = tf.nest.flatten(computed(function, kwargs, values, is_list=is_list))[0]
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("function", "kwargs", "message"),
    [
        ("shape", {}, "has no equivalent"),
        ("einsum", {}, "has no equivalent"),
        ("strings.split", {}, "has no equivalent"),
        ("reshape", {"shape": X}, "takes a tensor as `shape`"),
        ("gather", {"indices": [0], "batch_dims": 1}, "is called with `batch_dims`"),
        ("gather", {}, "is called without `indices`"),
        ("pad", {"paddings": X}, "no constants"),
        ("split", {"num_or_size_splits": X}, "sizes that are no numbers"),
        ("linalg.matmul", {"b": X, "transpose_a": True, "transpose_b": True}, "transposes both"),
        ("math.add", {"y": ["a", "b"]}, "holds no numbers"),
        ("math.l2_normalize", {"epsilon": -1}, "no positive number"),
        ("math.cumsum", {"reverse": True}, "is called with `reverse`"),
        ("__operators__.getitem", {"slice_spec": [X]}, "tensors as indices"),
        ("__operators__.getitem", {"slice_spec": ["a"]}, "no number and no slice"),
    ],
)
def test_function_without_equivalent_is_found(function: str, kwargs: dict[str, Any], message: str) -> None:
    """A call that no operation replaces is a diagnostic with its place, and help where there is any."""
    model, report = upgraded(document_of(function, kwargs, VALUES))
    assert model is None
    (found,) = report
    assert found.rule.code == "GS713"
    assert message in found.message
    assert "at `config.layers[1].config`" in found.message


def node_document(node: dict[str, Any], constants: dict[str, Any], nodes: list[Any]) -> dict[str, Any]:
    """Return a model of one node of a graph, as Keras of TensorFlow 2.2 writes it."""
    document = document_of("math.add", {}, VALUES)
    document["config"]["layers"][1] |= {
        "class_name": "TensorFlowOpLayer",
        "config": {
            "name": "n",
            "trainable": True,
            "dtype": "float32",
            "node_def": json.dumps(node),
            "constants": constants,
        },
        "inbound_nodes": [nodes],
    }
    return document


@pytest.mark.parametrize(
    ("node", "constants", "tensors", "expected"),
    [
        ({"op": "AddV2", "attr": {"T": {"type": "DT_FLOAT"}}}, {"1": 1.0}, 1, VALUES + 1),
        ({"op": "Sub"}, {"0": 1.0}, 1, 1 - VALUES),
        ({"op": "Mul"}, {}, 2, VALUES * VALUES),
        ({"op": "Mean", "attr": {"keep_dims": {"b": True}}}, {"1": 1}, 1, VALUES.mean(1, keepdims=True)),
        ({"op": "ConcatV2", "attr": {"N": {"i": "2"}}}, {"2": 1}, 2, np.concatenate([VALUES, VALUES], 1)),
        ({"op": "Pack", "attr": {"axis": {"i": "1"}}}, {}, 2, np.stack([VALUES, VALUES], 1)),
        ({"op": "Split", "attr": {"num_split": {"i": "2"}}}, {"0": 1}, 1, VALUES[:, :2]),
        ({"op": "Cast", "attr": {"DstT": {"type": "DT_INT32"}}}, {}, 1, VALUES.astype("int32")),
        ({"op": "Squeeze", "attr": {"squeeze_dims": {"list": {}}}}, {}, 1, VALUES),
        ({"op": "LeakyRelu", "attr": {"alpha": {"f": 0.3}}}, {}, 1, VALUES),
        ({"op": "MatMul", "attr": {"transpose_b": {"b": True}}}, {}, 2, VALUES @ VALUES.T),
        (
            {
                "op": "StridedSlice",
                "attr": {"begin_mask": {"i": "1"}, "end_mask": {"i": "1"}, "shrink_axis_mask": {"i": "2"}},
            },
            {"1": [0, 2], "2": [0, 3], "3": [1, 1]},
            1,
            VALUES[:, 2],
        ),
    ],
    ids=lambda each: each.get("op") if isinstance(each, dict) else None,
)
def test_node_of_a_graph_computes_the_same(
    node: dict[str, Any], constants: dict[str, Any], tensors: int, expected: Any
) -> None:
    """A node of TensorFlow's graph, with constants among its inputs, becomes the operation that computes the same."""
    model, report = upgraded(node_document(node, constants, [[*X, {}]] * tensors))
    assert model is not None, str(report)
    got = keras.tree.flatten(keras.saving.deserialize_keras_object(model)(VALUES))[0]
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_nodes_lead_to_functions_that_are_known() -> None:
    """Each kind of node leads to a function that is translated."""
    known = set(function_names())
    assert {each.function.rpartition(".")[2] for each in NODES.values()} <= known


@pytest.mark.parametrize(
    "node_def", ["name: a", "\n\x03add", "[]", "{}", 3, '{"op": "PyFunc"}', '{"op": 1}', "[" * 5000]
)
def test_node_that_nobody_knows_is_found(node_def: Any) -> None:
    """A node that is not written as JSON, or of another kind, is a diagnostic."""
    document = node_document({}, {}, [[*X, {}]])
    document["config"]["layers"][1]["config"]["node_def"] = node_def
    model, report = upgraded(document)
    assert model is None
    assert [each.rule.code for each in report] == ["GS713"]
