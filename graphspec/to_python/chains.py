"""The chain of steps of one node as statements: single calls, loops for what repeats, conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from graphspec import catalog
from graphspec.language.arrays import array_dtype
from graphspec.language.batchless import Kind
from graphspec.language.document.tree import Mapping
from graphspec.language.feed import Reference
from graphspec.language.graph import KerasLayer, Layer, Operation, Step
from graphspec.language.objects import Object
from graphspec.language.slices import KEY
from graphspec.language.source_nodes import SourceNode, SourceUse
from graphspec.shapes.ops.operands import ARRAY_OPERATIONS
from graphspec.to_python.batchless import Batchless, as_constant, for_step
from graphspec.to_python.calls import Operand, as_expression, call_layer, call_operation
from graphspec.to_python.constants import whole_expression
from graphspec.to_python.expressions import plus
from graphspec.to_python.frame import DifferentError, Frame, beside, written_steps
from graphspec.to_python.keys import python_key
from graphspec.to_python.literals import literal
from graphspec.to_python.objects import Objects
from graphspec.to_python.random_operations import named_draw
from graphspec.to_python.repeats import Names, numbered
from graphspec.to_python.scaled_weights import in_shape
from graphspec.to_python.source import Assign, Call, Expression, For, If, Items, Statement, Text, flat

_MAX_LISTED = 4
"""Names that a loop lists one by one."""

Together = dict[int, Step | SourceUse]
"""The items that one statement stands for, by the number of the instance."""


class Surroundings(Protocol):
    """What a body needs from the function and the module around it.

    names_operations: Operations are named, since Keras might give them the name of a layer. source: The variable of a
    tensor of the model. batchless: The tensors without a batch.
    """

    source: str

    @property
    def batchless(self) -> Batchless: ...

    @property
    def names_operations(self) -> bool: ...

    def constants_of(self, use: SourceUse) -> set[str]:
        """Return the inputs of a use of a block that are known when the model is built."""

    def layer(self, layer: Layer) -> Expression:
        """Return the variable that holds a declared layer or model."""

    def local_layer(self, layers: dict[int, Layer]) -> Expression | None:
        """Return the variable of the layer of a block, one for each instance; None for any other layers."""

    def inputs_of(self, layer: Layer) -> list[str] | None:
        """Return the names of a model's inputs; None for a layer, or where they are unknown."""

    def use(self, uses: dict[int, SourceUse], inputs: dict[str, Expression], name: Expression) -> Expression:
        """Return the call of the function of a block."""

    def selected(self, reference: Reference, variable: str) -> str:
        """Return one of several tensors that a variable holds."""


class Writer(Protocol):
    """The writer of nodes that a chain is part of."""

    frame: Frame
    objects: Objects
    around: Surroundings
    variables: dict[str, str]

    def is_head(self, step: Step) -> bool:
        """Return whether a step computes in float32, whatever the policy."""

    def tensor(self, reference: Reference) -> Expression:
        """Return the expression for a tensor."""

    def call_value(self, values: dict[int, Any], span: Any) -> Expression:
        """Return a call argument."""

    def layers(self, layers: dict[int, Layer]) -> Expression:
        """Return the expression for layers that are arguments."""


@dataclass
class Chain:
    """The steps of one node. cursors: how many items of each instance are written."""

    writer: Writer
    target: str
    value: Operand
    nodes: dict[int, SourceNode]
    written: Any

    def __post_init__(self) -> None:
        self.frame = self.writer.frame
        self.cursors = dict.fromkeys(self.nodes, 0)
        self.is_untouched = True
        self.conditions = [when for step in written_steps(self.written) if (when := beside(step, "when")) is not None]

    def write(self) -> list[Statement]:
        """Return the statements of all steps."""
        statements: list[Statement] = []
        leads = {node.lead for node in self.nodes.values()}
        if len(leads) != 1:
            raise DifferentError
        for _ in range(leads.pop()):
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
        body = self._items(self._take(counts), self.frame.repeat(beside(step, "repeat", 1)))
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

    def _take(self, counts: dict[int, int]) -> list[Together]:
        """Return the next items of each instance, as many as `counts` says; those at one index belong together."""
        taken: list[Together] = [{} for _ in range(max(counts.values()))]
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

    def _items(self, several: list[Together], repeat: Any) -> list[Statement]:
        """Return the statements of one written step, once or in a loop. repeat: what the step writes."""
        first = several[0]
        if len(several) == 1:
            return [self._assign(first, self._name(first))]
        if any(len(each) != len(first) for each in several):
            return self._counted_by_expression(several, repeat)
        statements: list[Statement] = []
        count = len(several)
        if self.is_untouched:
            statements.append(self._assign(first, self._name(first)))
            several = several[1:]
        names = self._names(several)
        if names is None:
            if len(several) == 1:
                return [*statements, self._assign(several[0], None)]
            values = Text(f"range({self._stop(repeat, count, len(several))})")
            return [*statements, For("_", values, [self._assign(several[0], None)])]
        pattern = numbered(names)
        if pattern is not None and (len(several) > _MAX_LISTED or whole_expression(repeat) is not None):
            return [*statements, *self._numbered(several, pattern, repeat, count)]
        if len(several) < 3:
            return [*statements, *(self._assign(each, self._name(each)) for each in several)]
        variable = self._new_variable("layer_name")
        listed = Items(tuple(self.frame.named([(each, False)]) for each in names))
        return [*statements, For(variable, listed, [self._assign(several[0], Text(variable))])]

    def _numbered(self, several: list[Together], pattern: Names, repeat: Any, count: int) -> list[Statement]:
        """Return a loop over the numbers at the ends of names, with what stands before and after it."""
        statements: list[Statement] = [self._assign(each, self._name(each)) for each in several[: pattern.before]]
        variable = self._new_variable("number")
        stop = self._stop(repeat, count, pattern.start + pattern.count)
        values = f"range({pattern.start}, {stop})" if pattern.start else f"range({stop})"
        name = self.frame.named([(f"{pattern.stem}_", False), (variable, True)])
        statements.append(For(variable, Text(values), [self._assign(several[pattern.before], name)]))
        rest = several[pattern.before + pattern.count :]
        return [*statements, *(self._assign(each, self._name(each)) for each in rest)]

    def _stop(self, repeat: Any, count: int, stop: int) -> str:
        """Return the end of a range, `stop`, by the expression of `repeat`, whose value is `count`, if it is one."""
        if whole_expression(repeat) is None:
            return str(stop)
        return plus(self.frame.expression(repeat), stop - count)

    def _counted_by_expression(self, several: list[Together], repeat: Any) -> list[Statement]:
        """Return a loop whose count depends on the parameters of the block."""
        first = several[0]
        counts = {number: sum(number in each for each in several) for number in first}
        if min(counts.values()) < 1:
            raise DifferentError
        count = self.frame.expression(repeat)
        if not isinstance(first[next(iter(first))], SourceUse):
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

    def _rest_of(self, items: Together) -> str:
        return self.frame.rests({number: _prefix_or_name(item) for number, item in items.items()})

    def _names(self, several: list[Together]) -> list[str] | None:
        """Return the names of repeated items behind the prefix; None where they have none of their own."""
        if not self._is_named(several[0]):
            return None
        return [self._rest_of(each) for each in several]

    def _is_named(self, items: Together) -> bool:
        item = next(iter(items.values()))
        if isinstance(item, SourceUse):
            return True
        if item.layer.is_operation:
            return self.writer.around.names_operations
        return item.fresh and isinstance(item.layer, KerasLayer) and "name" not in item.layer.arguments

    def _name(self, items: Together) -> Expression | None:
        if not self._is_named(items):
            return None
        names = {number: _prefix_or_name(item) for number, item in items.items()}
        return self.frame.layer_name(names, self.conditions)

    # --- One item -------------------------------------------------------------------------------------------

    def _assign(self, items: Together, name: Expression | None) -> Assign:
        first = next(iter(items.values()))
        comments = self.frame.places.comments(first.span, above=False)
        value = self._use(items, name) if isinstance(first, SourceUse) else self._call(items, name)
        self.value, self.is_untouched = Text(self.target), False
        return Assign(self.target, value, comments)

    def _use(self, items: Together, name: Expression | None) -> Expression:
        uses = {number: item for number, item in items.items() if isinstance(item, SourceUse)}
        if len(uses) != len(items):
            raise DifferentError
        first = next(iter(uses.values()))
        if self.is_untouched:
            if any(
                list(map(str, each.inputs.values())) != list(map(str, first.inputs.values())) for each in uses.values()
            ):
                raise DifferentError
            inputs = {key: self.writer.tensor(each) for key, each in first.inputs.items()}
        else:
            value = as_expression(self.value)
            inputs = {
                key: self.writer.tensor(each) if key in first.called else value for key, each in first.inputs.items()
            }
        for key in self.writer.around.constants_of(first):
            inputs[key] = as_constant(inputs[key], self.writer.around.source)
        assert name is not None
        return self.writer.around.use(uses, inputs, name)

    def _call(self, items: Together, name: Expression | None) -> Expression:
        steps = {number: item for number, item in items.items() if isinstance(item, Step)}
        first = next(iter(steps.values()))
        if len(steps) != len(items) or any(type(each.layer) is not type(first.layer) for each in steps.values()):
            raise DifferentError
        around = self.writer.around
        kinds = around.batchless.operands(first)
        if any(around.batchless.operands(each) != kinds for each in steps.values()):
            raise DifferentError
        value, call = for_step(first, kinds, self.value, dict(self._call_arguments(steps)), source=around.source)
        if isinstance(first.layer, Operation) and isinstance(first.layer.arguments.get("x"), Object):
            return self.writer.objects.array({number: each.layer.arguments for number, each in steps.items()})
        if isinstance(first.layer, Operation):
            layers = {number: each.layer for number, each in steps.items()}
            called = call_operation(first.layer, value, self._constants(layers), call)
            if name is not None and first.layer.is_random:
                return named_draw(called, name)
            is_constant = self.value == [] or (kinds and max(kinds) == Kind.CONSTANT)  # there is no operation behind it
            return Call(Text("named"), (called, name)) if name is not None and not is_constant else called
        if not first.fresh:
            local = around.local_layer({number: each.layer for number, each in steps.items()})
            if local is not None:
                return call_layer(local, first.layer, value, call)
            if any(each.layer is not first.layer for each in steps.values()):
                raise DifferentError
            inputs = self.writer.around.inputs_of(first.layer)
            return call_layer(self.writer.around.layer(first.layer), first.layer, value, call, inputs=inputs)
        defaults: dict[str, Expression] = {"dtype": Text('"float32"')} if self.writer.is_head(first) else {}
        if name is not None:
            defaults["name"] = name
        made = self.writer.objects.make(
            {number: each.layer.object for number, each in steps.items() if isinstance(each.layer, KerasLayer)},
            self.writer.layers,
            **defaults,
        )
        return call_layer(in_shape(made, [each.layer for each in steps.values()]), first.layer, value, call)

    def _call_arguments(self, steps: dict[int, Step]) -> Iterator[tuple[str, Expression]]:
        first = next(iter(steps.values()))
        if any(list(each.call) != list(first.call) for each in steps.values()):
            raise DifferentError
        written = beside(self.frame.places.beside(first.span), "call")
        for name in first.call:
            span = written.value_spans.get(name) if isinstance(written, Mapping) else None
            yield name, self.writer.call_value({number: each.call[name] for number, each in steps.items()}, span)

    def _constants(self, operations: dict[int, Any]) -> dict[str, Expression]:
        first = next(iter(operations.values()))
        entry = catalog.find("ops", first.class_name)
        assert entry is not None
        if any(
            (each.class_name, list(each.arguments)) != (first.class_name, list(first.arguments))
            for each in operations.values()
        ):
            raise DifferentError
        found: dict[str, Expression] = {}
        for name in first.arguments:
            values = {number: each.arguments[name] for number, each in operations.items()}
            is_tuple = name not in entry.tensors
            found[name] = self.writer.objects.argument(values, first.object, name, as_tuple=is_tuple)
            if (
                not is_tuple
                and entry.name in ARRAY_OPERATIONS
                and any(isinstance(each, list) for each in values.values())
            ):
                found[name] = _array(found[name], list(values.values()))
            if (entry.name, name) == KEY:
                found[name] = python_key(found[name], list(values.values()))
        return found


def _array(written: Expression, values: list[Any]) -> Expression:
    """Return a list of numbers as an array, since Keras knows the dtype of no list in a graph."""
    dtypes = {array_dtype(each) if isinstance(each, list) else None for each in values}
    if len(dtypes) > 1:
        raise DifferentError
    return Call(Text("np.array"), (written, literal(dtypes.pop())))


def _prefix_or_name(item: Step | SourceUse) -> str:
    return item.prefix.removesuffix("__") if isinstance(item, SourceUse) else item.layer.name
