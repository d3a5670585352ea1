"""A spec → what Keras says of it: the model built without weights and compiled, and none of graphspec's checks.

This is the oracle that `graphspec validate` is measured by, so it is written as plainly as the language reads: a node
is computed when it is first asked for, and an object is a class of Keras called with what stands in the spec. What only
the language can refuse (an unknown key, a name that is nowhere) is a LanguageError. Reading YAML, variables and
expressions are the language's own, and are graphspec's here as well.
"""

from __future__ import annotations

import re
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from graphspec.diagnostics import Report, SpecError
from graphspec.language.document import read
from graphspec.language.document.tree import Mapping
from graphspec.language.expand import expand
from graphspec.language.schema import TrainingModel
from graphspec.language.schema.desugar import desugar
from graphspec.language.schema.model import DataModel, OutputModel, SpecModel
from graphspec.to_keras.keras_internals import weightless_scope

from .body import Body, Scope
from .keras_calls import LanguageError, look_up, make
from .keys import NAME, as_list, check_keys, check_schema

_DEEP = 50_000


@dataclass(frozen=True)
class Answer:
    """Whether there is such a model; if not, whether the `language` or `keras` says no, and why."""

    yes: bool
    by: str = ""
    why: str = ""


def ask(path: Path, *, computes: bool = False) -> Answer:
    """What Keras says of the spec at `path`.

    computes: The model has weights, and computes its losses of a batch, too: much that no number can stand for, such as
    an `epsilon` of `None`, is not looked at before.
    """
    policy, depth = keras.config.dtype_policy(), sys.getrecursionlimit()
    sys.setrecursionlimit(_DEEP)  # Keras walks a chain of layers one call deep for each
    try:
        _build_and_compile(path, computes)
    except LanguageError as error:
        return Answer(False, "language", str(error))
    except Exception as error:
        return Answer(False, "keras", f"{type(error).__name__}: {str(error)[:500]}")
    finally:
        sys.setrecursionlimit(depth)
        keras.config.set_dtype_policy(policy)
        keras.utils.clear_session(free_memory=False)
    return Answer(True)


def _build_and_compile(path: Path, computes: bool) -> None:
    report = Report()
    try:
        tree = read(path, report)
        desugar(tree)
        library = expand(tree, path, report)
    except SpecError as error:
        raise LanguageError(error.report.found[0].message) from None
    if report.errors:
        raise LanguageError(report.errors[0].message)
    spec, training = library.tree, library.tree.get("training")
    desugar(spec)
    _check_settings(spec, training)
    if training is not None:
        keras.config.set_dtype_policy(training.get("precision", "float32"))
    body = Body(spec, Scope(None, library.variables), path.parent)
    with nullcontext() if computes else weightless_scope():
        model = body.model(top=True)
    if training is not None:
        _compile(model, body.parts["outputs"], training)
    if computes:
        batch = {name: (2, *(size or 8 for size in each.shape[1:])) for name, each in model.input.items()}
        results = model({name: keras.ops.zeros(shape, model.input[name].dtype) for name, shape in batch.items()})
        for name, written in body.parts["outputs"].items():
            if training is not None and written.get("loss") is not None:
                shape = results[name].shape[: -1 if "sparse" in str(written["loss"]).lower() else None]
                keras.losses.get(make("losses", written["loss"]))(keras.ops.zeros(shape), results[name])


def _check_settings(spec: Mapping, training: Any) -> None:
    """What never reaches Keras is as the language says."""
    check_keys(spec, SpecModel)
    if spec["graphspec"] != 1 or isinstance(spec["graphspec"], bool):
        raise LanguageError("the version is not 1")
    name, description = spec.get("name"), spec.get("description")
    if name is not None and not (isinstance(name, str) and re.fullmatch(NAME, name)):
        raise LanguageError("the name is no name")
    if description is not None and not isinstance(description, str):
        raise LanguageError("the description is no text")
    for kind, written in ((TrainingModel, training), (DataModel, spec.get("data"))):
        if written is not None:
            check_schema(kind, written)


def _compile(model: keras.Model, outputs: dict[str, Any], training: Mapping) -> None:
    losses: dict[str, Any] = {}
    weights: dict[str, float] = {}
    metrics: dict[str, list[Any]] = {}
    weighted: dict[str, list[Any]] = {}
    for name, written in outputs.items():
        check_schema(OutputModel, written)
        losses[name] = make("losses", written["loss"]) if written.get("loss") is not None else None
        weights[name] = float(written.get("loss_weight", 1.0))
        metrics[name] = [make("metrics", each) for each in as_list(written.get("metrics"))]
        weighted[name] = [make("metrics", each) for each in as_list(written.get("weighted_metrics"))]
        look_up("losses", losses[name])
        for each in (*metrics[name], *weighted[name]):
            look_up("metrics", each)
    model.compile(
        optimizer=make("optimizers", training["optimizer"]),
        loss=losses,
        loss_weights=weights,
        metrics=metrics,
        weighted_metrics=weighted,
        jit_compile=training.get("jit_compile", "auto"),
    )
    for callback in as_list(training.get("callbacks")):
        make("callbacks", callback)
