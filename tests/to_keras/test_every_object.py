"""Every optimizer, schedule, loss, metric, callback, initializer, regularizer and constraint of Keras, from a spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest

from graphspec import catalog
from graphspec.catalog import Kind
from graphspec.catalog.refused import CODE_CARRYING, NOT_APPLIED
from graphspec.diagnostics import Report, SourceText, Span
from graphspec.language.document.read_yaml import read_yaml
from graphspec.language.document.tree import Located
from graphspec.language.lower.objects import read_object
from graphspec.to_keras.objects import make

from ..known_uses import ARGUMENTS

MODULES: dict[Kind, Any] = {
    "optimizers": keras.optimizers,
    "schedules": keras.optimizers.schedules,
    "losses": keras.losses,
    "metrics": keras.metrics,
    "callbacks": keras.callbacks,
    "initializers": keras.initializers,
    "regularizers": keras.regularizers,
    "constraints": keras.constraints,
}

EXCEPTIONS = {
    "MultiOptimizer": "it maps variables that a program holds to optimizers",
    "OrbaxCheckpoint": "it needs the package orbax-checkpoint",
}

CASES = [
    (kind, name)
    for kind in MODULES
    for name in catalog.names(kind)
    if name not in CODE_CARRYING and name not in NOT_APPLIED and name not in EXCEPTIONS
]


def described(value: Any) -> Any:
    """An object's class and configuration, without names that Keras counts up."""
    config = value.get_config() if hasattr(value, "get_config") else dict(sorted(vars(value).items(), key=str))
    return type(value), {key: each for key, each in config.items() if key != "name" and not callable(each)}


@pytest.mark.parametrize(("kind", "name"), CASES, ids=lambda each: str(each))
def test_object_is_what_its_constructor_gives(
    kind: Kind, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object rule and the constructor called by hand give the same class with the same configuration."""
    monkeypatch.chdir(tmp_path)
    text = f"{{{name}: {ARGUMENTS[name]}}}" if name in ARGUMENTS else name
    report = Report()
    source = SourceText("spec", text)
    tree = read_yaml(source, report)
    what = read_object(kind, Located(tree, Span(source, 1, 1, 1, len(text) + 1)), report)
    assert what is not None, [each.message for each in report]
    arguments = read_yaml(SourceText("arguments", ARGUMENTS.get(name, "{}")), report)
    exported = getattr(MODULES[kind], name)
    if not isinstance(arguments, dict):
        expected = exported(arguments)
    elif any(isinstance(value, dict) for value in arguments.values()):
        assert isinstance(make(what), exported)
        return
    else:
        expected = exported(**arguments)
    if kind == "callbacks":
        assert type(make(what)) is type(expected)
    else:
        assert described(make(what)) == described(expected)


@pytest.mark.parametrize("kind", ["losses", "metrics", "optimizers", "activations", "initializers", "regularizers"])
def test_every_string_that_keras_reads_is_read(kind: Kind) -> None:
    """Identifiers such as `mse`, `adam` and `relu` are taken, and Keras takes them as they are handed on."""
    modules = {**MODULES, "activations": keras.activations}
    for name in catalog.identifiers(kind):
        entry = catalog.find(kind, name)
        if entry is not None and (entry.name in NOT_APPLIED or entry.required or entry.name in EXCEPTIONS):
            continue
        report = Report()
        source = SourceText("spec", name)
        what = read_object(kind, Located(name, Span(source, 1, 1, 1, len(name) + 1)), report)
        assert what is not None, (name, [each.message for each in report])
        if (kind, name) not in (("metrics", "accuracy"), ("metrics", "acc")):
            assert modules[kind].get(make(what)) is not None


def test_exceptions_are_refused_or_known() -> None:
    """What is left out above is still left out of specs, or needs another package."""
    known = {name for kind in MODULES for name in catalog.names(kind)}
    assert set(EXCEPTIONS) <= known
    assert set(ARGUMENTS) <= known
