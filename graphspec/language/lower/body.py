"""Lower a body, which is a whole spec or a nested model, to a `Graph`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from graphspec import catalog
from graphspec.diagnostics import Label, Report, Span
from graphspec.diagnostics.rules import BAD_SELECTION, NAME_CLASH, TOO_LARGE
from graphspec.diagnostics.suggest import a, did_you_mean, one_of
from graphspec.language.document.tree import Located
from graphspec.language.expand import Library
from graphspec.language.feed import Feed, Reference
from graphspec.language.graph import (
    Expansion,
    ExternalModel,
    Graph,
    GraphLoss,
    Input,
    KerasLayer,
    Layer,
    NestedModel,
    Node,
    Output,
    Plugin,
    Step,
    Weights,
)
from graphspec.language.lower.blocks import OUTPUT, ExpandedBlock, expand_block, replace_references
from graphspec.language.lower.external_models import open_spec, read_external, read_settings
from graphspec.language.lower.files import folder_of, read_weights
from graphspec.language.lower.graph_losses import anchor_of, read_loss
from graphspec.language.lower.merges import read_merge
from graphspec.language.lower.naming import name_layers
from graphspec.language.lower.objects import read_object
from graphspec.language.lower.order import in_order
from graphspec.language.lower.references import read_feed
from graphspec.language.lower.scope import BlockDeclaration, Lowering, Scope
from graphspec.language.lower.steps import BlockUse, read_steps
from graphspec.language.lower.training import read_output
from graphspec.language.lower.wiring import check_references
from graphspec.language.schema import parse_part
from graphspec.language.schema.desugar import desugar_body
from graphspec.language.schema.model import (
    Body,
    ExternalModelSpec,
    InputModel,
    LibraryModel,
    NestedModelSpec,
    NodeModel,
    SpecModel,
)
from graphspec.language.written import Use, Written, WrittenNode


def lower(spec: SpecModel, name: str, library: Library, report: Report, written: Written) -> Graph | None:
    """Return the graph of a spec, its faulty parts marked as such.

    Args:
        spec: The spec.
        name: The name of the graph.
        library: The spec's variables, which its blocks use, and the files that it includes.
        report: Receives the diagnostics.
        written: Receives the nodes of each body as the spec writes them.

    Returns:
        The graph; None where the included files are faulty, or where the parts of the spec nest without end.
    """
    watch = report.watch()
    scope = _file_scope(library, None, report)
    scope.state.written = written
    if watch.has_errors:
        return None
    try:
        graph = _lower_body(spec, name, scope, report, is_top=True)
        graph.weights = _root_weights(spec, library, report)
        return graph
    except RecursionError:
        span = spec.key_span("models") if spec.models else spec.key_span("layers")
        report.add(TOO_LARGE, "models and layers are nested too deep", span, expected="fewer levels")
        return None


def _root_weights(spec: SpecModel, library: Library, report: Report) -> Weights | None:
    """Return the file of weights that a spec names for its whole model."""
    return read_weights(spec.located("weights"), library.path.parent, report) if spec.weights is not None else None


def _file_scope(library: Library, caller: Scope | None, report: Report) -> Scope:
    """Return the scope of a spec file, with its own variables and includes.

    caller: the scope of the spec that uses the file as a model, if one does.
    """
    state, files = (caller.state, caller.files) if caller is not None else (Lowering(library.work), ())
    files = (*files, Path(os.path.realpath(library.path)))
    scope = Scope(None, report, library.variables, state=state, files=files)
    scope.included = _included(library, scope, report, {})
    return scope


def check_library(library: Library, report: Report) -> None:
    """Report the mistakes in a file that only declares parts for others to include."""
    files = (Path(os.path.realpath(library.path)),)
    caller = Scope(None, report, library.variables, state=Lowering(library.work), files=files)
    _library_scope(library, caller, report, {})


def _included(library: Library, caller: Scope, report: Report, known: dict[int, Scope]) -> tuple[Scope, ...]:
    """Return the scopes of all files that `library` includes, the nearest first. known: existing scopes, by file."""
    return tuple(_library_scope(each, caller, report, known) for each in library.all_includes())


def _library_scope(library: Library, caller: Scope, report: Report, known: dict[int, Scope]) -> Scope:
    """Return the scope of an included file, with those of the files that it includes."""
    if id(library) in known:
        return known[id(library)]
    scope = known[id(library)] = Scope(None, report, library.variables, state=caller.state, files=caller.files)
    scope.included = _included(library, scope, report, known)
    desugar_body(library.tree)
    model = parse_part(LibraryModel, library.tree.filtered(LibraryModel.model_fields.__contains__), report)
    if model is not None:
        _declare(model, scope, report)
    _lower_declarations(scope)
    return scope


def _lower_declarations(scope: Scope) -> None:
    """Lower every declaration of `scope`, so that mistakes in unused ones are reported too."""
    for name, (_, span) in scope.declarations.items():
        scope.find(name, span)


def _lower_body(body: Body, name: str, scope: Scope, report: Report, *, is_top: bool = False) -> Graph:
    _declare(body, scope, report)
    spans = body.located("inputs").value.key_spans
    inputs = {key: _input(key, each, spans[key], report) for key, each in body.inputs.items()}
    scope.tensors.update(body.inputs, body.graph, body.outputs)
    watch = report.watch()
    clashing = _clashing_names(body, report)
    lowering = _Nodes(report, {**body.located("graph").value.absent} if body.states("graph") else {})
    outputs: dict[str, Output] = {}
    for key, model in body.graph.items():
        lowering.add(key, model, body.located("graph").value.key_spans[key], scope)
    for key, output in body.outputs.items():
        span = body.located("outputs").value.key_spans[key]
        lowering.add(key, output, span, scope)
        outputs[key] = read_output(output, lowering.nodes[key], span, report)
    losses = _losses(body, lowering, scope) if isinstance(body, SpecModel) and is_top else {}
    nodes = lowering.nodes
    unapplied = scope.unapplied()
    _lower_declarations(scope)
    lowering.select_outputs(outputs, losses)
    for key in clashing & nodes.keys():
        nodes[key].feed, nodes[key].steps, nodes[key].is_faulty = Feed(), [], True
    check_references(name, inputs, nodes, scope, report=report, absent=lowering.absent)
    ordered = in_order(inputs, nodes, report)
    steps = [step for node in ordered.values() for step in node.steps if not step.fresh]
    graph = Graph(
        name,
        inputs,
        ordered,
        outputs,
        span=body.span,
        layers={step.layer.name: step.layer for step in steps},
        unapplied=unapplied,
        losses=losses,
        anchor=anchor_of(outputs, losses, body.precision) if isinstance(body, SpecModel) else None,
        plugins=_plugins(body, scope.files[-1].parent) if isinstance(body, SpecModel) else [],
    )
    graph.is_whole = watch.is_clean
    scope.state.written.bodies[id(graph)] = lowering.written
    name_layers(graph, report)
    return graph


def _losses(spec: SpecModel, lowering: _Nodes, scope: Scope) -> dict[str, GraphLoss]:
    """Return the losses of the graph, their nodes added to those of `lowering`."""
    losses: dict[str, GraphLoss] = {}
    for key, model in spec.losses.items():
        span = spec.located("losses").value.key_spans[key]
        lowering.add(key, model, span, scope)
        losses[key] = read_loss(model, lowering.nodes[key], lowering.written.get(key), span, spec.precision)
    return losses


def _plugins(spec: SpecModel, folder: Path) -> list[Plugin]:
    plugins = []
    for plugin in spec.plugins:
        base = folder_of(plugin.span, folder)
        span = plugin.located("module").span
        plugins.append(Plugin(plugin.module, base / plugin.folder if plugin.folder else base, span))
    return plugins


_KINDS = {"layers": "a layer", "models": "a model", "blocks": "a block"}


def _declare(body: Body | LibraryModel, scope: Scope, report: Report) -> None:
    seen: dict[str, tuple[str, Span]] = {}
    for part in ("layers", "models", "blocks"):
        for key in getattr(body, part):
            written = body.located(part).value
            span, value = written.key_spans[key], written.located(key)
            if key in seen:
                _report_clash(Located(key, span), seen[key][1], f"{seen[key][0]} and {_KINDS[part]}", report)
            elif catalog.find("layers", key) is not None:
                report.add(
                    NAME_CLASH,
                    f"`{key}` is also a layer of Keras, so a step `{key}` is ambiguous",
                    span,
                    expected="a name that Keras does not use",
                    help=f"rename it, for example to `{key.lower()}`",
                )
            elif part == "layers":
                scope.declare(key, span, partial(_declared_layer, value, scope, report))
            elif part == "blocks":
                scope.blocks[key] = BlockDeclaration(key, body.blocks[key], span, scope)
            else:
                scope.declare(key, span, partial(_declared_model, Located(key, span), body.models[key], scope, report))
            seen.setdefault(key, (_KINDS[part], span))


def _declared_layer(written: Located, scope: Scope, report: Report) -> Layer | None:
    layer = read_object("layers", written, report, scope)
    return KerasLayer(object=layer, span=layer.span, declared=True) if layer is not None else None


def _declared_model(
    key: Located, model: NestedModelSpec | ExternalModelSpec, scope: Scope, report: Report
) -> Layer | None:
    name, span = key
    graph: Graph | None = None
    external: ExternalModel | None = None
    own_weights: Weights | None = None
    if isinstance(model, NestedModelSpec):
        graph = _lower_body(model, name, scope.inner(), report)
    elif model.states("spec"):
        opened = open_spec(model, scope, report)
        if opened is not None:
            graph = _lower_body(opened[0], name, _file_scope(opened[1], scope, report), report)
            own_weights = _root_weights(*opened, report)
    else:
        external = read_external(model, scope, report)
    weights, trainable = read_settings(model, scope, report)
    weights = weights or own_weights
    if graph is not None:
        return NestedModel(graph=graph, span=span, name=name, declared=True, weights=weights, trainable=trainable)
    if external is None:
        return None
    return replace(external, span=span, name=name, declared=True, weights=weights, trainable=trainable)


def _input(name: str, model: InputModel, span: Span, report: Report) -> Input:
    return Input(
        name,
        tuple(model.shape),
        model.dtype,
        span,
        sparse=model.sparse,
        batch_size=model.batch_size,
        optional=model.optional,
        is_faulty=any(report.is_open(model.located(key).span) for key in ("shape", "dtype", "batch_size")),
    )


@dataclass
class _Nodes:
    """The nodes of one body while it is lowered, including faulty ones.

    absent: the nodes left out by their `when`. block_outputs: for each node that ends in a block of several outputs,
    the nodes of these outputs, by name. written: the nodes as the spec writes them.
    """

    report: Report
    absent: dict[str, Span]
    nodes: dict[str, Node] = field(default_factory=dict)
    block_outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    written: dict[str, WrittenNode] = field(default_factory=dict)

    def add(self, name: str, model: NodeModel, span: Span, scope: Scope) -> None:
        """Lower one node of the spec; one that uses blocks becomes several."""
        self.nodes |= {node.name: node for node in self.read(name, model, span, scope)}

    def read(self, name: str, model: NodeModel, span: Span, scope: Scope) -> list[Node]:
        """Return the nodes that one node of the spec expands to. The last has its name."""
        feed = read_feed(model.located("from"), self.report)
        merge = read_merge(model.located("merge"), feed, self.report) if model.merge is not None else None
        steps = read_steps(model.located("apply"), scope, self.report, feed, merged=model.merge is not None)
        whole = Node(name, feed or Feed(), [], span, merge=merge and merge[0])
        if merge is not None:
            whole.steps.append(Step(merge[1], merge[1].span))
        if feed is None or (model.merge is not None and merge is None):
            whole.steps, whole.is_faulty = [], True
            return [whole]
        written = self.written[name] = WrittenNode(name, whole.feed, [*whole.steps], span)
        parts: list[Node] = []
        uses = 0
        for item in steps:
            if isinstance(item, Step):
                whole.steps.append(item)
                written.items.append(item)
                continue
            if item is None:  # steps after a faulty one are checked, too
                whole = self._split_off(replace(whole, is_faulty=True), parts, span)
                continue
            if whole.steps:
                whole = self._split_off(whole, parts, item.span)
            use = Expansion(item.block.name, name, name if uses == 0 else f"{name}_{uses}", item.span)
            expanded = expand_block(item, whole.feed, use, scope, read_node=self.read, report=self.report)
            if expanded is None:
                whole = self._split_off(replace(whole, is_faulty=True), parts, span)
                continue
            uses += 1
            parts += expanded.nodes
            outputs = expanded.outputs
            written.items.append(self._use(item, expanded, f"{use.name}__"))
            if OUTPUT not in outputs and item is not steps[-1]:
                self._refuse_several(item, outputs)
                return [*parts, Node(name, whole.feed, [], span, is_faulty=True)]
            if OUTPUT not in outputs:
                self.block_outputs[name] = outputs
            source = outputs.get(OUTPUT) or next(iter(outputs.values()))
            whole = Node(name, Feed((Reference(source, item.span),)), [], span)
        return [*parts, whole]

    def _use(self, item: BlockUse, expanded: ExpandedBlock, prefix: str) -> Use:
        """Return the record of a use, with the written nodes of its block."""
        nodes = {local: self.written.pop(prefix + local, None) for local in expanded.local}
        return Use(
            block=item.block.name,
            declared=item.block.span,
            names=expanded.names,
            params=item.block.model.params,
            arguments=item.arguments,
            prefix=prefix,
            inputs=expanded.inputs,
            nodes={local: node for local, node in nodes.items() if node is not None},
            outputs=list(expanded.outputs),
            span=item.span,
        )

    def _split_off(self, node: Node, parts: list[Node], span: Span) -> Node:
        """Add `node` to `parts` under another name. Return a node without steps that continues from it."""
        part = replace(node, name=f"{node.name}@{len(parts)}", part_of=node.name)
        parts.append(part)
        return Node(node.name, Feed((Reference(part.name, span),)), [], node.span)

    def select_outputs(self, outputs: dict[str, Output], losses: dict[str, GraphLoss]) -> None:
        """Resolve each reference `node.output` to a node that ends in a block of several outputs.

        The node itself is no tensor: it is removed, and cannot be an output of the body.
        """
        for node in list(self.nodes.values()) if self.block_outputs else []:
            if node.name not in self.block_outputs:
                replace_references(node, self._select)
        for name, several in self.block_outputs.items():
            node = self.nodes.pop(name)
            owner = outputs.get(name) or losses.get(name)
            if owner is not None:
                self.nodes[name] = owner.node = replace(node, is_faulty=True)
                kind = "output" if isinstance(owner, Output) else "loss"
                self.report.add(
                    BAD_SELECTION,
                    f"the {kind} `{name}` is {len(several)} tensors: {one_of(several)}",
                    node.span,
                    expected="one tensor",
                    help=f"use the block in a node, and write {a(kind)} with `from: <node>.{next(iter(several))}`",
                )

    def _select(self, reference: Reference) -> Reference:
        outputs = self.block_outputs.get(reference.name)
        if outputs is None:
            return reference
        if reference.output in outputs:
            return replace(reference, name=outputs[reference.output], output=None)
        self.report.add(
            BAD_SELECTION,
            f"`{reference}` is not an output of the block that `{reference.name}` ends in",
            reference.span,
            expected=f"one of {one_of(f'{reference.name}.{output}' for output in outputs)}",
            help=did_you_mean(reference.output or "", outputs),
        )
        return replace(reference, name=next(iter(outputs.values())), output=None, index=None)

    def _refuse_several(self, use: BlockUse, outputs: dict[str, str]) -> None:
        self.report.add(
            BAD_SELECTION,
            f"the block `{use.block.name}` returns {len(outputs)} tensors: {one_of(outputs)}",
            use.span,
            expected="a step that returns one tensor",
            help="end the node with this step, and begin other nodes from its outputs",
        )


def _clashing_names(body: Body, report: Report) -> set[str]:
    """Report and return the names that several inputs, nodes or outputs share."""
    clashing: set[str] = set()
    seen: dict[str, tuple[str, Span]] = {}
    for part in ("inputs", "graph", "outputs", "losses"):
        for key in getattr(body, part, ()):
            span = body.located(part).value.key_spans[key]
            if key in seen:
                kinds = {"inputs": "an input", "graph": "a node", "outputs": "an output", "losses": "a loss"}
                kinds_here = f"{kinds[seen[key][0]]} and {kinds[part]}"
                _report_clash(Located(key, span), seen[key][1], kinds_here, report)
                clashing.add(key)
            seen.setdefault(key, (part, span))
    return clashing


def _report_clash(name: Located, first: Span, kinds: str, report: Report) -> None:
    help = "rename one of them"
    if kinds == "a node and an output":
        help = "move the node's keys into the output, which is a node itself, or rename one of them"
    report.add(
        NAME_CLASH,
        f"`{name.value}` is the name of {kinds}",
        name.span,
        expected="a unique name",
        help=help,
        labels=[Label(first, "the other one")],
    )
