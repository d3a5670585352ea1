"""Functions of TensorFlow → operations of Keras 3: what each takes, by the names of its arguments in both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NUMPY, NN, MATH, CORE = "keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.math", "keras.src.ops.core"
IMAGE, LINALG, LAYERS = "keras.src.ops.image", "keras.src.ops.linalg", "keras.layers"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of Keras 3 for a function of TensorFlow.

    Attributes:
        tensors: The arguments of the function that take tensors, in the order of the operation.
        constants: Further arguments of the function, and what the operation calls them.
        neutral: Arguments that the operation does not have, with the value that says nothing.
        fixed: Arguments of the operation that the function has by default.
    """

    class_name: str
    module: str = NUMPY
    tensors: tuple[str, ...] = ("x",)
    constants: dict[str, str] = field(default_factory=dict)
    neutral: dict[str, Any] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)


def _unary(class_name: str, module: str = NUMPY, first: str = "x") -> Operation:
    return Operation(class_name, module, (first,))


def _binary(class_name: str) -> Operation:
    return Operation(class_name, tensors=("x", "y"))


def _reduction(class_name: str, module: str = NUMPY) -> Operation:
    names = {"axis": "axis", "keepdims": "keepdims"}
    return Operation(class_name, module, ("input_tensor",), names)


OPERATIONS: dict[str, Operation] = {
    # One tensor
    "abs": _unary("Absolute"),
    "acos": _unary("Arccos"),
    "acosh": _unary("Arccosh"),
    "asin": _unary("Arcsin"),
    "asinh": _unary("Arcsinh"),
    "atan": _unary("Arctan"),
    "atanh": _unary("Arctanh"),
    "ceil": _unary("Ceil"),
    "cos": _unary("Cos"),
    "cosh": _unary("Cosh"),
    "erf": _unary("Erf", MATH),
    "exp": _unary("Exp"),
    "expm1": _unary("Expm1"),
    "floor": _unary("Floor"),
    "is_finite": _unary("Isfinite"),
    "is_inf": _unary("Isinf"),
    "is_nan": _unary("Isnan"),
    "log": _unary("Log"),
    "log1p": _unary("Log1p"),
    "log_sigmoid": _unary("LogSigmoid", NN),
    "logical_not": _unary("LogicalNot"),
    "negative": _unary("Negative"),
    "reciprocal": _unary("Reciprocal"),
    "round": _unary("Round"),
    "rsqrt": _unary("Rsqrt", MATH),
    "sigmoid": _unary("Sigmoid", NN),
    "sign": _unary("Sign"),
    "sin": _unary("Sin"),
    "sinh": _unary("Sinh"),
    "softplus": _unary("Softplus", NN, "features"),
    "sqrt": _unary("Sqrt"),
    "square": _unary("Square"),
    "tan": _unary("Tan"),
    "tanh": _unary("Tanh"),
    # Activations
    "elu": _unary("Elu", NN, "features"),
    "gelu": Operation("Gelu", NN, ("features",), {"approximate": "approximate"}, fixed={"approximate": False}),
    "leaky_relu": Operation("LeakyRelu", NN, ("features",), {"alpha": "negative_slope"}),
    "log_softmax": Operation("LogSoftmax", NN, ("logits",), {"axis": "axis"}),
    "relu": _unary("Relu", NN, "features"),
    "relu6": _unary("Relu6", NN, "features"),
    "selu": _unary("Selu", NN, "features"),
    "silu": Operation("Silu", NN, ("features",), neutral={"beta": 1.0}),
    "softmax": Operation("Softmax", NN, ("logits",), {"axis": "axis"}),
    "softsign": _unary("Softsign", NN, "features"),
    "swish": Operation("Silu", NN, ("features",), neutral={"beta": 1.0}),
    # Two tensors
    "add": _binary("Add"),
    "atan2": Operation("Arctan2", tensors=("y", "x")),
    "divide": _binary("TrueDivide"),
    "divide_no_nan": _binary("DivideNoNan"),
    "eq": Operation("Equal", tensors=("self", "other")),
    "equal": _binary("Equal"),
    "floor_div": _binary("FloorDivide"),
    "floordiv": _binary("FloorDivide"),
    "floormod": _binary("Mod"),
    "greater": _binary("Greater"),
    "greater_equal": _binary("GreaterEqual"),
    "less": _binary("Less"),
    "less_equal": _binary("LessEqual"),
    "logical_and": _binary("LogicalAnd"),
    "logical_or": _binary("LogicalOr"),
    "logical_xor": _binary("LogicalXor"),
    "maximum": _binary("Maximum"),
    "minimum": _binary("Minimum"),
    "mod": _binary("Mod"),
    "multiply": _binary("Multiply"),
    "ne": Operation("NotEqual", tensors=("self", "other")),
    "not_equal": _binary("NotEqual"),
    "pow": _binary("Power"),
    "scalar_mul": Operation("Multiply", tensors=("scalar", "x")),
    "subtract": _binary("Subtract"),
    "truediv": _binary("TrueDivide"),
    "tensordot": Operation("Tensordot", tensors=("a", "b"), constants={"axes": "axes"}),
    "where": Operation("Where", tensors=("condition", "x", "y")),
    # Over axes
    "reduce_all": _reduction("All"),
    "reduce_any": _reduction("Any"),
    "reduce_logsumexp": _reduction("Logsumexp", MATH),
    "reduce_max": _reduction("Max"),
    "reduce_mean": _reduction("Mean"),
    "reduce_min": _reduction("Min"),
    "reduce_prod": _reduction("Prod"),
    "reduce_std": _reduction("Std"),
    "reduce_sum": _reduction("Sum"),
    "reduce_variance": _reduction("Var"),
    "cumsum": Operation(
        "Cumsum", constants={"axis": "axis"}, neutral={"exclusive": False, "reverse": False}, fixed={"axis": 0}
    ),
    "norm": Operation("Norm", LINALG, ("tensor",), {"axis": "axis", "keepdims": "keepdims"}, {"ord": "euclidean"}),
    "sort": Operation("Sort", tensors=("values",), constants={"axis": "axis"}, neutral={"direction": "ASCENDING"}),
    "top_k": Operation("TopK", MATH, ("input",), {"k": "k", "sorted": "sorted"}, fixed={"k": 1}),
    # Shapes
    "broadcast_to": Operation("BroadcastTo", tensors=("input",), constants={"shape": "shape"}),
    "concat": Operation("Concatenate", tensors=("values",), constants={"axis": "axis"}),
    "depth_to_space": Operation("DepthToSpace", NN, ("input",), {"block_size": "block_size"}, {"data_format": "NHWC"}),
    "expand_dims": Operation("ExpandDims", tensors=("input",), constants={"axis": "axis"}),
    "repeat": Operation("Repeat", tensors=("input",), constants={"repeats": "repeats", "axis": "axis"}),
    "reshape": Operation("Reshape", tensors=("tensor",), constants={"shape": "newshape"}),
    "reverse": Operation("Flip", tensors=("tensor",), constants={"axis": "axis"}),
    "roll": Operation("Roll", tensors=("input",), constants={"shift": "shift", "axis": "axis"}),
    "space_to_depth": Operation("SpaceToDepth", NN, ("input",), {"block_size": "block_size"}, {"data_format": "NHWC"}),
    "squeeze": Operation("Squeeze", tensors=("input",), constants={"axis": "axis"}),
    "stack": Operation("Stack", tensors=("values",), constants={"axis": "axis"}),
    "tile": Operation("Tile", tensors=("input",), constants={"multiples": "repeats"}),
    "transpose": Operation("Transpose", tensors=("a",), constants={"perm": "axes"}, neutral={"conjugate": False}),
    "unstack": Operation("Unstack", CORE, ("value",), {"num": "num", "axis": "axis"}),
    # Others
    "cast": Operation("Cast", CORE, ("x",), {"dtype": "dtype"}),
    "clip_by_value": Operation(
        "Clip", tensors=("t",), constants={"clip_value_min": "x_min", "clip_value_max": "x_max"}
    ),
    "ensure_shape": Operation("Identity", LAYERS, ("x",), neutral={"shape": ...}),
    "gather": Operation(
        "Take",
        tensors=("params", "indices"),
        constants={"axis": "axis"},
        neutral={"batch_dims": 0, "validate_indices": None},
        fixed={"axis": 0},
    ),
    "identity": Operation("Identity", LAYERS, ("input",)),
    "image.resize": Operation(
        "Resize",
        IMAGE,
        ("images",),
        {"size": "size", "method": "interpolation", "antialias": "antialias"},
        {"preserve_aspect_ratio": False},
        {"data_format": "channels_last"},
    ),
    "one_hot": Operation(
        "OneHot",
        NN,
        ("indices",),
        {"depth": "num_classes", "axis": "axis", "dtype": "dtype"},
        {"on_value": 1.0, "off_value": 0.0},
        {"dtype": "float32"},
    ),
    "ones_like": Operation("OnesLike", tensors=("input",), constants={"dtype": "dtype"}),
    "stop_gradient": Operation("StopGradient", CORE, ("input",)),
    "zeros_like": Operation("ZerosLike", tensors=("input",), constants={"dtype": "dtype"}),
}
"""Operations that take what functions of TensorFlow take, by the last part of their names."""

PREFIXES = ("", "math", "nn", "linalg", "__operators__")
"""Modules of TensorFlow whose functions the tables hold by their last names."""

REFUSED: dict[str, str] = {
    "boolean_mask": "the size of its result depends on values; multiply by the mask, or pass it on by `Masking`",
    "cond": "compute both tensors and choose with `ops.where`",
    "map_fn": "it holds a function; `TimeDistributed` applies a layer or a model to each",
    "dropout": "write a `Dropout`",
    "py_function": "it runs Python code; write a layer in a plugin",
    "numpy_function": "it runs Python code; write a layer in a plugin",
    "shape": "sizes are no tensors in a spec; write `-1` where a shape takes one open size",
    "size": "sizes are no tensors in a spec",
    "conv2d": "write a `Conv2D`",
    "max_pool2d": "write a `MaxPooling2D`",
    "avg_pool2d": "write an `AveragePooling2D`",
    "batch_normalization": "write a `BatchNormalization`",
    "embedding_lookup": "write an `Embedding`",
}
"""What to do about functions that no operation replaces, where there is more to say than that."""
