"""All that a training is at one moment: taken from a model and its callbacks, put back into others of the same spec.

The variables of the model (those of its random generators and of its metrics too) and of its optimizer, the attributes
of its callbacks, and the states of the generators that Python, NumPy and Keras share. The order of the samples is no
part of it: it follows from seed, epoch and step.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Annotated, Any

import keras
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graphspec.to_keras.keras_internals import flattened_layers, global_generator
from graphspec.training.callback_state import go_on_writing, put_back, state_of
from graphspec.training.checkpoint_file import Array, Contents, DamagedError

_MODEL, _OPTIMIZER, _METRICS, _SHARED = "model", "optimizer", "metrics", "shared"


@dataclass(frozen=True)
class Position:
    """Where a training stands: `step` steps of epoch `epoch` are done, both counted from 0."""

    epoch: int
    step: int


class TrainingState:
    """The state of one training: `model` is compiled, with its metrics and its optimizer built."""

    def __init__(self, model: keras.Model, callbacks: list[Any]) -> None:
        self.model = model
        self.callbacks = callbacks

    def take(self, position: Position, kept: dict[str, Array] | None = None) -> Contents:
        """The state now, at `position`. kept stands for what has changed since and is to be as it was."""
        variables = self._variables()
        arrays = {name: variable.value.numpy() for name, variable in variables.items()}
        arrays |= kept or {}
        told = [state_of(each, arrays, f"callbacks/{number:02}") for number, each in enumerate(self.callbacks)]
        version, words, gauss = random.getstate()
        name, keys, *rest = np.random.get_state(legacy=True)
        arrays["random/python"], arrays["random/numpy"] = np.array(words, np.uint64), np.asarray(keys)
        return Contents(
            {
                "position": [position.epoch, position.step],
                "paths": {name: variable.path for name, variable in variables.items()},
                "stopped": bool(self.model.stop_training),
                "callbacks": [type(each).__name__ for each in self.callbacks],
                "told": told,
                "random": {"python": [version, gauss], "numpy": [name, *rest]},
            },
            arrays,
        )

    def changing_in_evaluation(self) -> dict[str, Array]:
        """What an evaluation changes: metrics, and the states of random generators."""
        optimizer = optimizer_variables(self.model.optimizer)
        trained = {id(variable) for variable in (*self.model.trainable_variables, *optimizer)}
        changing = {name: each for name, each in self._variables().items() if id(each) not in trained}
        return {name: np.array(each.value.numpy()) for name, each in changing.items()}

    def put_back(self, contents: Contents) -> None:
        """Make the state what it was when `contents` were taken. Raises DamagedError where they do not fit."""
        try:
            self._put_back(contents)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DamagedError(f"its state does not fit: {error}") from error

    def _put_back(self, contents: Contents) -> None:
        self.put_variables_back(contents)
        state = contents.state
        if state["callbacks"] != [type(each).__name__ for each in self.callbacks]:
            raise DamagedError("it is of a training with other callbacks")
        for each, told in zip(self.callbacks, state["told"], strict=True):
            put_back(each, told, contents.arrays)
        self.model.stop_training = state["stopped"]
        version, gauss = state["random"]["python"]
        random.setstate((version, tuple(map(int, contents.arrays["random/python"])), gauss))
        name, *rest = state["random"]["numpy"]
        np.random.set_state((name, contents.arrays["random/numpy"], *rest))

    def put_variables_back(self, contents: Contents) -> None:
        """Make the variables what they were when `contents` were taken. Raises DamagedError where they do not fit."""
        assign(self._variables(), contents)
        finish_assigning(self.model)

    def go_on_writing(self, contents: Contents) -> None:
        """Before the training begins: let callbacks go on with the files that they had written by then."""
        for each, told in zip(self.callbacks, contents.state["told"], strict=False):
            go_on_writing(each, told)

    def _variables(self) -> dict[str, Any]:
        shared = [global_generator().state]
        return {
            **_named(_MODEL, model_variables(self.model)),
            **_named(_OPTIMIZER, optimizer_variables(self.model.optimizer)),
            **_named(_METRICS, self.model.metrics_variables),
            **_named(_SHARED, shared),
        }


def put_model_back(model: keras.Model, contents: Contents) -> None:
    """Give `model` alone, compiled or not, the variables that it had. Raises DamagedError where they do not fit."""
    assign(_named(_MODEL, model_variables(model)), contents)
    finish_assigning(model)


class _Random(BaseModel):
    model_config = ConfigDict(strict=True)

    python: Annotated[list[Any], Field(min_length=2, max_length=2)]
    numpy: Annotated[list[Any], Field(min_length=1)]


class _Best(BaseModel):
    model_config = ConfigDict(strict=True)

    epoch: Annotated[int, Field(ge=0)]
    monitor: str
    value: float


class _State(BaseModel):
    """What `take` puts into a checkpoint beside the arrays, and what `Checkpoints` adds."""

    model_config = ConfigDict(strict=True)

    position: Annotated[list[Annotated[int, Field(ge=0, lt=2**53)]], Field(min_length=2, max_length=2)]
    paths: dict[str, str]
    stopped: bool
    callbacks: list[str]
    told: list[dict[str, Any]]
    random: _Random
    best: _Best | None
    lock: dict[str, str] = {}
    rows: str | None = None


def check_state(contents: Contents) -> None:
    """Raise DamagedError unless `contents` hold the state of a training."""
    try:
        _State.model_validate(contents.state)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise DamagedError(f"`{'.'.join(map(str, first['loc']))}` of its state is wrong: {first['msg']}") from None


def position_of(contents: Contents) -> Position:
    """Where the training stood."""
    epoch, step = contents.state["position"]
    return Position(epoch, step)


def model_variables(model: keras.Model) -> list[Any]:
    """Every variable of `model` itself, its layers' random generators among them; none of its metrics."""
    found = [*model.variables]
    for layer in flattened_layers(model):
        found += [value.state for value in vars(layer).values() if isinstance(value, keras.random.SeedGenerator)]
    return list({id(each): each for each in found}.values())


def optimizer_variables(optimizer: Any) -> list[Any]:
    """Every variable of `optimizer`; those too that Keras leaves out, as `Nadam`'s where the loss is scaled."""
    inner = getattr(optimizer, "inner_optimizer", None)
    found = [*optimizer.variables]
    for each in (optimizer, inner):
        found += [value for value in vars(each).values() if isinstance(value, keras.Variable)] if each else []
    return list({id(each): each for each in found}.values())


def assign(variables: dict[str, Any], contents: Contents) -> None:
    """Give each of `variables` what the array of its name holds, or none of them anything and raise DamagedError."""
    found = {}
    for name, variable in variables.items():
        array = contents.arrays.get(name)
        if array is None or array.shape != tuple(variable.shape) or str(array.dtype) != str(variable.dtype):
            raise DamagedError(f"it holds no `{name}` that fits `{variable.path}`: it is of another model")
        found[name] = array
    for name, variable in variables.items():
        variable.assign(found[name])


def finish_assigning(model: keras.Model) -> None:
    """Let layers that work with what follows from their variables, as `Normalization` does, take it anew."""
    for layer in flattened_layers(model):
        if isinstance(layer, keras.layers.Normalization) and layer.built:
            layer.finalize_state()


def _named(part: str, variables: list[Any]) -> dict[str, Any]:
    return {f"{part}/{number:05}": each for number, each in enumerate(variables)}
