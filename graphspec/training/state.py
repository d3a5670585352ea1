"""The complete state of a training, captured and restored.

It holds the variables of the model (with its random generators and metrics) and of its optimizer, the attributes of
its callbacks, and the states of the random generators of Python, NumPy and Keras. The order of the samples is not part
of it: it follows from seed, epoch and step.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import keras
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graphspec.run_directory import Row
from graphspec.to_keras.keras_internals import flattened_layers, global_generator
from graphspec.training.callback_state import restore_callback, resume_files, state_of
from graphspec.training.checkpoint_file import Array, CheckpointContents, DamagedError

_MODEL, _OPTIMIZER, _METRICS, _SHARED = "model", "optimizer", "metrics", "shared"
STAGE, ENDED = "stage", "ended"
"""Keys of a training in stages."""

CALLBACK_STATES = "told"
"""The key in `state.json`, kept since the first version of its format."""


@dataclass(frozen=True)
class Position:
    """A position in a training: `step` steps of epoch `epoch` (from 0) are done."""

    epoch: int
    step: int


@dataclass(frozen=True)
class StagePosition:
    """A stage of a training: its number, and its first epoch, both from 0."""

    number: int
    first_epoch: int


@dataclass(frozen=True, kw_only=True)
class Start:
    """The state of a run at the start of a training."""

    run: Path
    record: dict[str, Any]
    lock: dict[str, Any]
    rows: list[Row]
    spec_hash: str
    resumed: CheckpointContents | None = None

    @property
    def position(self) -> Position:
        """Return the position of the first step to take."""
        return position_of(self.resumed) if self.resumed is not None else Position(0, 0)

    @property
    def stage(self) -> StagePosition:
        """Return the stage of that step."""
        return stage_of(self.resumed) if self.resumed is not None else StagePosition(0, 0)


class TrainingState:
    """The state of a training with a compiled model and a built optimizer."""

    def __init__(self, model: keras.Model, callbacks: list[Any]) -> None:
        self.model = model
        self.callbacks = callbacks

    def take(self, position: Position, overrides: dict[str, Array] | None = None) -> CheckpointContents:
        """Capture the state at `position`; `overrides` are earlier values of arrays that have changed since."""
        variables = self._variables()
        arrays = self.arrays()
        arrays |= overrides or {}
        states = [state_of(each, arrays, f"callbacks/{number:02}") for number, each in enumerate(self.callbacks)]
        version, words, gauss = random.getstate()
        name, keys, *rest = np.random.get_state(legacy=True)
        arrays["random/python"], arrays["random/numpy"] = np.array(words, np.uint64), np.asarray(keys)
        return CheckpointContents(
            {
                "position": [position.epoch, position.step],
                "paths": {name: variable.path for name, variable in variables.items()},
                "stopped": bool(self.model.stop_training),
                "callbacks": [type(each).__name__ for each in self.callbacks],
                CALLBACK_STATES: states,
                "random": {"python": [version, gauss], "numpy": [name, *rest]},
            },
            arrays,
        )

    def arrays(self) -> dict[str, Array]:
        """Return the values of all variables by name."""
        return {name: variable.value.numpy() for name, variable in self._variables().items()}

    def changing_in_evaluation(self) -> dict[str, Array]:
        """Return copies of the arrays that an evaluation changes: metrics, and states of random generators."""
        optimizer = optimizer_variables(self.model.optimizer)
        trained = {id(variable) for variable in (*self.model.trainable_variables, *optimizer)}
        changing = {name: each for name, each in self._variables().items() if id(each) not in trained}
        return {name: np.array(each.value.numpy()) for name, each in changing.items()}

    def restore(self, contents: CheckpointContents) -> None:
        """Restore the state that `contents` hold. Raises DamagedError if they do not fit."""
        try:
            self._restore(contents)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DamagedError(f"its state does not fit: {error}") from error

    def _restore(self, contents: CheckpointContents) -> None:
        self.restore_variables(contents)
        state = contents.state
        if state["callbacks"] != [type(each).__name__ for each in self.callbacks]:
            raise DamagedError("it belongs to a training with other callbacks")
        for each, callback_state in zip(self.callbacks, state[CALLBACK_STATES], strict=True):
            restore_callback(each, callback_state, contents.arrays)
        self.model.stop_training = state["stopped"]
        version, gauss = state["random"]["python"]
        random.setstate((version, tuple(map(int, contents.arrays["random/python"])), gauss))
        name, *rest = state["random"]["numpy"]
        np.random.set_state((name, contents.arrays["random/numpy"], *rest))

    def restore_variables(self, contents: CheckpointContents) -> None:
        """Restore the variables that `contents` hold. Raises DamagedError if they do not fit."""
        assign(self._variables(), contents)
        finish_assigning(self.model)

    def resume_files(self, contents: CheckpointContents) -> None:
        """Let callbacks continue their files, before the training begins."""
        for each, callback_state in zip(self.callbacks, contents.state[CALLBACK_STATES], strict=False):
            resume_files(each, callback_state)

    def _variables(self) -> dict[str, Any]:
        shared = [global_generator().state]
        return {
            **_named(_MODEL, model_variables(self.model)),
            **_named(_OPTIMIZER, optimizer_variables(self.model.optimizer)),
            **_named(_METRICS, self.model.metrics_variables),
            **_named(_SHARED, shared),
        }


def restore_model(model: keras.Model, contents: CheckpointContents) -> None:
    """Restore the variables of `model` alone. Raises DamagedError if they do not fit."""
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
    """The JSON values of a checkpoint: those of `take`, and those that `Checkpoints` adds."""

    model_config = ConfigDict(strict=True)

    position: Annotated[list[Annotated[int, Field(ge=0, lt=2**53)]], Field(min_length=2, max_length=2)]
    paths: dict[str, str]
    stopped: bool
    callbacks: list[str]
    callback_states: list[dict[str, Any]] = Field(alias="told")
    random: _Random
    best: _Best | None
    stage: Annotated[list[Annotated[int, Field(ge=0, lt=2**53)]], Field(min_length=2, max_length=2)] = [0, 0]
    ended: bool = False
    lock: dict[str, str] = {}
    rows: str | None = None


def check_state(contents: CheckpointContents) -> None:
    """Raise DamagedError unless `contents` hold the state of a training."""
    try:
        _State.model_validate(contents.state)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise DamagedError(f"`{'.'.join(map(str, first['loc']))}` of its state is wrong: {first['msg']}") from None


def position_of(contents: CheckpointContents) -> Position:
    """Return the position of the checkpoint `contents`."""
    epoch, step = contents.state["position"]
    return Position(epoch, step)


def stage_of(contents: CheckpointContents) -> StagePosition:
    """Return the stage of the checkpoint `contents`; older ones hold none."""
    number, first_epoch = contents.state.get(STAGE, (0, 0))
    return StagePosition(number, first_epoch)


def model_variables(model: keras.Model) -> list[Any]:
    """Return every variable of `model`, those of its layers' random generators included, without metrics."""
    variables = [*model.variables]
    for layer in flattened_layers(model):
        variables += [value.state for value in vars(layer).values() if isinstance(value, keras.random.SeedGenerator)]
    return list({id(each): each for each in variables}.values())


def optimizer_variables(optimizer: Any) -> list[Any]:
    """Return every variable of `optimizer`, also those that Keras does not list."""
    inner = getattr(optimizer, "inner_optimizer", None)
    variables = [*optimizer.variables]
    for each in (optimizer, inner):
        variables += [value for value in vars(each).values() if isinstance(value, keras.Variable)] if each else []
    return list({id(each): each for each in variables}.values())


def assign(variables: dict[str, Any], contents: CheckpointContents) -> None:
    """Assign arrays to all `variables`, or raise DamagedError and assign none."""
    values = {}
    for name, variable in variables.items():
        array = contents.arrays.get(name)
        if array is None or array.shape != tuple(variable.shape) or str(array.dtype) != str(variable.dtype):
            raise DamagedError(f"it holds no `{name}` that fits `{variable.path}`: it belongs to another model")
        values[name] = array
    for name, variable in variables.items():
        variable.assign(values[name])


def finish_assigning(model: keras.Model) -> None:
    """Recompute the values that layers such as `Normalization` derive from their variables."""
    for layer in flattened_layers(model):
        if isinstance(layer, keras.layers.Normalization) and layer.built:
            layer.finalize_state()


def _named(part: str, variables: list[Any]) -> dict[str, Any]:
    return {f"{part}/{number:05}": each for number, each in enumerate(variables)}
