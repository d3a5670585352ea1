"""The function that loads what a run has learned: weights, and the words of lookup layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphspec.to_python.literals import literal_text
from graphspec.to_python.module import Module
from graphspec.to_python.source import Assign, Do, Function, Statement, Text


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Files beside a module.

    Attributes:
        weights: The name of the file of weights.
        states: The name of the JSON file with `learned`; empty if there is none.
        learned: The arguments that each preprocessing layer has learned, by its name.
    """

    weights: str
    states: str = ""
    learned: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def load_trained(trained: Trained, module: Module) -> Function:
    """Return the function that builds the model with what a run has learned."""
    module.has_paths = True
    statements: list[Statement] = [Assign("model", Text("build_model()"))]
    if trained.learned:
        path = f"(FOLDER / {literal_text(trained.states)})"
        statements.append(Assign("learned", Text(f'json.loads({path}.read_text(encoding="utf-8"))')))
    for name, state in trained.learned.items():
        layer, found = f"model.get_layer({literal_text(name)})", f"learned[{literal_text(name)}]"
        if "bin_boundaries" in state:
            statements.append(Assign(f"{layer}.bin_boundaries", Text(f'{found}["bin_boundaries"]')))
        elif state.get("idf_weights") is not None:
            arguments = f'{found}["vocabulary"], {found}["idf_weights"]'
            statements.append(Do(Text(f"{layer}.set_vocabulary({arguments})")))
        else:
            statements.append(Do(Text(f'{layer}.set_vocabulary({found}["vocabulary"])')))
    statements.append(Do(Text(f"model.load_weights(FOLDER / {literal_text(trained.weights)})")))
    statements.append(Do(Text("model"), "return"))
    doc = "Build the model with the weights of the run."
    return Function(name="load_trained", parameters=[], doc=doc, body=statements)
