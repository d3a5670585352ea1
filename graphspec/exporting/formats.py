"""The export formats, with the tolerance of each when it is compared with the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from graphspec.extras import require

if TYPE_CHECKING:
    import keras
    import numpy as np

Arrays = Mapping[str, "np.ndarray[Any, Any]"]
"""Arrays by the names of inputs or outputs."""


@dataclass(frozen=True)
class LoadedExport:
    """An export, loaded again.

    Attributes:
        inputs: Names of its inputs.
        outputs: Names of its outputs.
        call: Returns its outputs for inputs, arrays by name, first axis samples.
        batch_size: Fixed number of samples of a call, None if open.
    """

    inputs: set[str]
    outputs: set[str]
    call: Callable[[Arrays], Arrays]
    batch_size: int | None = None


Signature = dict[str, Any]
"""A `keras.layers.InputSpec` of each input, by name."""


class FormatModule(Protocol):
    """The module of a format."""

    def unsupported(self, model: keras.Model) -> Iterator[str]:
        """Yield a sentence for each part of `model` that the format does not support."""

    def convert(self, model: keras.Model, signature: Signature, path: Path) -> None:
        """Write `model` to `path`. Raises any exception if the converter fails."""

    def load(self, path: Path) -> LoadedExport:
        """Load what `convert` wrote. Raises any exception if it cannot be run."""

    def reason(self, error: Exception) -> str:
        """Return an explanation of an `error` of the converter, or of what runs its result."""


@dataclass(frozen=True, kw_only=True)
class ExportFormat:
    """A format that a model can be exported to.

    Attributes:
        name: Value of `--to`.
        title: Name in messages.
        ending: File extension, empty for a folder.
        tolerance: Maximum difference from the model, relative to the maximum of the output.
        needs: Modules that it needs beside TensorFlow.
        computes_in_float32: It does not support 16-bit arithmetic.
    """

    name: str
    title: str
    ending: str
    tolerance: float
    needs: tuple[str, ...] = ()
    computes_in_float32: bool = False

    @property
    def module(self) -> FormatModule:
        """Import the module of the format, and TensorFlow with it."""
        return cast(FormatModule, import_module(f"graphspec.exporting.{self.name.replace('-', '_')}"))

    def require(self) -> None:
        """Raise SpecError with the line to run if a package that it needs is not installed."""
        for module in self.needs:
            require(module, module.replace("_", "-"), f"export to {self.title} needs it")


# Float32 has a relative rounding error of 6e-8. TensorFlow's formats run the same kernels, at most fused differently: a
# hundred roundings are allowed. Other runtimes sum in another order with their own kernels: ten times that. Real errors
# of converters (a lost mask, another padding, an approximated function) are far larger.
_SAME_KERNELS, _OTHER_KERNELS = 1e-5, 1e-4

IN_16_BIT = 1e-2
"""The tolerance of a model that computes in 16 bit: a unit in the last place of bfloat16 is 8e-3."""

FORMATS = {
    each.name: each
    for each in (
        ExportFormat(name="saved-model", title="SavedModel", ending="", tolerance=_SAME_KERNELS),
        ExportFormat(
            name="onnx",
            title="ONNX",
            ending=".onnx",
            tolerance=_OTHER_KERNELS,
            needs=("tf2onnx", "onnxruntime"),
            computes_in_float32=True,
        ),
        ExportFormat(
            name="litert",
            title="LiteRT",
            ending=".tflite",
            tolerance=_OTHER_KERNELS,
            needs=("ai_edge_litert",),
            computes_in_float32=True,
        ),
        ExportFormat(name="keras", title="Keras", ending=".keras", tolerance=_SAME_KERNELS),
    )
}
"""The export formats by name."""
