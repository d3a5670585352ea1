"""The private parts of Keras and TensorFlow that `keras_internals` uses, each with the feature that needs it.

All of them exist in Keras 3.8 to 3.15 with TensorFlow 2.18 to 2.21. Where a new Keras lacks one, this is said once,
when Keras is first used, and only its feature fails. What a training on several devices needs is tried besides: see
`distribution_faults`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from pkgutil import resolve_name
from typing import Any, TypeVar, cast

import keras

from graphspec.catalog.generated import known_versions, newest
from graphspec.console.echo import echo
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import UNFIT_KERAS

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class PrivatePart:
    """A private part of Keras or TensorFlow.

    Attributes:
        name: Its name, with what holds it.
        feature: What fails without it.
        reason: Why no public API serves.
        find: Returns it, or raises where it is gone.
    """

    name: str
    feature: str
    reason: str
    find: Callable[[], Any]


def _layer() -> Any:
    """Return a layer that computes nothing, so that TensorFlow is not set up before `distribute` does."""
    return keras.layers.InputLayer((1,), name="private_parts")


def _named_in(function: Any, name: str) -> None:
    """Raise AttributeError unless the code of a function uses the attribute `name`."""
    if name not in function.__code__.co_names:
        raise AttributeError(name)


_STATEFUL = "stateful recurrent layers in `summary` and `validate --deep`"
_WALKS = "constants, `taps` and exports"
_NEW_NAMES = "names of layers that do not depend on what the process has built before"

PARTS = (
    PrivatePart(
        "keras.src.backend.common.global_state",
        _NEW_NAMES,
        "only `clear_session` resets the numbers, and more; variables without arrays would be initialised later",
        lambda: resolve_name("keras.src.backend.common.global_state").get_global_attribute,
    ),
    PrivatePart(
        "RNN._create_state_variables",
        _STATEFUL,
        "they allocate their states as arrays",
        lambda: keras.layers.RNN._create_state_variables,
    ),
    PrivatePart(
        "keras.src.utils.tracking.no_automatic_dependency_tracking",
        _STATEFUL,
        "Keras would track those states as weights",
        lambda: resolve_name("keras.src.utils.tracking.no_automatic_dependency_tracking"),
    ),
    PrivatePart(
        "tensorflow.python.framework.ops.gradient_registry._registry",
        "release of the memory of a model after it, in studies and `validate --deep`",
        "each use of a custom gradient keeps its model alive",
        lambda: resolve_name("tensorflow.python.framework.ops.gradient_registry._registry"),
    ),
    PrivatePart(
        "Layer._flatten_layers",
        "`freeze`, `lora`, weights from files, resuming and exports",
        "`Model.layers` omits layers inside layers",
        lambda: _layer()._flatten_layers,
    ),
    PrivatePart(
        "Operation._inbound_nodes",
        _WALKS,
        "nodes of a functional graph are not public",
        lambda: _layer()._inbound_nodes,
    ),
    PrivatePart(
        "KerasTensor._keras_history",
        _WALKS,
        "nor is the operation that produced a tensor",
        lambda: keras.Input((1,), name="private_parts")._keras_history.operation,
    ),
    PrivatePart(
        "TextVectorization._lookup_layer",
        "vocabularies of `TextVectorization`",
        "its table cannot be read in index order",
        lambda: _named_in(keras.layers.TextVectorization.__init__, "_lookup_layer"),
    ),
    PrivatePart(
        "Trainer._symbolic_build",
        "`train`",
        "otherwise the first batch builds metrics and optimizer",
        lambda: keras.Model._symbolic_build,
    ),
    PrivatePart(
        "keras.src.losses.losses.LossFunctionWrapper",
        "losses that are named as functions, such as `mse`",
        "it reduces a loss function over a weighted batch",
        lambda: resolve_name("keras.src.losses.losses.LossFunctionWrapper"),
    ),
    PrivatePart(
        "Trainer._metrics",
        "metrics of the losses of the graph",
        "metrics of attributes would be saved with the model",
        lambda: _named_in(keras.Model.metrics.fget, "_metrics"),
    ),
    PrivatePart(
        "Layer._non_trainable_variables",
        "`distribute`",
        "frozen weights are among those that are public",
        lambda: _layer()._non_trainable_variables,
    ),
    PrivatePart(
        "Layer._trainable_variables",
        "`freeze` and `lora`",
        "the public ones hold inner layers",
        lambda: _layer()._trainable_variables,
    ),
    PrivatePart(
        "Dense._kernel",
        "`lora`",
        "the public one has the adapters added",
        lambda: _named_in(keras.layers.Dense.build, "_kernel"),
    ),
    PrivatePart(
        "SeedGenerator.next",
        "`distribute`",
        "replicas would draw the same numbers for other rows",
        lambda: keras.random.SeedGenerator.next,
    ),
    PrivatePart(
        "Optimizer._apply_weight_decay",
        "`learning_rate_multipliers`",
        "it takes all variables with one learning rate",
        lambda: keras.optimizers.Optimizer._apply_weight_decay,
    ),
    PrivatePart(
        "keras.src.random.seed_generator.global_seed_generator",
        "exact resuming",
        "layers without a seed draw from it, so it is training state",
        lambda: resolve_name("keras.src.random.seed_generator.global_seed_generator"),
    ),
    PrivatePart(
        "tensorflow.python.eager.context.Context.configure_coordination_service",
        "`distribute` with several workers",
        "TensorFlow waits for other workers for an hour",
        lambda: resolve_name("tensorflow.python.eager.context.Context.configure_coordination_service"),
    ),
)


@cache
def missing_parts() -> tuple[PrivatePart, ...]:
    """Return the parts that the installed Keras and TensorFlow lack."""
    return tuple(part for part in PARTS if not _is_there(part))


def _is_there(part: PrivatePart) -> bool:
    try:
        part.find()
    except Exception:  # a part that is gone can end in any
        return False
    return True


def has_part(name: str) -> bool:
    """Return whether the installed Keras and TensorFlow have the part of PARTS with this name."""
    return name not in {part.name for part in missing_parts()}


def needs(name: str) -> Callable[[F], F]:
    """Let a function raise SpecError, with the feature that it is for, where a part of PARTS is gone."""
    [part] = [each for each in PARTS if each.name == name]

    def decorated(function: F) -> F:
        @wraps(function)
        def checked(*arguments: Any, **keywords: Any) -> Any:
            if part in missing_parts():
                raise SpecError.of(
                    UNFIT_KERAS,
                    f"Keras {keras.__version__} lacks `{part.name}`, which this needs: {part.feature}",
                    expected=f"a Keras that graphspec was tested with: {tested_versions()}",
                    help=f"install one of these: `pip install 'keras<={newest()}.99'`, or a newer graphspec",
                )
            return function(*arguments, **keywords)

        return cast(F, checked)

    return decorated


def tested_versions() -> str:
    """Return the versions of Keras that graphspec is tested with, in words."""
    return f"{known_versions()[0]} to {newest()}"


def name_missing_parts() -> None:
    """Say on standard error which parts are gone, and which features lack them."""
    for part in missing_parts():
        echo(f"Keras {keras.__version__} lacks `{part.name}`; this does not work with it: {part.feature}", err=True)


name_missing_parts()
