"""The catalogue and the tables beside it against the installed Keras."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

import graphspec
from graphspec import catalog
from graphspec.catalog import Kind
from graphspec.catalog.arguments import argument_kind
from graphspec.catalog.refused import (
    CODE_CARRYING,
    CODE_CARRYING_OPS,
    COPYING_WRAPPERS,
    FAILING_OPS,
    NOT_APPLIED,
    RETIRED_ARGUMENTS,
    RETIRED_NAMES,
)
from graphspec.language.lower.naming import snake_case


def _installed() -> str:
    try:
        return version("keras")
    except PackageNotFoundError:
        return "none"


same_keras = pytest.mark.skipif(
    _installed() != catalog.keras_version(),
    reason=f"the catalogue is of Keras {catalog.keras_version()}, and {_installed()} is installed",
)
KINDS: tuple[Kind, ...] = tuple(kind for kind in catalog.KINDS if kind not in ("activations", "ops"))


def entries() -> Iterator[catalog.Entry]:
    """Every class of the catalogue."""
    for kind in KINDS:
        for name in catalog.names(kind):
            entry = catalog.find(kind, name)
            assert entry is not None
            yield entry


def keras_class(entry: catalog.Entry) -> type:
    """The class in Keras that `entry` describes."""
    import keras

    modules: dict[str, Any] = {"schedules": keras.optimizers.schedules}
    module = import_module(entry.module) if entry.module else modules.get(entry.kind) or getattr(keras, entry.kind)
    found: type = getattr(module, entry.name)
    return found


@same_keras
@pytest.mark.slow
def test_catalogue_is_not_stale() -> None:
    """The catalogue holds what the script reads from the installed Keras."""
    script = Path(__file__).parents[2] / "scripts" / "make_catalog.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_arguments_are_documented() -> None:
    """Nearly every argument of what a spec can name has a line of Keras' own words, and no word of others."""
    documented = silent = 0
    for kind in (*KINDS, "ops"):
        for name in catalog.names(kind):
            entry, docs = catalog.find(kind, name), catalog.argument_docs(kind, name)
            assert entry is not None
            assert set(docs) <= set(entry.arguments)
            assert all(line and "\n" not in line and len(line) < 250 for line in docs.values()), name
            documented += len(docs)
            silent += len(set(entry.arguments) - set(docs) - {"autocast"})
    assert documented > 3000
    assert silent < documented / 20
    assert catalog.argument_docs("layers", "Dense")["units"].startswith("Positive integer")
    # A line of the parent where the class says nothing.
    assert catalog.argument_docs("layers", "Dense")["trainable"].startswith("Boolean, whether the layer's variables")
    assert catalog.argument_docs("layers", "NoSuchLayer") == {}


def test_documentation_of_arguments_ends_with_a_sentence() -> None:
    """A line does not end where Keras begins a list, in the middle of a sentence."""
    for name in ("TextVectorization", "StringLookup", "Hashing", "RNN", "Bidirectional"):
        for argument, line in catalog.argument_docs("layers", name).items():
            assert line.endswith((".", "`", ")")), (name, argument, line)


@pytest.mark.parametrize(
    ("kind", "name", "argument", "end"),
    [
        ("metrics", "BinaryAccuracy", "threshold", "are 1 or 0."),
        ("ops", "ops.top_k", "sorted", "Defaults to `True`."),
        ("losses", "Circle", "margin", "down weighted and positive are up weighted."),
        ("optimizers", "Muon", "nesterov", "Nesterov-style momentum"),
    ],
)
def test_documentation_goes_on_at_the_same_depth(kind: Kind, name: str, argument: str, end: str) -> None:
    """A line has what a docstring says in lines that are not indented below its argument."""
    assert catalog.argument_docs(kind, name)[argument].endswith(end)


def test_refused_names_exist() -> None:
    """What is refused for carrying code, or for being a base, is in Keras: else it would be refused for nothing."""
    known = {entry.name for entry in entries()}
    assert set(CODE_CARRYING) <= known
    assert set(NOT_APPLIED) <= known
    assert set(COPYING_WRAPPERS) <= set(catalog.names("layers"))
    assert not set(CODE_CARRYING) & set(NOT_APPLIED)


def test_every_argument_that_holds_code_is_refused() -> None:
    """No class that takes a function or a Python object as a required argument is offered."""
    refused = {*CODE_CARRYING, *NOT_APPLIED}
    words = ("fn", "function", "callable", "optimizer_map", "module")
    carrying = {entry.name for entry in entries() if any(name in words for name in entry.required)}
    assert carrying <= refused


@same_keras
def test_retired_names_are_gone() -> None:
    """A retired name is no layer of Keras; `Input` alone is exported, and is a function."""
    import keras

    assert {name for name in RETIRED_NAMES if hasattr(keras.layers, name)} == {"Input"}
    assert not {name for name in RETIRED_NAMES if catalog.find("layers", name) is not None}


@pytest.mark.parametrize("name", ["Optimizer", "optimizer", "OPTIMIZER"])
def test_refused_names_are_refused_however_they_are_written(name: str, tmp_path: Path) -> None:
    """A base class is refused by each string that Keras reads as it."""
    path = tmp_path / "spec.yaml"
    path.write_text(
        "graphspec: 1\ninputs: {x: [1]}\noutputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}\n"
        f"training: {{optimizer: {{{name}: 0.1}}}}\n",
        encoding="utf-8",
    )
    assert [finding.rule.code for finding in graphspec.validate(path)] == ["GS207"]


def test_retired_arguments_are_gone() -> None:
    """An argument that is called retired is an argument of no class, so that none in use is refused as such."""
    used = {name: entry.name for entry in entries() for name in entry.arguments if name in RETIRED_ARGUMENTS}
    assert used == {}


def test_refused_names_say_what_to_write() -> None:
    """Each refused name and argument has a sentence that helps."""
    for table in (CODE_CARRYING, CODE_CARRYING_OPS, FAILING_OPS, NOT_APPLIED, RETIRED_NAMES, RETIRED_ARGUMENTS):
        assert all(len(sentence.split()) > 1 for sentence in table.values())


@same_keras
def test_snake_case_is_that_of_keras() -> None:
    """Layers are named as Keras names them."""
    from keras.src.utils.naming import to_snake_case

    assert {name: snake_case(name) for name in catalog.names("layers")} == {
        name: to_snake_case(name) for name in catalog.names("layers")
    }


def _read_as_objects(cls: type) -> Iterator[tuple[str, str]]:
    """Each argument that constructing `cls` hands to `<kind>.get`, with that kind, read from the source."""
    for base in cls.__mro__:
        if base is object or "__init__" not in base.__dict__:
            continue
        for call in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(base.__dict__["__init__"])))):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr in ("get", "deserialize")
                and isinstance(call.func.value, ast.Name)
                and call.func.value.id in (*KINDS, "activations")
                and call.args
                and isinstance(call.args[0], ast.Name)
            ):
                yield call.args[0].id, call.func.value.id


@same_keras
def test_arguments_that_hold_objects_are_recognised() -> None:
    """What Keras reads as an initializer, regularizer, constraint, activation, ... is read as one here."""
    seen = 0
    for entry in entries():
        for argument, kind in _read_as_objects(keras_class(entry)):
            if argument in entry.arguments:
                seen += 1
                assert argument_kind(argument) == kind, f"{entry.name}.{argument}"
    assert seen > 300


@same_keras
def test_arguments_are_those_of_the_constructor() -> None:
    """Every argument that a constructor names itself is in the catalogue, in its order, and no other comes before."""
    for entry in entries():
        parameters = inspect.signature(keras_class(entry)).parameters.values()
        own = [each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
        assert list(entry.arguments)[: len(own)] == own, entry.name


@same_keras
def test_identifiers_are_taken_by_keras() -> None:
    """Every string that is offered as an optimizer, loss, initializer, ... is one that Keras' `get` takes."""
    import keras

    kinds: list[Kind] = ["optimizers", "losses", "initializers", "regularizers", "constraints", "activations"]
    for kind in kinds:
        for identifier in catalog.identifiers(kind):
            entry = catalog.find(kind, identifier)
            if entry is not None and (entry.required or entry.name in NOT_APPLIED):
                continue  # refused here as well
            assert getattr(keras, kind).get(identifier) is not None, f"{kind}: {identifier}"
