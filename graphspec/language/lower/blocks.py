"""Expand the use of a block to nodes.

A node `a` of a block used in the node `stage` is `stage__a`; the block's further uses in the same node are
`stage_1__a`, `stage_2__a` and so on. A block's `output` is the node `stage__output`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as Names
from dataclasses import dataclass, replace
from typing import Any, Protocol

from graphspec.diagnostics import Label, Report, Span, SpecError
from graphspec.diagnostics.rules import (
    BAD_EACH,
    BAD_SELECTION,
    MISSING_KEY,
    NAME_CLASH,
    RECURSION,
    TOO_LARGE,
    UNDEFINED_NAME,
)
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.document.tree import Mapping
from graphspec.language.expand import Substitution, Value, chain_names
from graphspec.language.expand.each import EACH
from graphspec.language.feed import Feed, Reference
from graphspec.language.graph import Expansion, Layer, Node
from graphspec.language.lower.block_uses import bind_inputs, read_parameters
from graphspec.language.lower.declarations import declare_layers
from graphspec.language.lower.groups import Groups, body_groups, values_of_each
from graphspec.language.lower.references import label_nearest
from graphspec.language.lower.scope import MAX_NESTED, Scope
from graphspec.language.lower.steps import BlockUse
from graphspec.language.schema import parse_part
from graphspec.language.schema.desugar import desugar_body
from graphspec.language.schema.model import BlockBody, StepsModel
from graphspec.language.traversal import size_of

OUTPUT = "output"

_FAULTY_NODE_COST = 5
"""Nodes that a faulty node counts as, since each use reports its diagnostics again."""


class ReadNode(Protocol):
    """Lowers one node of a block, given its full name, its model, its place, the scope and the groups of the block."""

    def __call__(self, name: str, model: StepsModel, span: Span, scope: Scope, *, groups: Groups) -> list[Node]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpandedBlock:
    """The nodes of a use, and the node of each output. names, inputs: the parameters and tensors it gets.

    local: the names of its nodes in the block. each: the values of those that `each` makes. layers: those of this use.
    """

    nodes: list[Node]
    outputs: dict[str, str]
    names: Names[str, Value]
    inputs: dict[str, Reference]
    local: list[str]
    each: dict[str, dict[str, Value]]
    layers: dict[str, Layer]


def expand_block(
    use: BlockUse, feed: Feed, expansion: Expansion, caller: Scope, *, read_node: ReadNode, report: Report
) -> ExpandedBlock | None:
    """Return what the use of a block expands to.

    Args:
        use: The step that uses the block.
        feed: The tensors for the block's inputs.
        expansion: The use, by which the nodes are named.
        caller: The scope of the step.
        read_node: Lowers a node of the block.
        report: Receives the diagnostics.

    Returns:
        The nodes; None where the use is faulty.

    Raises:
        SpecError: Blocks nest too deep, or expand to too many nodes.
    """
    block, prefix = use.block, expansion.prefix
    block.used = True
    if not _may_nest(use, caller, report):
        return None
    names = read_parameters(use, report)
    bound = bind_inputs(use, feed, report)
    if names is None or bound is None:
        return None
    work = caller.state.work
    work.spend_at(3 * len(names) + sum(map(size_of, names.values())), use.span)
    key = repr(names), tuple(_used_from(use.span))
    body = block.bodies.get(key) or _body(use, names, report)
    if body is None:
        return None
    block.bodies[key] = body
    work.spend_at(8 * size_of(body.tree), use.span)
    caller.state.blocks.append(block)
    try:
        scope = _own_scope(use, body, prefix, report)
        nodes = _nodes(use, body, prefix, bound, scope=scope, read_node=read_node, report=report)
    finally:
        caller.state.blocks.pop()
    caller.count(
        sum(_FAULTY_NODE_COST if node.is_faulty else 1 + len(node.steps) for node in nodes or ()) or 1, use.span
    )
    if nodes is None:
        return None
    expansion = replace(expansion, parameters=names)
    for node in nodes:
        node.expansions = (expansion, *node.expansions)
    return ExpandedBlock(
        nodes=nodes,
        outputs={name: prefix + name for name in body.outputs},
        names=chain_names(names, block.scope.variables),
        inputs=bound,
        local=[*body.graph, *body.outputs],
        each=values_of_each(body),
        layers={name: layer for name, layer in scope.lowered.items() if layer is not None} if body.layers else {},
    )


def _used_from(span: Span | None) -> Iterator[Span]:
    """Return the place of a use, and of each use that it lies in."""
    while span is not None:
        yield span
        span = span.via


def _may_nest(use: BlockUse, caller: Scope, report: Report) -> bool:
    block, active = use.block, caller.state.blocks
    if block in active:
        chain = [each.name for each in active[active.index(block) :]] + [block.name]
        report.add(
            RECURSION,
            f"`{block.name}` uses itself: {' → '.join(chain)}",
            use.span,
            expected="something that does not contain this",
            help="a block cannot contain itself; use `repeat` to apply a step several times",
            labels=[Label(block.span, f"`{block.name}` is declared here")],
        )
        return False
    if len(active) >= MAX_NESTED:
        raise SpecError.of(
            TOO_LARGE,
            f"blocks are nested more than {MAX_NESTED} levels deep",
            use.span,
            expected="the limit is exceeded here",
            help="use fewer nested blocks or fewer repeats",
        )
    return True


def _body(use: BlockUse, values: Names[str, Value], report: Report) -> BlockBody | None:
    """Return the inside of the block for this use, which marks every place in it."""
    model = use.block.model
    if model.states(OUTPUT) == model.states("outputs"):
        report.add(
            MISSING_KEY,
            f"the block `{use.block.name}` has "
            + ("both `output` and `outputs`" if model.states(OUTPUT) else "neither `output` nor `outputs`"),
            use.block.span,
            expected="one of the two",
            help="write `output: <node>`, or `outputs: {name: <node>, ...}`",
        )
        return None
    inside = Mapping(model.span)
    for key in ("layers", "graph", "outputs"):
        if model.states(key):
            located = model.located(key)
            inside.put(key, located.value, model.key_span(key), located.span)
    if model.states(OUTPUT):
        located = model.located(OUTPUT)
        if isinstance(located.value, Mapping) and EACH in located.value:
            report.add(
                BAD_EACH,
                f"`output` of the block `{use.block.name}` has `each`, but is one tensor",
                located.value.key_spans[EACH],
                expected="a node without `each`",
                help="write the node under `graph`, and join its tensors: `output: {from: <node>, merge: concat}`",
            )
            return None
        outputs = Mapping(located.span)
        outputs.put(OUTPUT, located.value, model.key_span(OUTPUT), located.span)
        inside.put("outputs", outputs, model.key_span(OUTPUT), located.span)
    watch = report.watch()
    scope = chain_names(values, use.block.scope.variables)
    filled = Substitution(scope, report, use.span, use.block.scope.state.work).body(inside, model.span)
    if not watch.is_clean:
        return None
    desugar_body(filled)
    return parse_part(BlockBody, filled, report)


def _nodes(
    use: BlockUse,
    body: BlockBody,
    prefix: str,
    bound: dict[str, Reference],
    *,
    scope: Scope,
    read_node: ReadNode,
    report: Report,
) -> list[Node] | None:
    written = [(part, name, node) for part in ("graph", "outputs") for name, node in getattr(body, part).items()]
    local = {name: prefix + name for _, name, _ in written}
    nodes: list[Node] = []
    groups = body_groups(body)
    for name in groups:
        if name in bound:
            _refuse_clash(use, name, use.block.span, report)
            return None
    for part, name, model in written:
        span = body.located(part).value.key_spans[name]
        if name in bound or (part == "outputs" and name in body.graph):
            _refuse_clash(use, name, span, report)
            return None
        nodes += read_node(prefix + name, model, span, scope, groups=groups)
    if body.layers:
        use.block.applied.update(scope.lowered)
        scope.lower_declarations()
    resolve = _resolver(use, body, prefix, local, bound=bound, report=report)
    for node in nodes:
        watch = report.watch()
        replace_references(node, resolve)
        if not watch.is_clean:
            node.feed, node.steps, node.is_faulty = Feed(), [], True
    return nodes


def _own_scope(use: BlockUse, body: BlockBody, prefix: str, report: Report) -> Scope:
    """Return the scope of one use of a block, which has layers of its own."""
    if not body.layers:
        return use.block.scope
    scope = use.block.scope.inner()
    declare_layers(body, scope, report, prefix=prefix)
    use.block.layers.update({name: span for name, (_, span) in scope.declarations.items()})
    return scope


def _refuse_clash(use: BlockUse, name: str, span: Span, report: Report) -> None:
    report.add(
        NAME_CLASH,
        f"`{name}` is the name of two things in the block `{use.block.name}`",
        span,
        expected="a unique name",
        help="rename one of them",
    )


def _resolver(
    use: BlockUse, body: BlockBody, prefix: str, local: dict[str, str], *, bound: dict[str, Reference], report: Report
) -> Callable[[Reference], Reference]:
    """Return the function that maps a reference inside the block to one outside of it."""
    written = [part for part in (body.located("graph").value, body.located("outputs").value) if part is not None]
    absent = {name for part in written for name in part.absent}
    incoming = use.block.model.located("inputs").span
    places = dict.fromkeys(bound, incoming) | {name: span for part in written for name, span in part.key_spans.items()}

    def resolve(reference: Reference) -> Reference:
        if reference.name in local:
            return replace(reference, name=local[reference.name])
        if reference.name.startswith(prefix):
            return reference  # within a block that this one uses
        if reference.name in bound:
            return _select(reference, bound[reference.name], report)
        known = [*bound, *local]
        report.add(
            UNDEFINED_NAME,
            f"there is no input or node `{reference.name}` in the block `{use.block.name}`",
            reference.span,
            expected="the name of a tensor of this block",
            help="its `when` is false, so it does not exist here"
            if reference.name in absent
            else did_you_mean(reference.name, known, f"the tensors are {one_of(known)}"),
            labels=label_nearest(reference.name, places) or [Label(incoming, f"an input of `{use.block.name}`")],
        )
        return reference

    return resolve


def _select(reference: Reference, incoming: Reference, report: Report) -> Reference:
    """Return `incoming`, or the one of its several tensors that the block selects."""
    if not reference.is_selection:
        return replace(incoming, span=reference.span, written=incoming.place)
    if incoming.is_selection:
        report.add(
            BAD_SELECTION,
            f"`{reference}` picks one of several tensors, but `{incoming}` is one tensor",
            reference.span,
            expected=f"`{reference.name}`",
        )
    return replace(reference, name=incoming.name)


def replace_references(node: Node, resolve: Callable[[Reference], Reference]) -> None:
    """Replace, in place, every tensor of `node` by the result of `resolve` for it."""
    node.feed = node.feed.replace(resolve)
    node.steps = [
        replace(step, call={name: _in_call(value, resolve) for name, value in step.call.items()}) if step.call else step
        for step in node.steps
    ]


def _in_call(value: Any, resolve: Callable[[Reference], Reference]) -> Any:
    if isinstance(value, list):
        return [_in_call(item, resolve) for item in value]
    return resolve(value) if isinstance(value, Reference) else value
