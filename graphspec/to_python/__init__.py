"""A spec as plain Keras code, a module that needs no graphspec: `python_source` returns its source.

The code has the structure of the spec, not of the graph that it is expanded to: blocks are functions with parameters,
`repeat` is a loop, variables are constants. `module` puts the functions together, which `models` and `blocks` write.
Everything that a spec writes reaches source through `literals` or `identifiers`.
"""

from __future__ import annotations

import re
from pathlib import Path

from graphspec.spec import Spec
from graphspec.to_python.imports import HELPERS, imports
from graphspec.to_python.module import Module
from graphspec.to_python.places import header
from graphspec.to_python.source import Do, Statement, Text, docstring, function_lines, statement_lines
from graphspec.to_python.training import TrainingWriter
from graphspec.to_python.weights import Trained, load_trained

__all__ = ["Trained", "python_source"]


def python_source(spec: Spec, folder: Path | str = ".", *, trained: Trained | None = None) -> str:
    """Return the source of a module that builds, and trains, the model of a spec.

    Args:
        spec: The spec.
        folder: The folder that the module lies in, from which its paths start.
        trained: The files beside the module that hold what a run has learned.
    """
    module = Module(spec, Path(folder))
    module.build_model()
    functions = module.functions
    main: list[Statement] = [Do(Text("build_model().summary()"))]
    if spec.training is not None:
        writer = TrainingWriter(module)
        compiling = writer.compile_model()
        training, loaded = writer.train()
        functions += [compiling, *training]
        main = writer.main(loaded)
    if trained is not None:
        functions.append(load_trained(trained, module))
        main = [Do(Text("load_trained().summary()"))]
    lines: list[str] = []
    for function in functions:
        lines += ["", "", *function_lines(function)]
    lines = [*_helper_lines(lines), *lines]
    lines += ["", "", 'if __name__ == "__main__":', *statement_lines(main, 4)]
    constants = list(statement_lines(module.constants.definitions()))
    customs = list(statement_lines(module.custom_definitions()))
    folders = ["FOLDER = Path(__file__).resolve().parent"] if module.has_paths else []
    blocks = [each for each in (folders, constants, customs) if each]
    text = "\n".join((*lines, *constants, *customs))
    head = [*docstring(_doc(spec)), "", *imports(text, module)]
    for block in blocks:
        head += ["", *block]
    return "\n".join([*head, *lines]) + "\n"


def _helper_lines(lines: list[str]) -> list[str]:
    """Return the definitions of the helpers that code uses, and of those that these use."""
    found: dict[str, list[str]] = {}
    text = "\n".join(lines)
    while more := [name for name in HELPERS if name not in found and _is_called(name, text)]:
        found |= {name: list(function_lines(HELPERS[name])) for name in more}
        text = "\n".join(line for name in more for line in found[name])
    return [line for name in HELPERS if name in found for line in ("", "", *found[name])]


def _is_called(name: str, text: str) -> bool:
    """Return whether code calls a helper: a name behind a dot, as that of an initializer may be, is another's."""
    return (
        re.search(rf"(?<![\w.]){name}\(", text) is not None or re.search(rf"\bnamed_draw\(\s*{name},", text) is not None
    )


def _doc(spec: Spec) -> str:
    description = " ".join((spec.model.description or "").split()) or f"The model `{spec.name}`."
    return "\n\n".join((description, " ".join(header(spec.tree.span.source))))
