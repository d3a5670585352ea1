"""The formats that a model is exported to, and how far their numbers may be from the model's."""

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
class Opened:
    """What was exported, loaded again.

    call takes and gives arrays by name, first axis samples. batch_size: so many samples at a time, None for any number.
    """

    inputs: set[str]
    outputs: set[str]
    call: Callable[[Arrays], Arrays]
    batch_size: int | None = None


Signature = dict[str, Any]
"""A `keras.layers.InputSpec` of each input, by name."""


class Module(Protocol):
    """What the module of a format has."""

    def refused(self, model: keras.Model) -> Iterator[str]:
        """Why the format has no place for parts of `model`, each a sentence with the name of the part."""

    def convert(self, model: keras.Model, signature: Signature, path: Path) -> None:
        """Write `model` to `path`. Raises an exception of whatever kind where the converter fails."""

    def opened(self, path: Path) -> Opened:
        """Load what `convert` wrote. Raises an exception of whatever kind where it cannot be run."""

    def reason(self, error: Exception) -> str:
        """What the converter, or what runs its result, meant by `error`."""


@dataclass(frozen=True)
class Format:
    """A format. title is its name for people; ending that of its file, empty for a folder.

    tolerance: the greatest difference from the model, as a part of the greatest value that the output takes.
    needs: the modules that it takes beside TensorFlow. computes_in_float32: it has no place for 16-bit arithmetic.
    """

    name: str
    title: str
    ending: str
    tolerance: float
    needs: tuple[str, ...] = ()
    computes_in_float32: bool = False

    @property
    def module(self) -> Module:
        """The module that does the work; to import it imports TensorFlow."""
        return cast(Module, import_module(f"graphspec.exporting.{self.name.replace('-', '_')}"))

    def require(self) -> None:
        """Raise SpecError with the line to run where a package that it needs is not installed."""
        for module in self.needs:
            require(module, module.replace("_", "-"), f"export to {self.title} needs it", f"graphspec[{self.name}]")


# Float32 has a relative rounding of 6e-8. TensorFlow's own formats run the same kernels, at most fused differently: a
# hundred roundings are allowed. Other runtimes sum in another order with kernels of their own: ten times that. What
# converters really get wrong (a lost mask, another padding, an approximation in the place of a function) is far more.
_SAME_KERNELS, _OTHER_KERNELS = 1e-5, 1e-4

IN_16_BIT = 1e-2
"""The tolerance for a model that computes in 16 bit: a unit in the last place of bfloat16 is 8e-3."""

FORMATS = {
    each.name: each
    for each in (
        Format("saved-model", "SavedModel", "", _SAME_KERNELS),
        Format("onnx", "ONNX", ".onnx", _OTHER_KERNELS, ("tf2onnx", "onnxruntime"), computes_in_float32=True),
        Format("litert", "LiteRT", ".tflite", _OTHER_KERNELS, ("ai_edge_litert",), computes_in_float32=True),
        Format("keras", "Keras", ".keras", _SAME_KERNELS),
    )
}
"""By the name that `--to` takes."""
