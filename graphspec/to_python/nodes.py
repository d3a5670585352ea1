"""The nodes of a body as statements, for all instances of a function at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphspec.language.document.tree import Mapping
from graphspec.language.feed import Reference
from graphspec.language.graph import KerasLayer, Layer, Step
from graphspec.language.source_nodes import SourceNode
from graphspec.to_python.calls import as_expression, operand_of, references_in
from graphspec.to_python.chains import Chain, Surroundings
from graphspec.to_python.frame import DifferentError, Frame
from graphspec.to_python.literals import literal_text
from graphspec.to_python.objects import Objects
from graphspec.to_python.source import Assign, Comment, Expression, If, Items, Statement, Text, flat


@dataclass
class NodeWriter:
    """The writer of the nodes of one body.

    Attributes:
        variables: The variable of each tensor by the name that the body has for it.
        is_head: Whether a step ends an output whose layer computes in float32, whatever the policy.
    """

    frame: Frame
    objects: Objects
    around: Surroundings
    variables: dict[str, str]
    is_head: Callable[[Step], bool] = lambda step: False

    def write(self, name: str, target: str, nodes: dict[int, SourceNode]) -> list[Statement]:
        """Return the statements that assign a node to the variable `target`.

        Args:
            name: The name of the node.
            target: Its variable, or several between commas.
            nodes: The node by the number of the instance; none where its condition is false.

        Raises:
            DifferentError: The instances cannot share the statements.
        """
        first = next(iter(nodes.values()))
        located = self.frame.places.under(first.span)
        written = located.value if located is not None else None
        everyone = {number: nodes.get(number) for number in range(len(self.frame.instances))}
        self.frame.each = {number: node.each for number, node in nodes.items()}
        try:
            return [*self._comments(first), *self._alternatives(written, target, everyone)]
        finally:
            self.frame.each = {}

    def _comments(self, node: SourceNode) -> list[Statement]:
        lines = self.frame.places.comments(node.span)
        return [Comment(lines)] if lines else []

    def _alternatives(self, written: Any, target: str, nodes: dict[int, SourceNode | None]) -> list[Statement]:
        """Return the statements of a node that its `when` and `otherwise` choose."""
        if not isinstance(written, Mapping) or "when" not in written:
            present = {number: node for number, node in nodes.items() if node is not None}
            if len(present) != len(nodes):
                raise DifferentError
            return self._chain(written, target, present)
        when = written["when"]
        sides: dict[bool, dict[int, SourceNode | None]] = {True: {}, False: {}}
        for number, node in nodes.items():
            sides[self.frame.holds(when, number)][number] = node
        kept = written.filtered(lambda key: key not in ("when", "otherwise"))
        bodies = {
            side: self._side(kept if side else written.get("otherwise"), target, sides[side])
            for side in (True, False)
            if sides[side]
        }
        if len(bodies) == 1:
            return next(iter(bodies.values()))
        condition = self.frame.condition(when)
        if not bodies[True]:
            raise DifferentError
        return [If(condition, bodies[True], bodies[False])]

    def _side(self, written: Any, target: str, nodes: dict[int, SourceNode | None]) -> list[Statement]:
        if all(node is None for node in nodes.values()):
            return []
        return self._alternatives(written, target, nodes)

    # --- One chain of steps ---------------------------------------------------------------------------------

    def _chain(self, written: Any, target: str, nodes: dict[int, SourceNode]) -> list[Statement]:
        first = next(iter(nodes.values()))
        if any(_names(node) != _names(first) for node in nodes.values()):
            raise DifferentError
        tensors = [self.tensor(each) for each in first.feed.tensors]
        value = operand_of(first.feed, tensors)
        chain = Chain(self, target, value, nodes, written)
        statements = chain.write()
        if chain.is_untouched:
            source = as_expression(value)
            return [] if flat(source) == target else [Assign(target, source)]
        return statements

    def tensor(self, reference: Reference) -> Expression:
        """Return the expression for a tensor."""
        if reference.name not in self.variables:
            raise DifferentError
        variable = self.variables[reference.name]
        if not reference.is_selection:
            return Text(variable)
        selected = f"{reference.name}.{reference.output}"
        if selected in self.variables:
            return Text(self.variables[selected])
        return Text(self.around.selected(reference, variable))

    def call_value(self, values: dict[int, Any], written: Any) -> Expression:
        """Return a call argument: a tensor, a constant, or a list of both."""
        first = next(iter(values.values()))
        if any(list(map(str, references_in(each))) != list(map(str, references_in(first))) for each in values.values()):
            raise DifferentError
        if isinstance(first, Reference):
            return self.tensor(first)
        if isinstance(first, list) and references_in(first):
            if any(not isinstance(each, list) or len(each) != len(first) for each in values.values()):
                raise DifferentError
            columns = [{number: each[index] for number, each in values.items()} for index in range(len(first))]
            return Items(tuple(self.call_value(each, None) for each in columns))
        return self.frame.value(values, written)

    def layers(self, layers: dict[int, Layer]) -> Expression:
        """Return the expression for layers that are arguments, declared ones or made in place."""
        first = next(iter(layers.values()))
        local = self.around.local_layer(layers)
        if local is not None:
            return local
        if first.declared or not isinstance(first, KerasLayer):
            if any(each is not first for each in layers.values()):
                raise DifferentError
            return self.around.layer(first)
        objects = {number: each.object for number, each in layers.items() if isinstance(each, KerasLayer)}
        if len(objects) != len(layers) or any(each.declared for each in layers.values()):
            raise DifferentError
        names = {each.name for each in layers.values()}
        if len(names) != 1:
            raise DifferentError
        return self.objects.make(objects, self.layers, name=Text(literal_text(names.pop())))


def _names(node: SourceNode) -> tuple[Any, ...]:
    return [str(each) for each in node.feed.tensors], node.feed.keywords, node.feed.is_list
