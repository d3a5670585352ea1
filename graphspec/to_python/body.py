"""The body of a function while it is written: its variables, and the layers that it creates or is passed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from graphspec.diagnostics import Span
from graphspec.language.document.tree import Mapping
from graphspec.language.feed import Reference
from graphspec.language.graph import Graph, KerasLayer, Layer, PresetModel, Step
from graphspec.language.source_nodes import SourceNode, SourceUse
from graphspec.to_python.batchless import Batchless
from graphspec.to_python.frame import DifferentError, Frame
from graphspec.to_python.literals import literal_text
from graphspec.to_python.nodes import NodeWriter
from graphspec.to_python.parts import Parts
from graphspec.to_python.source import (
    Assign,
    Call,
    Expression,
    Statement,
    Text,
    flat,
)


@dataclass
class Body:
    """The function of one body or block while it is written.

    Attributes:
        nodes: Its nodes by name, of the first instance.
        free: The layers that come as arguments, with their variables.
        created: The variables of the layers that it creates.
        pending: Statements that create layers, to stand before the next node.
        selections: The references that pick one of several tensors.
        source: The variable of a tensor of the model, an input.
        own_layers: The layers of a block by their names in it, for each instance.
        creating: The statements that create those, by their names.
    """

    parts: Parts
    frame: Frame
    nodes: dict[str, SourceNode]
    graph: Graph | None = None
    free: dict[Layer, str] = field(default_factory=dict)
    created: dict[Layer, str] = field(default_factory=dict)
    pending: list[Statement] = field(default_factory=list)
    selections: set[str] = field(default_factory=set)
    source: str = ""
    own_layers: list[dict[Layer, str]] = field(default_factory=list)
    creating: dict[str, Assign] = field(default_factory=dict)

    @property
    def batchless(self) -> Batchless:
        """The tensors without a batch."""
        return self.parts.batchless

    def constants_of(self, use: SourceUse) -> set[str]:
        """Return the inputs of a use of a block that are known when the model is built."""
        return self.batchless.constants_of(use, self.graph)

    @property
    def names_operations(self) -> bool:
        """Whether operations are named, since Keras might give them the name of a layer."""
        return self.parts.names_operations

    def layer(self, layer: Layer) -> Expression:
        """Return the variable of a declared layer or model, which is created or becomes an argument here."""
        if layer in self.created:
            return Text(self.created[layer])
        if layer in self.free:
            return Text(self.free[layer])
        if self.graph is None or self.parts.owner(layer) is not self.graph:
            self.free[layer] = self.parts.argument(layer)
            return Text(self.free[layer])
        value = self._made(layer)
        self.created[layer] = self.frame.identifiers.new(layer.name)
        comments = self.parts.places.comments(layer.span)
        self.pending.append(Assign(self.created[layer], value, comments))
        return Text(self.created[layer])

    def local_layer(self, layers: dict[int, Layer]) -> Expression | None:
        """Return the variable of the layer of a block, one for each instance; None for any other layers."""
        names = {self.own_layers[number].get(layer) if self.own_layers else None for number, layer in layers.items()}
        name = names.pop()
        if name is None or names:
            return None
        if name not in self.creating:
            variable = self.frame.identifiers.new(name)
            objects = {number: layer.object for number, layer in layers.items() if isinstance(layer, KerasLayer)}
            named = self.frame.layer_name({number: layer.name for number, layer in layers.items()})
            made = self.writer.objects.make(objects, self.writer.layers, name=named)
            self.creating[name] = Assign(variable, made, self.parts.places.comments(next(iter(layers.values())).span))
        return Text(self.creating[name].target)

    def _made(self, layer: Layer) -> Expression:
        if isinstance(layer, KerasLayer):
            return self.writer.objects.make({0: layer.object}, self.writer.layers, name=Text(literal_text(layer.name)))
        function = self.parts.model_function(layer)
        return Call(Text(function.name), (), self._arguments(function.free))

    def _arguments(self, free: list[Layer]) -> tuple[tuple[str, Expression], ...]:
        return tuple((self.parts.argument(each), self.layer(each)) for each in free)

    def use(self, uses: dict[int, SourceUse], inputs: dict[str, Expression], name: Expression) -> Expression:
        """Return the call of the function of a block."""
        function = self.parts.block_function(uses)
        first = next(iter(uses.values()))
        keywords: dict[str, Expression] = {}
        positional = [inputs[each] for each in function.inputs]
        for param in function.params:
            value = self._argument(uses, param)
            if value is not None and param == next(iter(function.params)) and first.params[param] is None:
                positional.append(value)
            elif value is not None:
                keywords[function.params[param]] = value
        named = (("name", name),) if function.is_relative else ()
        free = self._arguments(function.free)
        return Call(Text(function.name), tuple(positional), (*keywords.items(), *free, *named))

    def _argument(self, uses: dict[int, SourceUse], param: str) -> Expression | None:
        """Return what the caller writes for a parameter; None where it leaves the default."""
        spans: dict[int, Span] = {}
        for number, use in uses.items():
            written = use.arguments
            if isinstance(written.value, Mapping):
                if param in written.value:
                    spans[number] = written.value.value_spans[param]
            elif written.value is not None and param == next(iter(use.params)):
                spans[number] = written.span
        if not spans:
            return None
        if len(spans) != len(uses):
            raise DifferentError
        values = {number: use.names[param] for number, use in uses.items()}
        default = next(iter(uses.values())).params[param]
        if isinstance(default, str) and "${" in default and None in values.values():
            raise DifferentError
        return self.frame.value(values, next(iter(spans.values())))

    def inputs_of(self, layer: Layer) -> list[str] | None:
        """Return the names of a model's inputs; None for a layer, or where they are unknown."""
        interface = self.parts.interface(layer)
        return interface[0] if interface is not None else None

    def selected(self, reference: Reference, variable: str) -> str:
        """Return one of several tensors that a variable holds."""
        layer = self._last_layer(reference.name)
        interface = self.parts.interface(layer) if layer is not None else None
        names = interface[1] if interface is not None else None
        if names is not None and len(names) == 1:
            return variable
        if reference.output is not None:
            return f"{variable}[{literal_text(reference.output)}]"
        assert reference.index is not None
        if names is None and isinstance(layer, PresetModel):
            return f"list({variable}.values())[{reference.index}]"
        return f"{variable}[{literal_text(names[reference.index]) if names else reference.index}]"

    def _last_layer(self, name: str) -> Layer | None:
        seen: set[str] = set()
        while name in self.nodes and name not in seen:
            seen.add(name)
            node = self.nodes[name]
            if node.items:
                last = node.items[-1]
                return last.layer if isinstance(last, Step) else self._last_of_use(last)
            if node.feed.single is None:
                return None
            name = node.feed.single.name
        return None

    def _last_of_use(self, use: SourceUse) -> Layer | None:
        inner = replace(self, nodes=use.nodes)
        return inner._last_layer(use.outputs[0]) if len(use.outputs) == 1 else None

    @property
    def writer(self) -> NodeWriter:
        """The writer of the nodes."""
        return self._writer

    def start(self, variables: dict[str, str], is_head: Callable[[Step], bool] = lambda step: False) -> None:
        """Begin with the variables of the inputs."""
        self._writer = NodeWriter(self.frame, self.parts.objects(self.frame), self, variables, is_head)

    def write_node(self, name: str, nodes: dict[int, SourceNode], target: str | None = None) -> list[Statement]:
        """Return the statements of one node, which is a variable afterwards."""
        variables = self.writer.variables
        first = next(iter(nodes.values()))
        last = first.items[-1] if first.items else None
        is_alone = len(nodes) == len(self.frame.instances)
        is_alias = is_alone and target is None and not any(each.items for each in nodes.values())
        if is_alias and first.feed.single is not None and not self._is_conditional(first):
            variables[name] = flat(self.writer.tensor(first.feed.single))
            self._alias_outputs(name, first.feed.single)
            return []
        if isinstance(last, SourceUse) and len(last.outputs) > 1:
            selected = {
                each: self.frame.identifiers.new(f"{name}_{each}") if f"{name}.{each}" in self.selections else "_"
                for each in last.outputs
            }
            target = ", ".join(selected.values())
            statements = self.writer.write(name, target, nodes)
            variables |= {f"{name}.{each}": variable for each, variable in selected.items()}
            variables[name] = target
        else:
            target = target or self.frame.identifiers.new(name)
            statements = self.writer.write(name, target, nodes)
            variables[name] = target
        return statements

    def taken_pending(self) -> list[Statement]:
        """Return the statements that create layers for the last node."""
        before, self.pending = self.pending, []
        return before

    def _is_conditional(self, node: SourceNode) -> bool:
        located = self.parts.places.under(node.span)
        written = located.value if located is not None else None
        return isinstance(written, Mapping) and "when" in written and len(self.frame.instances) > 1

    def _alias_outputs(self, name: str, source: Reference) -> None:
        variables = self.writer.variables
        for key in [each for each in variables if each.startswith(f"{source.name}.")]:
            variables[f"{name}.{key.partition('.')[2]}"] = variables[key]
