"""Every operation of the catalogue in a graph, against the same function of `keras.ops` called by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphspec
from graphspec import catalog
from graphspec.catalog.refused import CODE_CARRYING_OPS, FAILING_OPS

Write = Callable[..., Path]

RNG = np.random.default_rng(0)
FLOATS = RNG.uniform(0.1, 0.9, (2, 4, 4)).astype("float32")
OTHERS = RNG.uniform(0.1, 0.9, (2, 4, 4)).astype("float32")
INTS = RNG.integers(1, 4, (2, 4)).astype("int32")
BOOLS = FLOATS > 0.5
IMAGES = RNG.uniform(0, 1, (2, 8, 8, 3)).astype("float32")
POSITIVE = (FLOATS @ FLOATS.transpose(0, 2, 1) + 4 * np.eye(4, dtype="float32")).astype("float32")
VECTORS = RNG.uniform(0.1, 0.9, (2, 3)).astype("float32")
ROW = np.array([0.1, 0.3, 0.5, 0.7], "float32")
KERNEL = RNG.uniform(-1, 1, (3, 3, 3, 3)).astype("float32")
POINTWISE = RNG.uniform(-1, 1, (1, 1, 9, 2)).astype("float32")
HEADS = RNG.uniform(0, 1, (2, 4, 2, 4)).astype("float32")
LENGTHS = np.array([4, 3], "int32")
SEGMENTS = np.array([0, 2], "int32")
FOLDED = RNG.uniform(0, 1, (2, 4, 9)).astype("float32")
AFFINE = np.array([[1, 0, 1, 0, 1, 0, 0, 0]] * 2, "float32")
CORNERS = np.array([[[0, 0], [0, 5], [5, 0], [5, 5]]] * 2, "float32")
COORDINATES = RNG.uniform(0, 1, (3, 5)).astype("float32")
VOLUMES = RNG.uniform(0, 1, (2, 4, 4, 4, 3)).astype("float32")
LARGE = RNG.uniform(0, 1, (2, 16, 16, 3)).astype("float32")
SPECTRUM = RNG.uniform(0, 1, (2, 3, 3)).astype("float32")


@dataclass
class Case:
    """An operation in use: the arrays that come in, in order or by keyword, and what the spec writes after its name.

    batch says that the inputs have their first axis stated. call gives further arguments: lists of arrays.
    """

    arrays: list[Any] | dict[str, Any]
    written: Any = None
    batch: int | None = None
    call: dict[str, list[Any]] = field(default_factory=dict)


CASES: dict[str, Case] = (
    {
        "ops.argpartition": Case([VECTORS], 1),
        "ops.array_split": Case([FLOATS], {"indices_or_sections": 3, "axis": 1}),
        "ops.average": Case({"x": FLOATS, "weights": OTHERS}, {"axis": 1}),
        "ops.average_pool": Case([IMAGES], 2),
        "ops.batch_normalization": Case([FLOATS, ROW, ROW], -1, batch=4),
        "ops.bincount": Case([INTS], {"minlength": 5}),
        "ops.broadcast_to": Case([FLOATS], [3, 2, 4, 4], batch=2),
        "ops.cast": Case([FLOATS], "int32"),
        "ops.cholesky": Case([POSITIVE]),
        "ops.cholesky_inverse": Case([POSITIVE]),
        "ops.clip": Case([FLOATS], {"x_min": 0.2, "x_max": 0.6}),
        "ops.concatenate": Case([FLOATS, OTHERS], {"axis": -1}),
        "ops.conv": Case([IMAGES, KERNEL], batch=2),
        "ops.corrcoef": Case([VECTORS]),
        "ops.correlate": Case([ROW, ROW], batch=4),
        "ops.cross": Case([VECTORS, OTHERS[:, 0, :3]]),
        "ops.ctc_decode": Case([FLOATS, LENGTHS], batch=2),
        "ops.ctc_loss": Case([INTS[:, :2], FLOATS, LENGTHS - 2, LENGTHS]),
        "ops.depth_to_space": Case([FLOATS[..., None, :]], 2),
        "ops.depthwise_conv": Case([IMAGES, KERNEL], batch=2),
        "ops.diag": Case([VECTORS], batch=2),
        "ops.digitize": Case([FLOATS, ROW]),
        "ops.dot_product_attention": Case([HEADS, HEADS, HEADS]),
        "ops.dsplit": Case([FLOATS], 2),
        "ops.einsum": Case([FLOATS, OTHERS], "bij,bkj->bik"),
        "ops.expand_dims": Case([FLOATS], -1),
        "ops.extract_sequences": Case([FLOATS], {"sequence_length": 2, "sequence_stride": 1}),
        "ops.fold": Case([FOLDED], {"output_size": 4, "kernel_size": 2}),
        "ops.full": Case([ROW[:1]], [2, 3]),
        "ops.get_item": Case([FLOATS], {"key": 1}),
        "ops.hsplit": Case([FLOATS], 2),
        "ops.image.affine_transform": Case([IMAGES, AFFINE]),
        "ops.image.crop_images": Case(
            [IMAGES], {"top_cropping": 1, "left_cropping": 1, "target_height": 4, "target_width": 4}
        ),
        "ops.image.elastic_transform": Case([IMAGES], {"seed": 1}),
        "ops.image.extract_patches": Case([IMAGES], 2),
        "ops.image.extract_patches_3d": Case([VOLUMES], 2),
        "ops.image.gaussian_blur": Case([IMAGES]),
        "ops.image.map_coordinates": Case([FLOATS, COORDINATES], 1, batch=2),
        "ops.image.pad_images": Case(
            [IMAGES], {"top_padding": 1, "left_padding": 1, "target_height": 12, "target_width": 12}
        ),
        "ops.image.perspective_transform": Case([IMAGES, CORNERS, CORNERS + 1]),
        "ops.image.resize": Case([IMAGES], [4, 4]),
        "ops.image.scale_and_translate": Case(
            {"images": IMAGES, "scale": ROW[:2], "translation": ROW[2:]},
            {"output_shape": [2, 4, 4, 3], "spatial_dims": [1, 2], "method": "linear"},
            batch=2,
        ),
        "ops.image.ssim": Case([LARGE, LARGE * 0.9]),
        "ops.in_top_k": Case([INTS[:, 0], FLOATS[:, 0]], 2),
        "ops.istft": Case([SPECTRUM, SPECTRUM], {"sequence_length": 4, "sequence_stride": 2, "fft_length": 4}),
        "ops.kron": Case([FLOATS[0], OTHERS[0]]),
        "ops.ldexp": Case([FLOATS, INTS[:, None, :]]),
        "ops.lstsq": Case([FLOATS[0], OTHERS[0]]),
        "ops.lu_factor": Case([POSITIVE[0]], batch=4),
        "ops.max_pool": Case([IMAGES], 2),
        "ops.moments": Case([FLOATS], [1]),
        "ops.moveaxis": Case([FLOATS], {"source": 1, "destination": 2}),
        "ops.multi_hot": Case([INTS], 5),
        "ops.norm": Case([FLOATS], {"axis": -1}),
        "ops.one_hot": Case([INTS], 5),
        "ops.pad": Case([FLOATS], [[0, 0], [1, 1], [0, 2]]),
        "ops.psnr": Case([FLOATS, OTHERS], 1.0),
        "ops.rearrange": Case([FLOATS], {"pattern": "b (h w) c -> b h (w c)", "h": 2}, batch=2),
        "ops.repeat": Case([FLOATS], {"repeats": 2, "axis": 1}),
        "ops.reshape": Case([FLOATS], [-1, 16]),
        "ops.roll": Case([FLOATS], {"shift": 1, "axis": 1}),
        "ops.saturate_cast": Case([FLOATS * 300], "uint8"),
        "ops.scatter": Case([INTS[:, :1], VECTORS], [4, 3]),
        "ops.scatter_update": Case([FLOATS, np.array([[0, 1], [1, 2]], "int32"), OTHERS[:, 0]], batch=2),
        "ops.searchsorted": Case([ROW, ROW]),
        "ops.segment_max": Case([FLOATS, SEGMENTS], {"num_segments": 3}),
        "ops.segment_min": Case([FLOATS, SEGMENTS], {"num_segments": 3}),
        "ops.segment_prod": Case([FLOATS, SEGMENTS], {"num_segments": 3}),
        "ops.segment_sum": Case([FLOATS, SEGMENTS], {"num_segments": 3}),
        "ops.select": Case([BOOLS, ~BOOLS], call={"choicelist": [FLOATS, OTHERS]}),
        "ops.separable_conv": Case([IMAGES, KERNEL, POINTWISE], batch=2),
        "ops.slice": Case([FLOATS], {"start_indices": [0, 1, 1], "shape": [2, 2, 3]}),
        "ops.slice_update": Case({"inputs": FLOATS, "updates": OTHERS[:, :2]}, {"start_indices": [0, 1, 0]}),
        "ops.solve": Case([POSITIVE, FLOATS]),
        "ops.solve_triangular": Case([POSITIVE, FLOATS]),
        "ops.space_to_depth": Case([IMAGES], 2),
        "ops.sparse_categorical_crossentropy": Case([INTS, FLOATS]),
        "ops.split": Case([FLOATS], {"indices_or_sections": 2, "axis": 1}),
        "ops.stft": Case([FLOATS[0]], {"sequence_length": 4, "sequence_stride": 2, "fft_length": 4}),
        "ops.swapaxes": Case([FLOATS], {"axis1": 1, "axis2": 2}),
        "ops.take": Case([FLOATS], {"indices": [0, 2], "axis": 1}),
        "ops.take_along_axis": Case([FLOATS, INTS[:, None, :]], {"axis": 1}),
        "ops.tensordot": Case([FLOATS, OTHERS], {"axes": [[1, 2], [1, 2]]}),
        "ops.threshold": Case([FLOATS], {"threshold": 0.5, "default_value": 0.0}),
        "ops.tile": Case([FLOATS], [1, 2, 1]),
        "ops.top_k": Case([FLOATS], 2),
        "ops.trapezoid": Case([FLOATS]),
        "ops.unfold": Case([FLOATS[:, None]], 2),
        "ops.unravel_index": Case([INTS], [4, 4]),
        "ops.unstack": Case([FLOATS], {"axis": 1}),
        "ops.vander": Case([ROW], 3),
        "ops.vsplit": Case([FLOATS], 2, batch=2),
        "ops.where": Case([BOOLS, FLOATS, OTHERS]),
    }
    | {
        f"ops.{name}": Case([INTS, INTS + 1])
        for name in (
            "bitwise_and",
            "bitwise_or",
            "bitwise_xor",
            "bitwise_left_shift",
            "bitwise_right_shift",
            "gcd",
            "lcm",
            "left_shift",
            "right_shift",
        )
    }
    | {f"ops.{name}": Case([INTS]) for name in ("bitwise_invert", "bitwise_not")}
    | {f"ops.image.{name}": Case([IMAGES]) for name in ("hsv_to_rgb", "rgb_to_hsv", "rgb_to_grayscale", "sobel_edges")}
)

EXCEPTIONS: dict[str, str] = FAILING_OPS | {
    "ops.arange": "it takes scalars, and its length hangs on their values: no input of a graph is one",
}
"""The operations that are not compared, each with the reason."""

FAILING: dict[str, Any] = {
    "ops.adaptive_average_pool": lambda ops, each: ops.adaptive_average_pool(each, (2, 2), "channels_last"),
    "ops.adaptive_max_pool": lambda ops, each: ops.adaptive_max_pool(each, (2, 2), "channels_last"),
    "ops.conv_transpose": lambda ops, each: ops.conv_transpose(each, KERNEL),
    "ops.histogram": lambda ops, each: ops.histogram(each[0, 0, :, 0]),
    "ops.view_as_complex": lambda ops, each: ops.view_as_complex(each[..., :2]),
}


def case_of(name: str) -> Case:
    """The case of an operation: the stated one, or one tensor of numbers for every tensor that it needs."""
    entry = catalog.find("ops", name)
    assert entry is not None
    needed = [argument for argument in entry.required if argument in entry.tensors]
    if name in CASES:
        return CASES[name]
    if any(entry.tensors[each] != "one" for each in needed):
        return Case([FLOATS, OTHERS])
    return Case([FLOATS, OTHERS, FLOATS][: max(1, len(needed))])


def spec_of(name: str, case: Case) -> dict[str, Any]:
    """The spec that applies the operation to the arrays of the case."""
    arrays = case.arrays if isinstance(case.arrays, dict) else {f"in_{i}": each for i, each in enumerate(case.arrays)}
    names = {key: f"t_{key}" for key in arrays}
    if isinstance(case.arrays, dict):
        source: Any = names
    else:
        source = list(names.values()) if len(names) > 1 else next(iter(names.values()))
    inputs = {
        names[key]: {"shape": list(each.shape[1:]), "dtype": str(each.dtype), "batch_size": case.batch and len(each)}
        for key, each in arrays.items()
    }
    step: Any = {name: case.written}
    for argument, several in case.call.items():
        step["call"] = {argument: [f"t_{argument}_{index}" for index in range(len(several))]}
        for index, each in enumerate(several):
            inputs[f"t_{argument}_{index}"] = {"shape": list(each.shape[1:]), "dtype": str(each.dtype)}
    return {"graphspec": 1, "inputs": inputs, "graph": {"node": {"from": source, "apply": step}}}


def by_hand(name: str, case: Case) -> Any:
    """What `keras.ops` gives for the same arrays and constants."""
    import keras

    entry = catalog.find("ops", name)
    assert entry is not None
    function = attrgetter(name.removeprefix("ops."))(keras.ops)
    arrays: Any = keras.tree.map_structure(keras.ops.convert_to_tensor, case.arrays)
    if isinstance(case.written, dict):
        constants = dict(case.written)
    elif case.written is None:
        constants = {}
    else:
        fed = list(arrays) if isinstance(arrays, dict) else catalog.fed(entry, len(arrays))
        constants = {next(each for each in entry.arguments if each not in fed): case.written}
    if isinstance(arrays, dict):
        return function(**arrays, **constants)
    kind = next(iter(entry.tensors.values()))
    if kind == "list":
        return function(arrays, **constants, **case.call)
    if "subscripts" in constants:
        return function(constants.pop("subscripts"), *arrays, **constants)
    positional = dict(zip(catalog.fed(entry, len(arrays)), arrays, strict=False))
    return function(*arrays, **constants) if kind == "each" else function(**positional, **constants)


def arrays_of(value: Any) -> list[Any]:
    """The arrays of a result, in order."""
    import keras

    return [np.asarray(keras.ops.convert_to_numpy(each)) for each in keras.tree.flatten(value)]


@pytest.mark.parametrize("name", [name for name in catalog.names("ops") if name not in EXCEPTIONS])
def test_operation_in_a_graph_gives_the_numbers_of_keras(name: str, write: Write) -> None:
    """In a graph, and in that graph reloaded by plain Keras, an operation computes what it computes by hand."""
    import keras

    case = case_of(name)
    expected = arrays_of(by_hand(name, case))
    spec = spec_of(name, case)
    several = len(expected) > 1
    spec["outputs"] = {
        f"out_{index}": {"from": f"node[{index}]" if several else "node"} for index in range(len(expected))
    }
    model = graphspec.build(write(json.dumps(spec), "spec.json"))
    arrays = [*(case.arrays.values() if isinstance(case.arrays, dict) else case.arrays)]
    arrays += [each for several in case.call.values() for each in several]
    fed = dict(zip(spec["inputs"], arrays, strict=True))
    reloaded = keras.models.model_from_json(model.to_json())
    for each in (model, reloaded):
        result = each(fed)
        for index, array in enumerate(expected):
            found = arrays_of(result[f"out_{index}"])[0]
            assert found.shape == array.shape
            np.testing.assert_allclose(found, array, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FAILING_OPS)
def test_failing_operations_fail(name: str) -> None:
    """What is refused as failing fails when it is reloaded and run: once Keras mends it, it is to be let in."""
    import keras

    image = keras.Input(batch_shape=(2, 8, 8, 3))
    with pytest.raises(Exception, match=r"lower|histogram|1j|concatenate tuple"):
        keras.models.model_from_json(keras.Model(image, FAILING[name](keras.ops, image)).to_json())(IMAGES)


def test_every_function_of_keras_ops_is_accounted_for() -> None:
    """A public function of `keras.ops` is an operation, another name for one, no operation, or carries code."""
    import inspect

    import keras

    modules = {
        "ops": keras.ops,
        **{f"ops.{name}": getattr(keras.ops, name) for name in ("image", "linalg", "nn", "numpy")},
    }
    public = {
        f"{prefix}.{name}": value
        for prefix, module in modules.items()
        for name, value in vars(module).items()
        if callable(value) and not name.startswith("_")
    }
    carrying = {name for name in public if f"ops.{name.rpartition('.')[2]}" in CODE_CARRYING_OPS}
    others = {*catalog.other_functions(), *catalog.makers()}
    known = {*catalog.names("ops"), *catalog.identifiers("ops"), *others, *carrying}
    assert set(public) <= known | {name for name in public if f"ops.{name.rpartition('.')[2]}" in others}
    words = {"f", "fn", "fun", "function", "pyfunc", "body", "body_fun", "branches", "true_fn", "false_fn"}
    takes_code = {name for name, value in public.items() if words & set(inspect.signature(value).parameters)}
    assert takes_code == carrying


def test_case_and_exception_are_of_the_catalogue() -> None:
    """The tables of this page name operations that there are, each in one of them."""
    assert {*CASES, *EXCEPTIONS} <= set(catalog.names("ops"))
    assert not set(CASES) & set(EXCEPTIONS)
    assert set(FAILING) == set(FAILING_OPS)
