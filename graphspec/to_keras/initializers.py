"""Initializers that Keras does not have: they fill weights when a model is built, and none is saved."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras

from graphspec.diagnostics import SourceText
from graphspec.files import reason_of
from graphspec.sources import DataError, DataSource, header, in_order, load
from graphspec.to_keras.keras_internals import flattened_layers


@keras.saving.register_keras_serializable("graphspec")
class FromFile(keras.initializers.Initializer):
    """An initializer with the values of a `.npy` file or an `.npz` array.

    Calling it raises ValueError if the file cannot be read, or its array has another shape than the weight.
    """

    def __init__(self, path: str, key: str | None = None) -> None:
        self.path = path
        self.key = key

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        source = DataSource(Path(self.path), self.path, SourceText(self.path, "").first_line, self.key)
        try:
            head = header(source)
            self._check((head.samples, *head.shape), shape)  # before reading values
            column = load(source)
            self._check(column.shape, shape)
            array = in_order(column, 0, len(column))
        except DataError as error:
            raise ValueError(error.message) from None
        except OSError as error:
            raise ValueError(f"cannot read {self.path}: {reason_of(error)}") from None
        return keras.ops.convert_to_tensor(array, dtype=dtype)

    def _check(self, actual: tuple[int | None, ...], expected: tuple[int, ...]) -> None:
        """Raise ValueError if the array has another shape; None is an unknown size."""
        if len(actual) != len(expected) or any(
            size not in (None, other) for size, other in zip(actual, expected, strict=True)
        ):
            raise ValueError(
                f"{self.path} holds an array of shape {actual}, and the weight has shape {tuple(expected)}"
            )

    def get_config(self) -> dict[str, Any]:
        """Return the configuration from which wrappers such as `Bidirectional` copy their layer."""
        return {"path": self.path, "key": self.key}


class InShape(keras.initializers.Initializer):
    """An initializer that fills a table with the numbers of an array of another shape.

    A weight of a spec is the table of an `Embedding`, with a row for each place of all axes but the last. Some
    initializers, such as `glorot_uniform`, scale by how many numbers come in and go out, which only that shape tells.

    Args:
        initializer: The initializer that the spec names.
        shape: The shape of the weight.
    """

    def __init__(self, initializer: keras.initializers.Initializer, shape: tuple[int, ...]) -> None:
        self.initializer = initializer
        self.shape = shape

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        return keras.ops.reshape(self.initializer(self.shape, dtype=dtype), shape)


def fill_in_shape(table: keras.layers.Embedding, shape: tuple[int, ...]) -> None:
    """Let a table that is not built yet start with the numbers of a weight of this shape."""
    if len(shape) != len((table.input_dim, table.output_dim)):
        table.embeddings_initializer = InShape(table.embeddings_initializer, shape)


def forget_initializers(layers: Iterable[Any]) -> None:
    """Replace the initializers of this module, in layers that are initialised, by plain ones.

    Plain Keras can then load the saved model, without graphspec and without the files.
    """
    for layer in layers:
        for each in flattened_layers(layer):
            for name, value in list(vars(each).items()):
                if isinstance(value, FromFile):
                    setattr(each, name, keras.initializers.Zeros())
                elif isinstance(value, InShape):
                    setattr(each, name, value.initializer)
