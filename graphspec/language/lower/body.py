"""A body — a whole spec or a nested model — → Graph."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from graphspec import catalog
from graphspec.diagnostics import Label, Report, Span
from graphspec.diagnostics.rules import BAD_SELECTION, NAME_CLASH, TOO_LARGE
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.document.tree import Located, Mapping
from graphspec.language.expand import Library
from graphspec.language.graph import External, Graph, Input, Layer, Node, Output, Plugin, Reference, Step
from graphspec.language.lower.blocks import OUTPUT, use_block, with_references
from graphspec.language.lower.external_models import open_spec, read_external, read_settings
from graphspec.language.lower.files import folder_of
from graphspec.language.lower.merges import read_merge
from graphspec.language.lower.naming import name_layers
from graphspec.language.lower.objects import read_object
from graphspec.language.lower.order import in_order
from graphspec.language.lower.references import read_feed
from graphspec.language.lower.scope import Block, Scope
from graphspec.language.lower.steps import BlockUse, read_steps
from graphspec.language.lower.training import read_output
from graphspec.language.lower.wiring import check_references
from graphspec.language.schema import parse_part
from graphspec.language.schema.desugar import write_out_body
from graphspec.language.schema.model import Body, Elsewhere, InputModel, LibraryModel, NestedModel, NodeModel, SpecModel


def lower(spec: SpecModel, name: str, library: Library, report: Report) -> Graph | None:
    """The graph of `spec`. Where `report` gets findings, it is what is known of it: faulty parts are marked as such.

    library holds the variables of the spec, which its blocks use, and the files that it includes. None where the parts
    of the spec hold each other without end.
    """
    watch = report.watch()
    scope = _file_scope(library, None, report)
    if watch.has_errors:
        return None
    try:
        return _lower_body(spec, name, scope, report)
    except RecursionError:
        span = spec.key_span("models") if spec.models else spec.key_span("layers")
        report.add(TOO_LARGE, "models and layers are nested too deep", span, expected="fewer levels")
        return None


def _file_scope(library: Library, caller: Scope | None, report: Report) -> Scope:
    """The scope of a spec file, which sees its own variables and the files that it includes alone.

    caller is the scope that names the file as a model, if one does.
    """
    scope = Scope(None, report, library.variables)
    scope.work = library.work
    if caller is not None:
        scope.share(caller)
    scope.files = (*scope.files, Path(os.path.realpath(library.path)))
    scope.included = _included(library, scope, report, {})
    return scope


def check_library(library: Library, report: Report) -> None:
    """Find what is wrong with a file that only declares layers, models and blocks for others to include."""
    caller = Scope(None, report, library.variables)
    caller.work = library.work
    caller.files = (Path(os.path.realpath(library.path)),)
    _library_scope(library, caller, report, {})


def _included(library: Library, caller: Scope, report: Report, known: dict[int, Scope]) -> tuple[Scope, ...]:
    """The scopes of all files that `library` includes, the nearest first. known: those that have been made, by file."""
    return tuple(_library_scope(each, caller, report, known) for each in library.all_includes())


def _library_scope(library: Library, caller: Scope, report: Report, known: dict[int, Scope]) -> Scope:
    """The scope of an included file: what it declares, and what the files that it includes declare."""
    if id(library) in known:
        return known[id(library)]
    scope = known[id(library)] = Scope(None, report, library.variables)
    scope.share(caller)
    scope.included = _included(library, scope, report, known)
    write_out_body(library.tree)
    declaring = Mapping(library.tree.span)
    for key, item in library.tree.entries():
        if key.value in LibraryModel.model_fields:
            declaring.put(key.value, item.value, key.span, item.span)
    model = parse_part(LibraryModel, declaring, report)
    if model is not None:
        _declare(model, scope, report)
    for name, (_, span) in scope.makers.items():
        scope.find(name, span)
    return scope


def _lower_body(body: Body, name: str, scope: Scope, report: Report) -> Graph:
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
    nodes = lowering.nodes
    unapplied = scope.unapplied()
    for key in scope.makers:
        scope.find(key, scope.makers[key][1])
    lowering.select_outputs(outputs)
    for key in clashing & nodes.keys():
        nodes[key].feed, nodes[key].steps, nodes[key].is_faulty = (), [], True
    check_references(name, inputs, nodes, scope, report, lowering.absent)
    ordered = in_order(inputs, nodes, report)
    used = dict.fromkeys(step.layer for node in ordered.values() for step in node.steps if not step.fresh)
    graph = Graph(name, inputs, ordered, outputs, body.span, {layer.name: layer for layer in used}, unapplied)
    graph.is_whole = watch.is_clean
    if isinstance(body, SpecModel):
        graph.plugins = _plugins(body, scope.files[-1].parent)
    name_layers(graph, report)
    return graph


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
                _clash(key, span, seen[key][1], f"{seen[key][0]} and {_KINDS[part]}", report)
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
                scope.blocks[key] = Block(key, body.blocks[key], span, scope)
            else:
                scope.declare(key, span, partial(_declared_model, key, body.models[key], span, scope, report))
            seen.setdefault(key, (_KINDS[part], span))


def _declared_layer(written: Located, scope: Scope, report: Report) -> Layer | None:
    made = read_object("layers", written, report, scope)
    return Layer(made, made.span, declared=True) if made is not None else None


def _declared_model(key: str, model: NestedModel | Elsewhere, span: Span, scope: Scope, report: Report) -> Layer | None:
    what: Graph | External | None
    if isinstance(model, NestedModel):
        what = _lower_body(model, key, Scope(scope, report, scope.variables), report)
    elif model.states("spec"):
        opened = open_spec(model, scope, report)
        what = None
        if opened is not None:
            what = _lower_body(opened[0], key, _file_scope(opened[1], scope, report), report)
    else:
        what = read_external(model, scope, report)
    weights, trainable = read_settings(model, scope, report)
    if what is None:
        return None
    return Layer(what, span, key, True, weights, trainable)


def _input(name: str, model: InputModel, span: Span, report: Report) -> Input:
    faulty = any(report.is_open(model.located(key).span) for key in ("shape", "dtype", "batch_size"))
    return Input(name, tuple(model.shape), model.dtype, span, model.sparse, model.batch_size, model.optional, faulty)


@dataclass
class _Nodes:
    """The nodes of one body as they are lowered; a faulty one is kept as well, so that its name is defined.

    absent holds the names of nodes that a condition left out. several tells, of a node that ends in a block of several
    outputs, which node is each.
    """

    report: Report
    absent: dict[str, Span]
    nodes: dict[str, Node] = field(default_factory=dict)
    several: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, name: str, model: NodeModel, span: Span, scope: Scope) -> None:
        """Lower one node of the spec; a node that uses blocks is several. The last of them bears the name."""
        for node in self.read(name, model, span, scope):
            self.nodes[node.name] = node

    def read(self, name: str, model: NodeModel, span: Span, scope: Scope) -> list[Node]:
        """The nodes that one written node stands for; the last bears its name."""
        feed = read_feed(model.located("from"), self.report)
        merge = read_merge(model.located("merge"), feed, self.report) if model.merge is not None else None
        steps = read_steps(model.located("apply"), scope, self.report, feed, merged=model.merge is not None)
        whole = Node(name, feed or (), [], span, merge and merge[0])
        if merge is not None:
            whole.steps.append(Step(merge[1], merge[1].span))
        if feed is None or (model.merge is not None and merge is None):
            whole.steps, whole.is_faulty = [], True
            return [whole]
        parts: list[Node] = []
        uses = 0
        for item in steps:
            if isinstance(item, Step):
                whole.steps.append(item)
                continue
            if item is None:  # steps after a faulty one are checked, too
                whole = self._go_on(replace(whole, is_faulty=True), parts, span)
                continue
            if whole.steps:
                whole = self._go_on(whole, parts, item.span)
            prefix = f"{name}__" if uses == 0 else f"{name}_{uses}__"
            used = use_block(item, whole.feed, prefix, scope, self.read, self.report)
            if used is None:
                whole = self._go_on(replace(whole, is_faulty=True), parts, span)
                continue
            uses += 1
            parts += used[0]
            if OUTPUT in used[1]:
                whole = Node(name, Reference(used[1][OUTPUT], item.span), [], span)
            elif item is steps[-1]:
                self.several[name] = used[1]
                whole = Node(name, Reference(next(iter(used[1].values())), item.span), [], span)
            else:
                self._refuse_several(item, used[1])
                return [*parts, Node(name, whole.feed, [], span, is_faulty=True)]
        return [*parts, whole]

    def _go_on(self, node: Node, parts: list[Node], span: Span) -> Node:
        """Add `node` to `parts` under a name of its own; return a node that continues from it, without a step yet."""
        part = replace(node, name=f"{node.name}@{len(parts)}", part_of=node.name)
        parts.append(part)
        return Node(node.name, Reference(part.name, span), [], node.span)

    def select_outputs(self, outputs: dict[str, Output]) -> None:
        """Turn `node.output`, where the node ends in a block of several outputs, into the node that it is.

        Such a node is no tensor itself: it is taken out, and cannot be an output of the body.
        """
        for node in list(self.nodes.values()) if self.several else []:
            if node.name not in self.several:
                with_references(node, self._select)
        for name, several in self.several.items():
            node = self.nodes.pop(name)
            if name in outputs:
                self.nodes[name] = outputs[name].node = replace(node, is_faulty=True)
                self.report.add(
                    BAD_SELECTION,
                    f"the output `{name}` is {len(several)} tensors: {one_of(several)}",
                    node.span,
                    expected="one tensor",
                    help=f"use the block in a node, and write an output with `from: <node>.{next(iter(several))}`",
                )

    def _select(self, reference: Reference) -> Reference:
        outputs = self.several.get(reference.name)
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
    """Inputs, nodes and outputs name tensors, and a reference must mean one of them: the names that are two of them."""
    clashing: set[str] = set()
    seen: dict[str, tuple[str, Span]] = {}
    for part in ("inputs", "graph", "outputs"):
        for key in getattr(body, part):
            span = body.located(part).value.key_spans[key]
            if key in seen:
                kinds = {"inputs": "an input", "graph": "a node", "outputs": "an output"}
                _clash(key, span, seen[key][1], f"{kinds[seen[key][0]]} and {kinds[part]}", report)
                clashing.add(key)
            seen.setdefault(key, (part, span))
    return clashing


def _clash(name: str, span: Span, first: Span, kinds: str, report: Report) -> None:
    help = "rename one of them"
    if kinds == "a node and an output":
        help = "move the node's keys into the output, which is a node itself, or rename one of them"
    report.add(
        NAME_CLASH,
        f"`{name}` is the name of {kinds}",
        span,
        expected="a unique name",
        help=help,
        labels=[Label(first, "the other one")],
    )
