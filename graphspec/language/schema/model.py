"""The keys of the language, one class for each mapping. See docs/language.md.

Fields of type `Any` hold references, objects and steps, whose form is open: `lower` reads them from the tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from keyword import iskeyword
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WrapValidator, model_validator
from pydantic_core import PydanticCustomError

from graphspec import catalog
from graphspec.catalog.values import FLOAT32_MAX
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.document.tree import Mapping, Sequence
from graphspec.language.schema.limits import MAX_COUNT, MAX_NUMBERS, MAX_PIXELS, MAX_SIZE, Positive
from graphspec.language.schema.part import Name, Named, Part
from graphspec.language.schema.search import SearchModel
from graphspec.language.schema.training import TrainingModel

LANGUAGE_VERSION = 1

MAX_NAME_LENGTH = 200
"""A spec's name is used in names of folders and files, for which most systems allow 255 bytes."""


BALANCED = "balanced"
"""The word for class weights that follow from the training split."""

_DTYPE_HELP = {
    word: f"write `{dtype}`"
    for word, dtype in (("int", "int32"), ("float", "float32"), ("double", "float64"), ("half", "float16"))
} | dict.fromkeys(("str", "text", "object"), "write `string`")
"""Help for the names of dtypes in other languages."""


def _known_dtype(value: str) -> str:
    known = catalog.dtypes()
    if value not in known:
        raise PydanticCustomError(
            "unknown_choice",
            "a dtype of Keras",
            {"help": _DTYPE_HELP.get(value) or did_you_mean(value, known, f"the dtypes are {one_of(known, 20)}")},
        )
    return value


def _supported_version(value: int) -> int:
    if value != LANGUAGE_VERSION:
        raise PydanticCustomError("language_version", f"`{LANGUAGE_VERSION}`")
    return value


def _within_float32(value: float) -> float:
    """Refuse a number that Keras would convert to infinity."""
    if not abs(value) <= FLOAT32_MAX:
        raise PydanticCustomError("number_range", f"a number from -{FLOAT32_MAX:g} to {FLOAT32_MAX:g}")
    return value


Size = Annotated[int, Field(gt=0, le=MAX_SIZE)]
SampleSize = Annotated[int, Field(gt=0, le=MAX_NUMBERS)]
Dtype = Annotated[str, AfterValidator(_known_dtype)]


class InputModel(Part):
    """One named input. shape: without the batch axis; null is any length."""

    shape: list[Size | None]
    dtype: Dtype = "float32"
    sparse: bool = False
    batch_size: Size | None = None
    optional: bool = False


class WeightModel(Part):
    """A trainable weight of a node."""

    shape: list[Size]
    initializer: Any = None
    regularizer: Any = None
    constraint: Any = None
    dtype: Dtype | None = None
    trainable: bool = True


def _begins_with_operation(node: Mapping) -> bool:
    """Return whether the first step of a node is an operation, which may make a tensor from its arguments."""
    step: Any = node.get("apply")
    step = step[0] if isinstance(step, Sequence) and step else step
    name = next(iter(step), None) if isinstance(step, Mapping) else step
    return isinstance(name, str) and name.startswith("ops.")


class StepsModel(Part):
    """Steps that begin with the operands in `from`."""

    from_: Any = Field(alias="from")
    merge: Any = None
    apply: Any = None


class NodeModel(StepsModel):
    """A tensor or a tuple of tensors.

    In the place of `from` a node may begin with a constant, with a weight, or with an operation on its arguments alone.
    """

    constant: Any = None
    weight: WeightModel | None = None
    dtype: Dtype | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _allow_beginnings(cls, data: Any, validate: Callable[[Any], Any]) -> Any:
        if not isinstance(data, Mapping) or "from" in data:
            return validate(data)
        if not ("constant" in data or "weight" in data or _begins_with_operation(data)):
            return validate(data)  # which misses `from`
        completed = data.filtered()
        completed.put("from", None, data.span, data.span)
        part = validate(completed)
        part.__dict__["tree"] = data
        return part


def _balanced_or_weights(value: Any, validate: Callable[[Any], Any]) -> Any:
    if not isinstance(value, str) or value == BALANCED:
        return value if value == BALANCED else validate(value)
    help = did_you_mean(value, [BALANCED], f"`{BALANCED}` gives each class the same share of the loss")
    raise PydanticCustomError("unknown_choice", f"weights by class, or `{BALANCED}`", {"help": help})


if TYPE_CHECKING:
    ClassWeights = dict[Any, Any] | str
else:  # not a union: pydantic would complain about each member of one
    ClassWeights = Annotated[dict[Any, Any], WrapValidator(_balanced_or_weights)]


class OutputModel(NodeModel):
    """A node that the model returns, with its loss and metrics."""

    loss: Any = None
    loss_weight: Annotated[float, Field(ge=0), AfterValidator(_within_float32)] = 1.0
    metrics: Any = None
    weighted_metrics: Any = None
    class_weight: ClassWeights | None = None


class LossModel(StepsModel):
    """A number of the graph, or one a sample, that is added to the total loss."""

    weight: Annotated[float, Field(gt=0), AfterValidator(_within_float32)] = 1.0


class BlockModel(Part):
    """A template: parameters with defaults, input names, and nodes, which each use validates."""

    params: Named[Any] = {}
    inputs: Any
    layers: Any = None
    graph: Any = None
    output: Any = None
    outputs: Any = None


class BlockBody(Part):
    """The inside of a block at one use: its layers and plain nodes."""

    layers: Named[Any] = {}
    graph: Named[NodeModel] = {}
    outputs: Annotated[Named[NodeModel], Field(min_length=1)]


class ExternalModelSpec(Part):
    """A model from a file, another spec, a preset, or an application, whose arguments are further keys.

    So are those of what a preset prepares text and images by: its tokenizer, preprocessor or image converter.
    """

    model_config = ConfigDict(extra="allow")

    file: Any = None
    spec: Any = None
    application: Any = None
    taps: Any = None
    preset: Any = None
    tokenizer: Any = None
    preprocessor: Any = None
    image_converter: Any = None
    weights: Any = None
    trainable: Any = None


PRESET_PARTS = ("tokenizer", "preprocessor", "image_converter")
"""The keys of the layers of a preset that prepare text and images, by the names of KerasHub."""
ORIGINS = ("file", "spec", "application", "preset", *PRESET_PARTS)
"""The keys that name the origin of an external model, one of which is present."""


def _nested_or_external(value: Any, validate: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping) and any(key in value for key in ORIGINS):
        return ExternalModelSpec.model_validate(value)
    return validate(value)


class Body(Part):
    """The common part of specs and nested models: a graph from inputs to outputs."""

    inputs: Annotated[Named[InputModel], Field(min_length=1)]
    layers: Named[Any] = {}
    models: Named[AnyModel] = {}
    blocks: Named[BlockModel] = {}
    graph: Named[NodeModel] = {}
    outputs: Annotated[Named[OutputModel], Field(min_length=1)]


class NestedModelSpec(Body):
    """A model that is defined inside of a spec. weights: a file. trainable: False to freeze them."""

    weights: Any = None
    trainable: bool = True


if TYPE_CHECKING:
    AnyModel = NestedModelSpec | ExternalModelSpec
else:  # not a union: pydantic would complain about each member of one
    AnyModel = Annotated[NestedModelSpec, WrapValidator(_nested_or_external)]
Body.model_rebuild()


def _vocabulary(value: Any) -> Any:
    if value == "auto":
        return value
    if not isinstance(value, list) or not value:
        raise PydanticCustomError(
            "unknown_choice",
            "`auto`, or a list of words",
            {"help": "write `vocabulary: auto`, or `vocabulary: [no, yes]` with quotes around both"},
        )
    known: set[str] = set()
    for word in value:
        if not isinstance(word, str | int) or isinstance(word, bool):
            raise PydanticCustomError("unknown_choice", "words, or whole numbers", {"help": "write words in quotes"})
        if str(word) in known:
            raise PydanticCustomError("unknown_choice", "each word once", {"help": f"`{word}` is listed twice"})
        known.add(str(word))
    return tuple(value)


def _no_truth(value: Any) -> Any:
    """Refuse a boolean where pydantic compares with numbers, because Python's True equals 1."""
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "a whole number")
    return value


def _few_pixels(value: list[int]) -> list[int]:
    if value[0] * value[1] > MAX_PIXELS:
        raise PydanticCustomError(
            "unknown_choice",
            f"a height and a width of at most {MAX_PIXELS:,} pixels",
            {"help": "images of this size take too much memory; write smaller numbers"},
        )
    return value


class WindowModel(Part):
    """Windows of `size` steps of a series, with the target `horizon` steps after each."""

    size: SampleSize
    stride: Positive = 1
    horizon: Annotated[int, Field(ge=0, le=MAX_COUNT)] = 1


class SourceModel(Part):
    """One array: its file or shards, the part that is read, and its transforms."""

    file: Annotated[str, Field(min_length=1)] | None = None
    files: Annotated[str, Field(min_length=1)] | None = None
    key: str | None = None
    column: str | None = None
    columns: Annotated[list[str], Field(min_length=1)] | None = None
    feature: str | None = None
    decode: Literal["image"] | None = None
    size: Annotated[list[Positive], Field(min_length=2, max_length=2), AfterValidator(_few_pixels)] | None = None
    channels: Annotated[Literal[1, 3, 4], BeforeValidator(_no_truth)] | None = None
    on_error: Literal["fail", "skip"] = "fail"
    interpolation: Literal["nearest", "bilinear"] | None = None
    one_hot: SampleSize | None = None
    vocabulary: Annotated[Any, AfterValidator(_vocabulary)] = None
    scale: Annotated[float, AfterValidator(_within_float32)] | None = None
    cast: Dtype | None = None
    pad: SampleSize | None = None
    window: WindowModel | None = None


class SplitModel(Part):
    """The sources of one split, by the names of the model's inputs and outputs."""

    file: Annotated[str, Field(min_length=1)] | None = None
    inputs: Named[SourceModel]
    outputs: Named[SourceModel] = {}
    sample_weights: Named[SourceModel] = {}


class ValidationModel(Part):
    """Validation samples: a share of the training split, or sources of their own."""

    split: Annotated[float, Field(gt=0, lt=1)] | None = None
    file: Annotated[str, Field(min_length=1)] | None = None
    inputs: Named[SourceModel] = {}
    outputs: Named[SourceModel] = {}
    sample_weights: Named[SourceModel] = {}


class DataModel(Part):
    """The data of each split. Paths are relative to the spec file."""

    train: SplitModel | None = None
    validation: ValidationModel | None = None
    test: SplitModel | None = None


class LibraryModel(Part):
    """The declarations of a spec file that is included by others."""

    graphspec: Annotated[int, AfterValidator(_supported_version)]
    layers: Named[Any] = {}
    models: Named[AnyModel] = {}
    blocks: Named[BlockModel] = {}


def _module_name(value: str) -> str:
    if not all(part.isidentifier() and not iskeyword(part) for part in value.split(".")):
        fixed = re.sub(r"\W", "_", value.removesuffix(".py").replace("/", "."))
        raise PydanticCustomError(
            "unknown_choice",
            "the name of a Python module",
            {"help": f"write `{fixed}`; name a module beside the spec without path and extension"},
        )
    return value


class PluginModel(Part):
    """A module that registers custom objects. folder: its folder, by default that of the spec."""

    module: Annotated[str, AfterValidator(_module_name)]
    folder: Annotated[str, Field(min_length=1)] | None = None


class SpecModel(Body):
    """A whole spec. `vars` and `include` are resolved before validation, and are declared as known keys."""

    graphspec: Annotated[int, AfterValidator(_supported_version)]
    vars: Named[Any] = {}
    include: Any = None
    name: Annotated[Name, Field(max_length=MAX_NAME_LENGTH)] | None = None
    description: str | None = None
    plugins: list[PluginModel] = []
    losses: Named[LossModel] = {}
    weights: Any = None
    training: TrainingModel | None = None
    search: SearchModel | None = None
    data: DataModel | None = None

    def with_batch_size(self, size: int) -> SpecModel:
        """Return the spec with this batch size in place of `auto`."""
        assert self.training is not None
        return self.model_copy(update={"training": self.training.model_copy(update={"batch_size": size})})

    @property
    def precision(self) -> str:
        """Dtype policy of the model: that of its training, by default float32."""
        return self.training.precision if self.training is not None else "float32"
