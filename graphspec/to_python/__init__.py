"""A spec as plain Keras code, a module that needs no graphspec: `to_python` returns its source.

The code has the structure of the spec, not of the graph that it is expanded to: blocks are functions with parameters,
`repeat` is a loop, variables are constants. `module` puts the functions together, which `functions` writes node by
node. Everything that a spec writes reaches source through `literals` or `identifiers`.
"""

from __future__ import annotations

from pathlib import Path

from graphspec.spec import Spec
from graphspec.to_python.module import Module, needs_numpy
from graphspec.to_python.places import header
from graphspec.to_python.source import docstring, function_lines, statement_lines


def to_python(spec: Spec, folder: Path) -> str:
    """Return the source of a module that builds, and trains, the model of a spec.

    Args:
        spec: The spec.
        folder: The folder that the module lies in, from which its paths start.
    """
    module = Module(spec, folder)
    module.build_model()
    lines: list[str] = []
    for function in module.functions:
        lines += ["", "", *function_lines(function)]
    constants = list(statement_lines([*module.constants.definitions]))
    customs = list(statement_lines([*module.custom_definitions()]))
    head = [*docstring(_doc(spec)), ""]
    if module.has_paths:
        head += ["from pathlib import Path", ""]
    head += ["import keras"]
    body = "\n".join((*lines, *constants))
    if needs_numpy([body]):
        head += ["import numpy as np"]
    names = [each for each in ("layers", "ops") if f"{each}." in body.replace(f"keras.{each}.", "")]
    if names:
        head += [f"from keras import {', '.join(names)}"]
    if module.plugin_imports():
        head += ["", *(f"import {each}  # registers objects with Keras" for each in module.plugin_imports())]
    blocks = [each for each in (_folder(module), constants, customs) if each]
    for block in blocks:
        head += ["", *block]
    return "\n".join([*head, *lines]) + "\n"


def _folder(module: Module) -> list[str]:
    return ["FOLDER = Path(__file__).resolve().parent"] if module.has_paths else []


def _doc(spec: Spec) -> str:
    comments = " ".join(header(spec.tree.span.source))
    return "\n\n".join(each for each in (spec.model.description or f"The model `{spec.name}`.", comments) if each)
