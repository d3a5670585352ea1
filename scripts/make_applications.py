"""Write graphspec.catalog.application_layers.json: the layers of the functions of `keras.applications`, measured.

    python scripts/make_applications.py            writes the file, in some minutes
    python scripts/make_applications.py --check    exits with 1 where it is stale

Each function makes its model without weights and without its last layers, for images of any size where it can. Each
layer that gives one tensor is listed with its class and its sizes. A size that depends on that of the image is written
`offset/stride` for `(size + offset) // stride`, which any row of convolutions, poolings and paddings comes to. It is
found from images of as many sizes as the largest stride, and written only where it holds for all of them. See
`graphspec.catalog.application_layers`.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import keras
from generated_text import keep

import graphspec
from graphspec.catalog.application_layers import STRIDE, InnerLayer
from graphspec.to_keras.external_models import tappable
from graphspec.to_keras.keras_internals import fresh_layer_names, weightless_scope

FILE = Path(graphspec.__file__).parent / "catalog" / "application_layers.json"
_LEAST = 160
"""A multiple of the largest stride that no model is too deep for."""
_ODD = 171
"""A size that is odd at each stride."""

Shape = tuple[int, ...]


def functions() -> dict[str, Any]:
    """Return the functions of `keras.applications` that make models."""
    return {name: each for name, each in sorted(vars(keras.applications).items()) if inspect.isfunction(each)}


def made(function: Any, **arguments: Any) -> keras.Model:
    """Return the model of a function without weights, by default without its last layers."""
    with fresh_layer_names():
        model: keras.Model = function(**{"weights": None, "include_top": False, **arguments})
    return model


def images() -> Iterator[tuple[int, int]]:
    """Yield images that have each remainder of the largest stride as their height or width, and larger ones."""
    half = STRIDE // 2
    yield from ((_LEAST + more, _LEAST + half + more) for more in range(half))
    yield _LEAST + STRIDE, _LEAST + 2 * STRIDE


def measured(model: keras.Model) -> dict[str, list[int | str | None]]:
    """Return the sizes of the layers of a model, as the file holds them; None for one that depends on more."""
    tensors = tappable(model)
    as_made: dict[str, list[int | str | None]] = {name: list(each.shape[1:]) for name, each in tensors.items()}
    if None not in model.input_shape[1:]:
        return as_made
    whole, channels = keras.Model(model.inputs, list(tensors.values())), model.input_shape[-1]
    try:
        every = [whole.compute_output_shape((1, *image, channels)) for image in images()]
    except ValueError:  # it takes images of some sizes only
        return as_made
    return {
        name: sizes([shapes[place][1:] for shapes in every], open_sizes)
        for place, (name, open_sizes) in enumerate(as_made.items())
    }


def sizes(shapes: list[Shape], as_made: list[int | str | None]) -> list[int | str | None]:
    """Return the sizes of a layer, given its shape for each image, and that for an image of no known size."""
    by_axis = list(zip(*shapes, strict=True))
    found: list[int | str | None] = [several[0] if len(set(several)) == 1 else None for several in by_axis]
    if len(found) != 3 or found[:2] != [None, None]:
        return found if None not in found else as_made
    pairs = [pair for axis in (0, 1) for pair in zip((image[axis] for image in images()), by_axis[axis], strict=True)]
    known = dict(pairs)
    steps = known[_LEAST + STRIDE] - known[_LEAST]
    stride = STRIDE // steps
    offset = max(stride * size - image for image, size in pairs)
    if any((image + offset) // stride != size for image, size in pairs):
        return as_made
    return [f"{offset}/{stride}", f"{offset}/{stride}", found[2]]


def described(function: Any) -> dict[str, Any]:
    """Return the entry of one function."""
    model = made(function)
    tensors, image = tappable(model), list(model.input_shape[1:])
    classes = {layer.name: type(layer).__name__ for layer in model.layers}
    found = measured(model)
    rows: dict[tuple[str, str], list[str]] = {}
    for name, written in found.items():
        rows.setdefault((classes[name], json.dumps(written)), []).append(name)
    return {
        "image": image,
        "image_with_top": list(made(function, include_top=True).input_shape[1:]),
        "any_size": None in image and all_hold(found, function, image[-1]),
        "output": next(name for name, each in tensors.items() if each is model.output),
        "layers": [[kind, json.loads(written), " ".join(names)] for (kind, written), names in rows.items()],
    }


def all_hold(found: dict[str, list[int | str | None]], function: Any, channels: int) -> bool:
    """Return whether sizes hold in a model that is made for images of one size."""
    try:
        tensors = tappable(made(function, input_shape=(_ODD, _ODD, channels)))
    except ValueError:
        return False
    return all(
        InnerLayer.read("", written).shape((_ODD, _ODD)) == tuple(tensors[name].shape[1:])
        for name, written in found.items()
    )


def text() -> str:
    """Return the whole file: a line for each group of layers."""
    entries = []
    for name, function in functions().items():
        with weightless_scope():
            entry = described(function)
        print(f"{name}: {sum(len(row[2].split()) for row in entry['layers'])} layers", file=sys.stderr)
        rows = ",\n  ".join(json.dumps(row) for row in entry.pop("layers"))
        keys = "".join(f'  "{key}": {json.dumps(value)},\n' for key, value in entry.items())
        entries.append(f' "{name}": {{\n{keys}  "layers": [\n  {rows}\n ]}}')
    return "{\n" + ",\n".join(entries) + "\n}\n"


if __name__ == "__main__":
    sys.exit(keep(FILE, text()))
