"""Lower a body, which is a whole spec or a nested model, to a `Graph`."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from weakref import ref

from graphspec.diagnostics import Label, Report, Span
from graphspec.diagnostics.rules import NAME_CLASH, TOO_LARGE
from graphspec.language.document.tree import Located
from graphspec.language.expand import Library
from graphspec.language.feed import Feed
from graphspec.language.graph import ExternalModel, Graph, GraphLoss, Input, Layer, NestedModel, Output, Plugin
from graphspec.language.lower.declarations import declared_layer, is_layer_of_keras
from graphspec.language.lower.external_models import open_spec, read_external, read_settings
from graphspec.language.lower.files import folder_of, read_weights
from graphspec.language.lower.graph_losses import anchor_of, read_loss
from graphspec.language.lower.groups import (
    Groups,
    absent_nodes,
    body_groups,
    count_groups,
    names_of_groups,
    place_of_group,
    values_of_each,
)
from graphspec.language.lower.naming import name_layers
from graphspec.language.lower.nodes import NodeLowering
from graphspec.language.lower.order import in_order
from graphspec.language.lower.scope import BlockDeclaration, Lowering, Scope
from graphspec.language.lower.training import read_output
from graphspec.language.lower.wiring import check_references
from graphspec.language.objects import Weights
from graphspec.language.schema import parse_part
from graphspec.language.schema.desugar import desugar_body
from graphspec.language.schema.model import (
    Body,
    ExternalModelSpec,
    InputModel,
    LibraryModel,
    NestedModelSpec,
    SpecModel,
)
from graphspec.language.source_nodes import SourceNodes


def lower(spec: SpecModel, name: str, library: Library, report: Report, *, source_nodes: SourceNodes) -> Graph | None:
    """Return the graph of a spec, its faulty parts marked as such.

    Args:
        spec: The spec.
        name: The name of the graph.
        library: The spec's variables, which its blocks use, and the files that it includes.
        report: Receives the diagnostics.
        source_nodes: Receives the nodes of each body as the spec writes them.

    Returns:
        The graph; None where the included files are faulty, or where the parts of the spec nest without end.
    """
    watch = report.watch()
    scope = _file_scope(library, None, report)
    scope.state.source_nodes = source_nodes
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
    scope.lower_declarations()
    return scope


def _lower_body(body: Body, name: str, scope: Scope, report: Report, *, is_top: bool = False) -> Graph:
    _declare(body, scope, report)
    spans = body.located("inputs").value.key_spans
    inputs = {key: _input(key, each, spans[key], report) for key, each in body.inputs.items()}
    scope.tensors.update(body.inputs, body.graph, body.outputs, body_groups(body))
    watch = report.watch()
    clashing = _clashing_names(body, report)
    groups = {name: members for name, members in body_groups(body).items() if name not in clashing}
    lowering = NodeLowering(report, absent_nodes(body))
    outputs: dict[str, Output] = {}
    count_groups(body, scope)
    for key, model in body.graph.items():
        lowering.add(key, model, body.located("graph").value.key_spans[key], scope, groups=groups)
    for key, output in body.outputs.items():
        span = body.located("outputs").value.key_spans[key]
        lowering.add(key, output, span, scope, groups=groups)
        outputs[key] = read_output(output, lowering.nodes[key], span, report)
    losses = _losses(body, lowering, scope, groups) if isinstance(body, SpecModel) and is_top else {}
    nodes = lowering.nodes
    unapplied = scope.unapplied()
    scope.lower_declarations()
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
    for key, values in values_of_each(body).items():
        if key in lowering.source_nodes:
            lowering.source_nodes[key].each = values
    scope.state.source_nodes.bodies[id(graph)] = lowering.source_nodes
    name_layers(graph, report)
    return graph


def _losses(spec: SpecModel, lowering: NodeLowering, scope: Scope, groups: Groups) -> dict[str, GraphLoss]:
    """Return the losses of the graph, their nodes added to those of `lowering`."""
    losses: dict[str, GraphLoss] = {}
    for key, model in spec.losses.items():
        span = spec.located("losses").value.key_spans[key]
        lowering.add(key, model, span, scope, groups=groups)
        losses[key] = read_loss(
            model, lowering.nodes[key], lowering.source_nodes.get(key), span, precision=spec.precision
        )
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
            elif is_layer_of_keras(Located(key, span), report):
                pass
            elif part == "layers":
                scope.declare(key, span, partial(declared_layer, value, report, ""))
            elif part == "blocks":
                scope.blocks[key] = BlockDeclaration(key, body.blocks[key], span, ref(scope))
            else:
                scope.declare(key, span, partial(_declared_model, Located(key, span), body.models[key], report))
            seen.setdefault(key, (_KINDS[part], span))


def _declared_model(
    key: Located, model: NestedModelSpec | ExternalModelSpec, report: Report, scope: Scope
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


def _clashing_names(body: Body, report: Report) -> set[str]:
    """Report and return the names that several inputs, nodes or outputs share."""
    clashing: set[str] = set()
    seen: dict[str, tuple[str, Span]] = {}
    for part in ("inputs", "graph", "outputs", *(["losses"] if isinstance(body, SpecModel) else [])):
        written = body.located(part).value
        for key in (*getattr(body, part), *names_of_groups(written)):
            span = written.key_spans[key] if key in written else place_of_group(written, key)
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
