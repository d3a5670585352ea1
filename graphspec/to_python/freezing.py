"""The statements that freeze the layers of `training: freeze`."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from graphspec.catalog.refused import COPYING_WRAPPERS
from graphspec.language.graph import ExternalModel, Graph, Layer, NestedModel, Pattern
from graphspec.to_python.literals import literal_text
from graphspec.to_python.source import Assign, For, If, Statement, Text


def freezing(graph: Graph, patterns: list[Pattern]) -> list[Statement]:
    """Return the statements that freeze every layer of `model` whose path matches."""
    statements: list[Statement] = []
    frozen: set[str] = set()
    seen: set[Layer] = set()
    for path, access, layer in layer_accesses(graph):
        if any(fnmatchcase(path, each.text) for each in patterns) and layer not in seen:
            seen.add(layer)
            if not any(access.startswith(each) for each in frozen):
                frozen.add(f"{access}.")
                statements.append(Assign(f"{access}.trainable", Text("False")))
        elif isinstance(layer, ExternalModel) and layer not in seen:
            statements += _inside(path, access, [each for each in patterns if "/" in each.text or "*" in each.text])
    return statements


def _inside(path: str, access: str, patterns: list[Pattern]) -> Iterator[Statement]:
    """Yield the loop over the layers of a model from a file, whose names its code does not hold."""
    texts = [
        each.text
        for each in patterns
        if fnmatchcase(f"{path}/", f"{each.text.rpartition('/')[0]}/") or "*" in each.text
    ]
    if not texts:
        return
    tests = [f'fnmatchcase(f"{path}/{{layer.name}}", {literal_text(text)})' for text in texts]
    body = If(" or ".join(tests), [Assign("layer.trainable", Text("False"))])
    yield For("layer", Text(f"{access}.layers"), [body])


def layer_accesses(graph: Graph) -> Iterator[tuple[str, str, Layer]]:
    """Yield every layer with its path, and the expression that finds it in `model`."""
    for layer in graph.called_layers():
        if not layer.is_operation:
            yield from _below(layer, "", f"model.get_layer({literal_text(layer.name)})")


def _below(layer: Layer, prefix: str, access: str) -> Iterator[tuple[str, str, Layer]]:
    path = prefix + layer.name
    yield path, access, layer
    if isinstance(layer, NestedModel):
        for inner in layer.graph.called_layers():
            if not inner.is_operation:
                yield from _below(inner, f"{path}/", f"{access}.get_layer({literal_text(inner.name)})")
    elif layer.class_name not in COPYING_WRAPPERS:
        for argument, value in layer.arguments.items():
            for index, each in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(each, Layer):
                    inside = f"{access}.{argument}[{index}]" if isinstance(value, list) else f"{access}.{argument}"
                    yield from _below(each, f"{path}/", inside)
                    if each.declared:
                        yield from _below(each, prefix, inside)
