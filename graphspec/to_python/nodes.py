"""The nodes of a body as statements, for all instances of a function at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from graphspec.language.document.tree import Mapping
from graphspec.language.graph import KerasLayer, Layer, Operation, Reference, Step
from graphspec.language.written import Use, WrittenNode
from graphspec.to_python.calls import (
    Operand,
    as_expression,
    call_layer,
    call_operation,
    operand_of,
    references_in,
)
from graphspec.to_python.expressions import plus
from graphspec.to_python.frame import DifferentError, Frame, beside, written_steps
from graphspec.to_python.objects import Objects
from graphspec.to_python.repeats import Names, numbered
from graphspec.to_python.source import Assign, Call, Comment, Expression, For, If, Items, Statement, Text, flat

_MAX_LISTED = 4
"""Names that a loop lists one by one."""


class Surroundings(Protocol):
    """What a body needs from the function and the module around it."""

    def layer(self, layer: Layer) -> Expression:
        """Return the variable that holds a declared layer or model."""

    def use(self, uses: dict[int, Use], inputs: dict[str, Expression], name: Expression) -> Expression:
        """Return the call of the function of a block."""

    def selected(self, reference: Reference, variable: str) -> str:
        """Return one of several tensors that a variable holds."""


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

    def write(self, name: str, target: str, nodes: dict[int, WrittenNode]) -> list[Statement]:
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
        return [*self._comments(first), *self._alternatives(written, target, everyone)]

    def _comments(self, node: WrittenNode) -> list[Statement]:
        lines = self.frame.places.comments(node.span)
        return [Comment(lines)] if lines else []

    def _alternatives(self, written: Any, target: str, nodes: dict[int, WrittenNode | None]) -> list[Statement]:
        """Return the statements of a node that its `when` and `otherwise` choose."""
        if not isinstance(written, Mapping) or "when" not in written:
            present = {number: node for number, node in nodes.items() if node is not None}
            if len(present) != len(nodes):
                raise DifferentError
            return self._chain(written, target, present)
        when = written["when"]
        sides: dict[bool, dict[int, WrittenNode | None]] = {True: {}, False: {}}
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

    def _side(self, written: Any, target: str, nodes: dict[int, WrittenNode | None]) -> list[Statement]:
        if all(node is None for node in nodes.values()):
            return []
        return self._alternatives(written, target, nodes)

    # --- One chain of steps ---------------------------------------------------------------------------------

    def _chain(self, written: Any, target: str, nodes: dict[int, WrittenNode]) -> list[Statement]:
        first = next(iter(nodes.values()))
        if any(_names(node) != _names(first) for node in nodes.values()):
            raise DifferentError
        tensors = [self.tensor(each) for each in first.feed.tensors]
        value = operand_of(first.feed, tensors)
        chain = _Chain(self, target, value, nodes, written)
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
        return self.objects.make(objects, self.layers, name=Text(f'"{names.pop()}"'))


def _names(node: WrittenNode) -> tuple[Any, ...]:
    return [str(each) for each in node.feed.tensors], node.feed.keywords, node.feed.is_list


@dataclass
class _Chain:
    """The steps of one node. cursors: how many items of each instance are written."""

    writer: NodeWriter
    target: str
    value: Operand
    nodes: dict[int, WrittenNode]
    written: Any

    def __post_init__(self) -> None:
        self.frame = self.writer.frame
        self.cursors = dict.fromkeys(self.nodes, 0)
        self.is_untouched = True
        self.conditions = [
            when for step in written_steps(self.written) if (when := beside(step, "when")) is not None
        ]

    def write(self) -> list[Statement]:
        """Return the statements of all steps."""
        statements: list[Statement] = []
        if isinstance(self.written, Mapping) and self.written.get("merge") is not None:
            statements += self._items(self._take(dict.fromkeys(self.nodes, 1)), None)
        for step in written_steps(self.written):
            statements += self._step(step)
        while any(self.cursors[number] < len(node.items) for number, node in self.nodes.items()):
            statements += self._items(self._take(dict.fromkeys(self.nodes, 1)), None)
        return statements

    def _step(self, step: Any) -> list[Statement]:
        when = beside(step, "when", True)
        present = [number for number in self.nodes if self.frame.holds(when, number)]
        if not present:
            return []
        counts = {number: self._repeat(beside(step, "repeat", 1), number) for number in present}
        was_untouched, before = self.is_untouched, self.value
        body = self._items(self._take(counts), beside(step, "repeat", 1))
        if len(present) == len(self.nodes):
            return body
        source = as_expression(before)
        start: list[Statement] = []
        if was_untouched and flat(source) != self.target:
            if not isinstance(before, Text | Call):
                raise DifferentError
            start = [Assign(self.target, source)]
        return [*start, If(self.frame.condition(when), body)]

    def _repeat(self, written: Any, number: int) -> int:
        found = self.frame.value_of(written, number)
        if type(found) is not int:
            raise DifferentError
        return found

    def _take(self, counts: dict[int, int]) -> list[dict[int, Step | Use]]:
        """Return the next items of each instance, as many as `counts` says; those at one index belong together."""
        taken: list[dict[int, Step | Use]] = [{} for _ in range(max(counts.values()))]
        for number, count in counts.items():
            start = self.cursors[number]
            items = self.nodes[number].items[start : start + count]
            if len(items) != count:
                raise DifferentError
            self.cursors[number] += count
            for index, item in enumerate(items):
                taken[index][number] = item
        return taken

    # --- Repeated items -------------------------------------------------------------------------------------

    def _items(self, several: list[dict[int, Step | Use]], repeat: Any) -> list[Statement]:
        """Return the statements of one written step, once or in a loop."""
        first = several[0]
        if len(several) == 1:
            return [self._assign(first, self._name(first))]
        if any(len(each) != len(first) for each in several):
            return self._counted_by_expression(several, repeat)
        statements: list[Statement] = []
        if self.is_untouched:
            statements.append(self._assign(first, self._name(first)))
            several = several[1:]
        names = self._names(several)
        if names is None:
            if len(several) == 1:
                return [*statements, self._assign(several[0], None)]
            return [*statements, For("_", Text(f"range({len(several)})"), [self._assign(several[0], None)])]
        if len(several) < 3:
            return [*statements, *(self._assign(each, self._name(each)) for each in several)]
        if len(several) > _MAX_LISTED and (pattern := numbered(names)) is not None:
            return [*statements, *self._numbered(several, pattern)]
        variable = self._new_variable("layer_name")
        listed = Items(tuple(self.frame.named([(each, False)]) for each in names))
        return [*statements, For(variable, listed, [self._assign(several[0], Text(variable))])]

    def _numbered(self, several: list[dict[int, Step | Use]], pattern: Names) -> list[Statement]:
        """Return a loop over the numbers at the ends of names, with what stands before and after it."""
        statements: list[Statement] = [self._assign(each, self._name(each)) for each in several[: pattern.before]]
        variable = self._new_variable("number")
        stop = pattern.start + pattern.count
        values = f"range({pattern.start}, {stop})" if pattern.start else f"range({stop})"
        name = self.frame.named([(f"{pattern.stem}_", False), (variable, True)])
        statements.append(For(variable, Text(values), [self._assign(several[pattern.before], name)]))
        return [*statements, *(self._assign(each, self._name(each)) for each in several[pattern.before + pattern.count :])]

    def _counted_by_expression(self, several: list[dict[int, Step | Use]], repeat: Any) -> list[Statement]:
        """Return a loop whose count depends on the parameters of the block."""
        first = several[0]
        counts = {number: sum(number in each for each in several) for number in first}
        if min(counts.values()) < 1:
            raise DifferentError
        count = self.frame.expression(repeat)
        if not isinstance(first[next(iter(first))], Use):
            raise DifferentError
        names = self._names([each for each in several if len(each) == len(first)])
        assert names is not None
        stem, _, number = names[0].rpartition("_")
        statements: list[Statement] = []
        start = int(number) if stem and number.isdigit() else 0
        if not start:
            stem = names[0]
        every = {index: self._rest_of(each) for index, each in enumerate(several)}
        expected = {index: stem if start + index == 0 else f"{stem}_{start + index}" for index in every}
        if every != expected:
            raise DifferentError
        if not start:
            statements.append(self._assign(first, self._name(first)))
            start = 1
            stop = count
        else:
            stop = plus(count, start)
        variable = self._new_variable("number")
        name = self.frame.named([(f"{stem}_", False), (variable, True)])
        loop = For(variable, Text(f"range({start}, {stop})"), [self._assign(first, name)])
        return [*statements, loop]

    def _new_variable(self, name: str) -> str:
        return name if name not in self.writer.variables.values() else self.frame.identifiers.new(name)

    def _rest_of(self, items: dict[int, Step | Use]) -> str:
        return self.frame.rests({number: _prefix_or_name(item) for number, item in items.items()})

    def _names(self, several: list[dict[int, Step | Use]]) -> list[str] | None:
        """Return the names of repeated items behind the prefix; None where they have none of their own."""
        if not self._is_named(several[0]):
            return None
        return [self._rest_of(each) for each in several]

    def _is_named(self, items: dict[int, Step | Use]) -> bool:
        item = next(iter(items.values()))
        if isinstance(item, Use):
            return True
        return item.fresh and isinstance(item.layer, KerasLayer) and "name" not in item.layer.arguments

    def _name(self, items: dict[int, Step | Use]) -> Expression | None:
        if not self._is_named(items):
            return None
        names = {number: _prefix_or_name(item) for number, item in items.items()}
        return self.frame.layer_name(names, self.conditions)

    # --- One item -------------------------------------------------------------------------------------------

    def _assign(self, items: dict[int, Step | Use], name: Expression | None) -> Assign:
        first = next(iter(items.values()))
        comments = self.frame.places.comments(first.span, above=False)
        if isinstance(first, Use):
            value = self._use(items, name)
        else:
            value = self._call(items, name)
        self.value, self.is_untouched = Text(self.target), False
        return Assign(self.target, value, comments)

    def _use(self, items: dict[int, Step | Use], name: Expression | None) -> Expression:
        uses = {number: item for number, item in items.items() if isinstance(item, Use)}
        if len(uses) != len(items):
            raise DifferentError
        first = next(iter(uses.values()))
        if self.is_untouched:
            if any(list(map(str, each.inputs.values())) != list(map(str, first.inputs.values())) for each in uses.values()):
                raise DifferentError
            inputs = {key: self.writer.tensor(each) for key, each in first.inputs.items()}
        else:
            inputs = dict.fromkeys(first.inputs, as_expression(self.value))
        assert name is not None
        return self.writer.around.use(uses, inputs, name)

    def _call(self, items: dict[int, Step | Use], name: Expression | None) -> Expression:
        steps = {number: item for number, item in items.items() if isinstance(item, Step)}
        first = next(iter(steps.values()))
        if len(steps) != len(items) or any(type(each.layer) is not type(first.layer) for each in steps.values()):
            raise DifferentError
        call = dict(self._call_arguments(steps))
        if isinstance(first.layer, Operation):
            layers = {number: each.layer for number, each in steps.items()}
            return call_operation(first.layer, self.value, self._constants(layers), call)
        if not first.fresh:
            if any(each.layer is not first.layer for each in steps.values()):
                raise DifferentError
            return call_layer(self.writer.around.layer(first.layer), first, self.value, call)
        defaults: dict[str, Expression] = {"dtype": Text('"float32"')} if self.writer.is_head(first) else {}
        if name is not None:
            defaults["name"] = name
        made = self.writer.objects.make(
            {number: each.layer.object for number, each in steps.items() if isinstance(each.layer, KerasLayer)},
            self.writer.layers,
            **defaults,
        )
        return call_layer(made, first, self.value, call)

    def _call_arguments(self, steps: dict[int, Step]) -> Iterator[tuple[str, Expression]]:
        first = next(iter(steps.values()))
        if any(list(each.call) != list(first.call) for each in steps.values()):
            raise DifferentError
        written = beside(self.frame.places.beside(first.span), "call")
        for name in first.call:
            span = written.value_spans.get(name) if isinstance(written, Mapping) else None
            yield name, self.writer.call_value({number: each.call[name] for number, each in steps.items()}, span)

    def _constants(self, operations: dict[int, Any]) -> dict[str, Expression]:
        from graphspec import catalog

        first = next(iter(operations.values()))
        entry = catalog.find("ops", first.class_name)
        assert entry is not None
        if any(
            (each.class_name, list(each.arguments)) != (first.class_name, list(first.arguments))
            for each in operations.values()
        ):
            raise DifferentError
        return {
            name: self.writer.objects.argument(
                {number: each.arguments[name] for number, each in operations.items()},
                first.object,
                name,
                as_tuple=name not in entry.tensors,
            )
            for name in first.arguments
        }


def _prefix_or_name(item: Step | Use) -> str:
    return item.prefix.removesuffix("__") if isinstance(item, Use) else item.layer.name


def order_of(nodes: dict[str, WrittenNode], wanted: Sequence[str], extra: Callable[[WrittenNode], list[Reference]]) -> list[str]:
    """Return the names of the nodes that the wanted ones depend on, each after its operands.

    Args:
        nodes: The nodes by name.
        wanted: The names of the outputs.
        extra: Returns the references of a node besides its operands.
    """
    needed: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in nodes and name not in needed:
            needed.add(name)
            waiting += [each.name for each in (*nodes[name].feed.tensors, *extra(nodes[name]))]
    order: dict[str, None] = {}
    for start in nodes:
        stack = [(start, False)] if start in needed else []
        while stack:
            name, is_done = stack.pop()
            if is_done:
                order[name] = None
            elif name in nodes and name not in order:
                stack.append((name, True))
                operands = [each.name for each in (*nodes[name].feed.tensors, *extra(nodes[name]))]
                stack += [(each, False) for each in reversed(operands) if each in nodes and each not in order]
    return list(order)


def call_references(node: WrittenNode) -> list[Reference]:
    """Return the references among the call arguments of a node."""
    steps = [item for item in node.items if isinstance(item, Step)]
    return [reference for step in steps for reference in step.references()]


def references_of(node: WrittenNode) -> list[Reference]:
    """Return every tensor that a node takes in."""
    uses = [item for item in node.items if isinstance(item, Use)]
    return [*node.feed.tensors, *call_references(node), *(each for use in uses for each in use.inputs.values())]
