"""The keys of `training`. See docs/language.md.

Fields of type `Any` hold objects, whose form is open: `lower` reads them from the tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WrapValidator
from pydantic_core import PydanticCustomError

from graphspec.catalog.values import FLOAT32_MAX
from graphspec.diagnostics.suggest import did_you_mean
from graphspec.language.schema.limits import Positive
from graphspec.language.schema.part import Name, Part

_STEPS = re.compile(r"([1-9][0-9]{0,8}) steps?")


def _epoch_or_steps(value: str) -> str:
    if value != "epoch" and not _STEPS.fullmatch(value):
        raise PydanticCustomError(
            "unknown_choice", "`epoch` or a number of steps", {"help": "write `every: epoch`, or `every: 500 steps`"}
        )
    return value


class CheckpointModel(Part):
    """The interval of checkpoints, the number to keep, and the metric of the best."""

    every: Annotated[str, AfterValidator(_epoch_or_steps)] = "epoch"
    keep: Positive = 2
    monitor: str | None = None

    @property
    def every_steps(self) -> int | None:
        """The number of steps between two checkpoints; None for every epoch."""
        match = _STEPS.fullmatch(self.every)
        return int(match[1]) if match is not None else None


_REFUSED_STRATEGIES = {
    "parameter_server": "Keras 3 does not support training with parameter servers (the machines keep no common step)",
    "central_storage": "TensorFlow keeps it as an experiment; `mirrored` serves the same devices",
    "tpu": "graphspec is tested on CPUs and GPUs alone",
    "one_device": "it is what a training does without `distribute`",
    "default": "it is what a training does without `distribute`",
}
"""Strategies of TensorFlow that no training uses, with the reason."""

_OTHER_STRATEGIES = {"multi_worker_mirrored": "multi_worker", "collective_all_reduce": "multi_worker"}


def _known_strategy(value: Any) -> Any:
    if not isinstance(value, str) or value in ("mirrored", "multi_worker"):
        return value
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", value).lower().replace("-", "_").removesuffix("_strategy")
    known = ["mirrored", "multi_worker"]
    if name in _REFUSED_STRATEGIES:
        help = _REFUSED_STRATEGIES[name]
    elif (meant := _OTHER_STRATEGIES.get(name, name)) in known:
        help = f"write `{meant}`"
    else:
        meanings = "`mirrored` is for the GPUs of one machine, `multi_worker` for several processes or machines"
        help = did_you_mean(value, known, meanings)
    raise PydanticCustomError("unknown_choice", "`mirrored` or `multi_worker`", {"help": help})


AUTO = "auto"
_UNSET_SIZE = 0
"""The size in place of `auto`, until shapes are known."""


def _size_or_auto(value: Any, validate: Callable[[Any], int]) -> int:
    if value == AUTO:
        return _UNSET_SIZE
    if isinstance(value, str):
        help = did_you_mean(value, [AUTO], "write a number, or `auto` for one by the shapes of the model")
        raise PydanticCustomError("unknown_choice", "a whole number, or `auto`", {"help": help})
    return validate(value)


Glob = Annotated[str, Field(min_length=1)]


MAX_RANK = 65_536
"""The largest rank of LoRA: beyond it, the adapters of any layer are larger than its kernel."""


class LoraModel(Part):
    """Low-rank adapters of layers: their rank, their scale `alpha / rank`, and the layers that get them."""

    rank: Annotated[int, Field(gt=0, le=MAX_RANK)]
    alpha: Annotated[float, Field(gt=0, le=FLOAT32_MAX)] | None = None
    layers: Annotated[list[Glob], Field(min_length=1)]


class StageModel(Part):
    """A part of a training: what differs from the part before."""

    name: Name | None = None
    epochs: Positive
    learning_rate: Any = None
    freeze: list[Glob] = []
    unfreeze: list[Glob] = []


class TrainingModel(Part):
    """The settings of training."""

    optimizer: Any
    epochs: Positive = 1
    batch_size: Annotated[Positive, WrapValidator(_size_or_auto)] = 32
    drop_remainder: bool = False
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    callbacks: list[Any] = []
    steps_per_epoch: Positive | None = None
    validation_freq: Positive = 1
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    jit_compile: Literal["auto"] | bool = "auto"
    steps_per_execution: Literal["auto"] | Positive = "auto"
    deterministic: bool = False
    distribute: Annotated[Literal["mirrored", "multi_worker"] | None, BeforeValidator(_known_strategy)] = None
    freeze: list[Glob] = []
    learning_rate_multipliers: dict[Glob, Annotated[float, Field(gt=0, le=FLOAT32_MAX)]] = {}
    lora: LoraModel | None = None
    stages: Annotated[list[StageModel], Field(min_length=1)] | None = None
    initial_weights: Any = None
    log: list[Literal["tensorboard", "csv", "mlflow"]] = []
    checkpoint: CheckpointModel | None = None

    @property
    def has_automatic_batch_size(self) -> bool:
        """Return whether the spec leaves the batch size to graphspec."""
        return self.states("batch_size") and bool(self.tree["batch_size"] == AUTO)

    @property
    def all_epochs(self) -> int:
        """Return the number of epochs of all stages together."""
        return sum(each.epochs for each in self.stages) if self.stages else self.epochs
