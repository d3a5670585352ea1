"""The code for layers that `freeze`, stages and `learning_rate_multipliers` name."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from graphspec.catalog.refused import COPYING_WRAPPERS
from graphspec.checks.freeze import frozen_at_first, frozen_layers
from graphspec.checks.layer_patterns import LayerPaths
from graphspec.language.graph import ExternalModel, Graph, Layer, NestedModel
from graphspec.language.objects import Pattern
from graphspec.language.training import Multiplier, Stage, Training
from graphspec.to_python.literals import literal_text
from graphspec.to_python.source import Assign, Expression, For, If, Items, Statement, Text


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


def stage_freezing(graph: Graph, training: Training) -> list[list[Statement]]:
    """Return the statements before each stage that freeze and unfreeze layers of `model`."""
    paths = LayerPaths((path, layer) for path, _, layer in layer_accesses(graph))
    writer = _FlagWriter(frozen_at_first(training, paths))
    written = []
    for stage, frozen in zip(training.stages, frozen_layers(training, paths), strict=True):
        statements = writer.changes_to(graph, frozen)
        for path, access, layer in layer_accesses(graph):
            if isinstance(layer, ExternalModel):
                statements += writer.inside(path, access, layer, stage)
        written.append(statements)
    return written


def learning_rate_factors(graph: Graph, multipliers: list[Multiplier]) -> Iterator[Expression]:
    """Yield the expressions for each layer of `model` that a multiplier matches, with its factor."""
    for each in multipliers:
        seen: set[Layer] = set()
        for path, access, layer in layer_accesses(graph):
            if fnmatchcase(path, each.layers.text) and layer not in seen:
                seen.add(layer)
                yield Items((Text(access), Text(repr(each.factor))), "(")
            elif isinstance(layer, ExternalModel) and layer not in seen and (test := _test(path, [each.layers])):
                yield Text(f"*((layer, {each.factor!r}) for layer in {access}.layers if {test})")


class _FlagWriter:
    """A writer of the changes of `trainable`, which knows how each layer has it."""

    def __init__(self, frozen: set[Layer]) -> None:
        self._frozen = set(frozen)

    def changes_to(self, graph: Graph, frozen: set[Layer]) -> list[Statement]:
        """Return the statements after which exactly the layers in `frozen` are frozen."""
        statements: list[Statement] = []
        for layer in graph.called_layers():
            if not layer.is_operation:
                access = f"model.get_layer({literal_text(layer.name)})"
                statements += self._change(layer, access, frozen)
        return statements

    def _change(self, layer: Layer, access: str, frozen: set[Layer]) -> Iterator[Statement]:
        every = {layer, *(each for _, _, each in _below(layer, "", access))}
        is_frozen = every <= frozen
        if is_frozen != (layer in self._frozen):  # Keras sets the layers in it as well
            yield Assign(f"{access}.trainable", Text(str(not is_frozen)))
            self._frozen = self._frozen | every if is_frozen else self._frozen - every
        if not is_frozen:
            for inner, inside in _directly_below(layer, access):
                yield from self._change(inner, inside, frozen)

    def inside(self, path: str, access: str, model: ExternalModel, stage: Stage) -> Iterator[Statement]:
        """Yield the loops over the layers of a model from a file that a stage freezes and unfreezes."""
        inner = [each for each in stage.unfreeze if "/" in each.text]
        yield from _inside(path, access, [each for each in stage.freeze if "/" in each.text or "*" in each.text])
        test = _test(path, inner)
        if test and model in self._frozen:
            self._frozen -= {model}
            yield Assign(f"{access}.trainable", Text("True"))
            yield For("layer", Text(f"{access}.layers"), [Assign("layer.trainable", Text(test))])
        elif test:
            yield For("layer", Text(f"{access}.layers"), [If(test, [Assign("layer.trainable", Text("True"))])])


def _inside(path: str, access: str, patterns: list[Pattern]) -> Iterator[Statement]:
    """Yield the loop over the layers of a model from a file, whose names its code does not hold."""
    if test := _test(path, patterns):
        yield For("layer", Text(f"{access}.layers"), [If(test, [Assign("layer.trainable", Text("False"))])])


def _test(path: str, patterns: list[Pattern]) -> str:
    """Return the test whether a pattern matches `layer` of the model at `path`; empty where none can."""
    texts = [
        each.text
        for each in patterns
        if fnmatchcase(f"{path}/", f"{each.text.rpartition('/')[0]}/") or "*" in each.text
    ]
    return " or ".join(f'fnmatchcase(f"{path}/{{layer.name}}", {literal_text(text)})' for text in texts)


def layer_accesses(graph: Graph) -> Iterator[tuple[str, str, Layer]]:
    """Yield every layer with its path, and the expression that finds it in `model`."""
    for layer in graph.called_layers():
        if not layer.is_operation:
            yield from _below(layer, "", f"model.get_layer({literal_text(layer.name)})")


def _below(layer: Layer, prefix: str, access: str) -> Iterator[tuple[str, str, Layer]]:
    path = prefix + layer.name
    yield path, access, layer
    for inner, inside in _directly_below(layer, access):
        yield from _below(inner, f"{path}/", inside)
        if inner.declared and not isinstance(layer, NestedModel):
            yield from _below(inner, prefix, inside)


def _directly_below(layer: Layer, access: str) -> Iterator[tuple[Layer, str]]:
    """Yield the layers of a model or wrapper, with the expressions that find them."""
    if isinstance(layer, NestedModel):
        for inner in layer.graph.called_layers():
            if not inner.is_operation:
                yield inner, f"{access}.get_layer({literal_text(inner.name)})"
    elif layer.class_name not in COPYING_WRAPPERS:
        for argument, value in layer.arguments.items():
            for index, each in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(each, Layer):
                    yield each, f"{access}.{argument}[{index}]" if isinstance(value, list) else f"{access}.{argument}"
