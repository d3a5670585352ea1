"""Trying an argument's value on Keras: construct, and use the thing once. A trial says how far Keras went.

Layers are applied to symbolic tensors, without weights; losses, metrics, initializers, regularizers and constraints to
small arrays; optimizers take a step; callbacks see a small training.
"""

from __future__ import annotations

import inspect
import io
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, nullcontext, redirect_stderr, redirect_stdout, suppress
from enum import IntEnum
from functools import cache
from importlib import import_module
from typing import Any

import keras
import numpy as np
import yaml

from graphspec import catalog
from graphspec.catalog import Kind
from graphspec.catalog.arguments import argument_kind
from graphspec.to_keras.keras_internals import weightless_scope

from .known_uses import ARGUMENTS, CASES, Case

_SECONDS = 10
"""A trial that takes longer is no verdict on the value, and the value is taken."""


class Outcome(IntEnum):
    """How far Keras went with a value; the greater, the farther."""

    REFUSED = 0
    """The constructor refuses it: it is wrong whatever the thing is used for."""
    UNUSABLE = 1
    """The constructor takes it, and using the thing fails: perhaps it is wrong for these tensors alone."""
    TAKEN = 2


MODULES: dict[Kind, Any] = {
    "layers": keras.layers,
    "initializers": keras.initializers,
    "regularizers": keras.regularizers,
    "constraints": keras.constraints,
    "losses": keras.losses,
    "metrics": keras.metrics,
    "optimizers": keras.optimizers,
    "schedules": keras.optimizers.schedules,
    "callbacks": keras.callbacks,
}


def class_of(kind: Kind, name: str) -> Any:
    """The class of Keras that the catalogue names."""
    entry = catalog.find(kind, name)
    return getattr(import_module(entry.module) if entry is not None and entry.module else MODULES[kind], name)


# Further surroundings in which arguments matter that do nothing, or do not fit, in the usual ones.
SURROUNDINGS: dict[str, list[dict[str, Any]]] = {
    **{f"Conv{i}D{suffix}": [{"filters": 12}, {"strides": 3}] for i in (1, 2, 3) for suffix in ("", "Transpose")},
    **{name: [{"output_mode": "one_hot"}] for name in ("Hashing", "HashedCrossing")},
    "Discretization": [{"bin_boundaries": [0.5], "output_mode": "one_hot"}, {"num_bins": 4}],
    "EinsumDense": [{"equation": "abc,bcd->ad", "output_shape": 4}],
    "IntegerLookup": [
        {"vocabulary": [3, 5, 9], "output_mode": "tf_idf", "idf_weights": [0.1, 0.2, 0.3]},
        {"vocabulary": [3, 5, 9], "output_mode": "multi_hot", "max_tokens": 9},
        {"vocabulary": [3, 5, 9], "oov_method": "farmhash"},
    ],
    "StringLookup": [
        {"vocabulary": ["a", "b"], "output_mode": "tf_idf", "idf_weights": [0.1, 0.2]},
        {"vocabulary": ["a", "b"], "output_mode": "multi_hot", "max_tokens": 9},
        {"vocabulary": ["a", "b"], "output_mode": "int"},
    ],
    "TextVectorization": [
        {"vocabulary": ["a", "b"], "output_mode": "tf_idf", "idf_weights": [0.1, 0.2]},
        {"vocabulary": ["a", "b"], "output_mode": "multi_hot", "max_tokens": 9},
    ],
    "Normalization": [{"mean": [0.1] * 6, "variance": [1.0] * 6}],
    "AUC": [{"multi_label": True, "num_labels": 3, "label_weights": [0.1, 0.2, 0.3]}],
    "ModelCheckpoint": [{"filepath": "best.weights.h5", "save_weights_only": True}],
    "TensorBoard": [{"profile_batch": "2,3"}],
    "PiecewiseConstantDecay": [{"boundaries": [5], "values": [1.0, 0.5]}],
}

COMPUTED = {"Discretization": "bin_boundaries"}
"""Layers without weights that hand an argument to a computation as it is, where it is given."""


def given(name: str, written: Any, cls: type) -> dict[str, Any]:
    """What is written after a name, as arguments by keyword."""
    if written is None:
        return {}
    if isinstance(written, dict):
        return written
    return {next(iter(inspect.signature(cls).parameters)): written}


def contexts(kind: Kind, name: str, required: list[str]) -> list[dict[str, Any]]:
    """The arguments that surround the one that is varied, as specs write them: a known use, and no more than needed."""
    cls = class_of(kind, name)
    if kind == "layers":
        known = given(name, CASES[name].written, cls)
    else:
        known = given(name, yaml.safe_load(ARGUMENTS.get(name, "null")), cls)
    bare = {argument: known[argument] for argument in required if argument in known}
    found = [known, bare, *({**bare, **more} for more in SURROUNDINGS.get(name, []))]
    return [each for number, each in enumerate(found) if each not in found[:number]]


def trial(kind: Kind, name: str, arguments: dict[str, Any]) -> Outcome:
    """How far Keras goes with `arguments`, which are written as in a spec."""
    with _quietly(writes=kind == "callbacks"):
        try:
            with weightless_scope() if kind == "layers" else nullcontext():
                made = construct(kind, name, arguments)
        except _TooLong:
            return Outcome.TAKEN
        except Exception:
            return Outcome.REFUSED
        try:
            _USES[kind](name, made)
        except _TooLong:
            return Outcome.TAKEN
        except Exception:
            return Outcome.UNUSABLE
    return Outcome.TAKEN


def is_loaded_again(kind: Kind, name: str, arguments: dict[str, Any]) -> bool:
    """Whether Keras makes the thing again of the configuration that it would save; true of what it does not make."""
    with _quietly(writes=False), weightless_scope():
        try:
            made = construct(kind, name, arguments)
        except Exception:
            return True
        return _works(lambda: type(made).from_config(made.get_config()))


def construct(kind: Kind, name: str, arguments: dict[str, Any]) -> Any:
    """The object of Keras, with the objects among its arguments made as well."""
    return class_of(kind, name)(**{key: _object(argument_kind(key), each) for key, each in arguments.items()})


def _object(kind: Kind | None, written: Any) -> Any:
    if kind is None or kind == "activations":
        return written
    if isinstance(written, list) and kind == "layers":
        return [_object(kind, item) for item in written]
    if isinstance(written, str) and hasattr(MODULES[kind], written):
        return construct(kind, written, {})
    if isinstance(written, dict) and len(written) == 1:
        ((name, arguments),) = written.items()
        return construct(kind, name, given(name, arguments, class_of(kind, name)))
    return written


def _use_layer(name: str, layer: Any) -> None:
    case = CASES[name]
    with weightless_scope():
        tensors, call = _tensors(case), {key: _symbolic(each, "float32") for key, each in case.call.items()}
        if isinstance(tensors, dict) and "data" not in inspect.signature(layer.call).parameters:
            layer(**tensors, **call)
        else:
            layer(tensors, **call)
    _compute_with(name, layer)


def _compute_with(name: str, layer: Any) -> None:
    """Apply a layer that has no weights to numbers: of what it computes with, symbolic tensors show nothing."""
    if getattr(layer, COMPUTED.get(name, ""), None):
        layer(np.ones((2, *CASES[name].inputs), CASES[name].dtype))


def _tensors(case: Case) -> Any:
    return _symbolic(case.inputs, case.dtype)


def _symbolic(shape: Any, dtype: Any) -> Any:
    if isinstance(shape, dict):
        return {key: _symbolic(each, dtype) for key, each in shape.items()}
    if isinstance(shape, list):
        return [_symbolic(each, dtype) for each in shape]
    return keras.KerasTensor((None, *shape), dtype=dtype)


_FLOATS = np.array([[0.2, 0.7, 0.1], [0.6, 0.1, 0.3]], "float32")
_ONE_HOT = np.array([[0, 1, 0], [1, 0, 0]], "float32")
_CLASSES = np.array([1, 0], "int32")
_PAIRS: list[tuple[Any, Any]] = [
    (_ONE_HOT, _FLOATS),
    (_CLASSES, _FLOATS),
    (_CLASSES, _CLASSES),
    (np.full((2, 3), 3, "int32"), np.ones((2, 3, 5), "float32")),
    (_FLOATS[None], _FLOATS[None]),
    (np.ones((2, 4, 4, 3), "float32"), np.ones((2, 4, 4, 3), "float32")),
]


@cache
def _pairs(kind: Kind, name: str) -> list[tuple[Any, Any]]:
    """The pairs of targets and predictions that the known use takes."""
    made = [construct(kind, name, each) for each in contexts(kind, name, [])[:1]]
    return [pair for pair in _PAIRS if any(_works(_compare, each, pair) for each in made)][:2]


def _works(use: Callable[..., Any], *arguments: Any) -> bool:
    with suppress(Exception):
        use(*arguments)
        return True
    return False


def _compare(made: Any, pair: tuple[Any, Any]) -> None:
    if isinstance(made, keras.metrics.Metric):
        made.reset_state()
        if type(made) in (keras.metrics.Mean, keras.metrics.Sum):
            made.update_state(pair[1])
        else:
            made.update_state(*pair)
        made.result()
    else:
        made(*pair)


def _use_comparison(kind: Kind) -> Callable[[str, Any], None]:
    def use(name: str, made: Any) -> None:
        pairs = _pairs(kind, name)
        for pair in pairs[:-1]:
            if _works(_compare, made, pair):
                return
        _compare(made, pairs[-1])

    return use


def _use_initializer(name: str, made: Any) -> None:
    if not any(_works(made, shape) for shape in ((3, 3), (3,), (3, 3, 3))):
        made((5, 2, 8))


def _use_on_array(name: str, made: Any) -> None:
    if not _works(made, keras.ops.ones((3, 3, 2, 2))):
        made(keras.ops.ones((3, 3)))


def _use_optimizer(name: str, made: Any) -> None:
    variable = keras.Variable(np.ones((2, 2), "float32"))
    made.build([variable])
    made.apply([keras.ops.ones((2, 2))], [variable])
    if made.use_ema:
        made.finalize_variable_values([variable])


def _use_schedule(name: str, made: Any) -> None:
    for step in (0, 3, 30):
        float(made(keras.ops.convert_to_tensor(step)))


@cache
def _small_model() -> Any:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01, use_ema=True), "mse")
    model.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0)
    return model


def _use_callback(name: str, made: Any) -> None:
    """The calls that a training of three epochs makes, while the loss stays as it is.

    TensorBoard is only constructed: it writes in threads of its own, and one that has failed spoils those after it.
    """
    if name == "TensorBoard":
        return
    model, logs = _small_model(), {"loss": 0.5, "val_loss": 0.5}
    model.optimizer.learning_rate = 0.01
    model.stop_training = False
    callbacks = keras.callbacks.CallbackList([made], model=model, epochs=3, steps=2, verbose=0)
    callbacks.on_train_begin()
    for epoch in range(3):
        callbacks.on_epoch_begin(epoch)
        for batch in range(2):
            callbacks.on_train_batch_begin(batch)
            callbacks.on_train_batch_end(batch, {"loss": 0.5})
        callbacks.on_test_begin()
        callbacks.on_test_end({"loss": 0.5})
        callbacks.on_epoch_end(epoch, dict(logs))
    callbacks.on_train_end(dict(logs))


_USES: dict[Kind, Callable[[str, Any], None]] = {
    "layers": _use_layer,
    "losses": _use_comparison("losses"),
    "metrics": _use_comparison("metrics"),
    "initializers": _use_initializer,
    "regularizers": _use_on_array,
    "constraints": _use_on_array,
    "optimizers": _use_optimizer,
    "schedules": _use_schedule,
    "callbacks": _use_callback,
}


class _TooLong(BaseException):
    """The trial has taken its time."""


@contextmanager
def _folder_of_its_own() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        yield


@contextmanager
def _quietly(*, writes: bool) -> Iterator[None]:
    """Within it nothing is printed or left lying about, and what takes too long is stopped."""

    def stop(*_: Any) -> None:
        raise _TooLong

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_SECONDS)
    keras.backend.clear_session(free_memory=False)
    try:
        with (
            _folder_of_its_own() if writes else nullcontext(),
            warnings.catch_warnings(),
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
