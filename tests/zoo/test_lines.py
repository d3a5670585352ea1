"""No spec of these architectures is longer than the Keras code that it replaces."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .hand_written import MODULES, ORACLES
from .small_trainings import ZOO

ARCHITECTURES = (
    "switch_transformer",
    "perceiver",
    "vit",
    "mlp_mixer",
    "deeplab",
    "swin",
    "cct",
    "eanet",
    "mobilevit",
    "behavior_sequence_transformer",
    "tab_transformer",
    "vq_vae",
    "neural_forest",
    "ner",
    "traffic",
)
"""The published models that were written without tricks.

Five are longer than the functions here, which are compact where the published code has classes: `graph_attention` (29
lines for 23; about 100 in the examples of Keras), `grn_vsn` (39 for 36), `nmt` (44 for 39), `ctc_recognition` (25 for
18) and `pointnet` (59 for 48; some 60 in the examples). A chain of plain layers cannot win: a spec has a line a layer
as well, and seven for its sections.
"""

FUNCTIONS = {name: each for module in MODULES for name, each in vars(module).items() if inspect.isfunction(each)}
IMPORTS = ("keras", "layers", "ops", "np")
"""What a module of Keras code imports, a line each."""


def definitions(function: Callable[..., Any]) -> dict[str, ast.FunctionDef]:
    """Return the function and all of the oracles' modules that it calls, by name."""
    found: dict[str, ast.FunctionDef] = {}
    waiting = [function]
    while waiting:
        (definition,) = ast.parse(inspect.getsource(waiting.pop())).body
        assert isinstance(definition, ast.FunctionDef)
        found[definition.name] = definition
        waiting += [FUNCTIONS[name] for name in sorted(names(definition) & FUNCTIONS.keys() - found.keys())]
    return found


def names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def is_layer_call(node: ast.AST) -> bool:
    """Whether a node calls a layer that it makes, as in `layers.Dense(3)(x)`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Call) and "layers" in names(node.func)


def inner_layers(node: ast.AST) -> int:
    """Count the calls of layers within other calls: in Keras' own examples each is a statement of its own."""
    calls = {each for each in ast.walk(node) if isinstance(each, ast.Call)}
    inner = {each for call in calls for argument in (*call.args, *call.keywords) for each in ast.walk(argument)}
    return sum(map(is_layer_call, inner))


def without_docstrings(node: ast.FunctionDef) -> ast.FunctionDef:
    for each in ast.walk(node):
        if isinstance(each, ast.FunctionDef) and ast.get_docstring(each) is not None:
            del each.body[0]
    return node


def lines_of_keras(name: str) -> int:
    """Count the lines of a hand-written model and all it calls, formatted, with its imports, one layer a statement."""
    code = [without_docstrings(each) for each in definitions(ORACLES[name]).values()]
    command = [sys.executable, "-m", "ruff", "format", "--config", str(ZOO.parents[1] / "pyproject.toml"), "-"]
    text = subprocess.run(command, input="\n".join(map(ast.unparse, code)), capture_output=True, text=True, check=True)
    imports = set(IMPORTS).intersection(*[set().union(*map(names, code))])
    return sum(bool(line.strip()) for line in text.stdout.splitlines()) + sum(map(inner_layers, code)) + len(imports)


def lines_of_spec(path: Path) -> int:
    """Count the lines of a spec, without those that no hand-written model has, as it is neither compiled nor trained.

    These are the sections `training` and `data`, losses and metrics, and the description.
    """
    section, count = "", 0
    for line in path.read_text(encoding="utf-8").splitlines():
        key = line.strip().partition(":")[0]
        section = key if line[:1].isalpha() else section
        if line.strip() and not line.strip().startswith("#"):
            count += section not in ("description", "training", "data") and key not in ("loss", "metrics")
    return count


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_spec_is_no_longer_than_keras(name: str) -> None:
    assert lines_of_spec(ZOO / f"{name}.yaml") <= lines_of_keras(name)
