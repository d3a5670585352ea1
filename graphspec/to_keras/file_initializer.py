"""An initializer that reads weights from a file, and is removed before saving."""

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


def forget_files(layers: Iterable[Any]) -> None:
    """Replace each `FromFile` of initialised layers by a plain initializer.

    Plain Keras can then load the saved model, without graphspec and without the files.
    """
    for layer in layers:
        for each in flattened_layers(layer):
            for name, value in list(vars(each).items()):
                if isinstance(value, FromFile):
                    setattr(each, name, keras.initializers.Zeros())
