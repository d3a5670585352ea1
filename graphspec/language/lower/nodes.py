"""Lower the nodes of a body: each becomes one node of the graph, or several where it uses blocks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from graphspec.diagnostics import Report, Span
from graphspec.diagnostics.rules import BAD_SELECTION
from graphspec.diagnostics.suggest import a, did_you_mean, one_of
from graphspec.language.feed import Feed, Reference
from graphspec.language.graph import Expansion, GraphLoss, Node, Output, Step
from graphspec.language.lower.beginnings import read_beginning
from graphspec.language.lower.blocks import OUTPUT, ExpandedBlock, expand_block, replace_references
from graphspec.language.lower.groups import Groups
from graphspec.language.lower.merges import read_merge
from graphspec.language.lower.references import read_feed
from graphspec.language.lower.scope import Scope
from graphspec.language.lower.steps import BlockUse, read_steps
from graphspec.language.schema.model import StepsModel
from graphspec.language.source_nodes import SourceNode, SourceUse


@dataclass
class NodeLowering:
    """The nodes of one body while it is lowered, including faulty ones.

    absent: the nodes left out by their `when`. block_outputs: for each node that ends in a block of several outputs,
    the nodes of these outputs, by name. source_nodes: the nodes as the spec writes them.
    """

    report: Report
    absent: dict[str, Span]
    nodes: dict[str, Node] = field(default_factory=dict)
    block_outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    source_nodes: dict[str, SourceNode] = field(default_factory=dict)

    def add(self, name: str, model: StepsModel, span: Span, scope: Scope, *, groups: Groups) -> None:
        """Lower one node of the spec; one that uses blocks becomes several."""
        self.nodes |= {node.name: node for node in self.read(name, model, span, scope, groups=groups)}

    def read(self, name: str, model: StepsModel, span: Span, scope: Scope, *, groups: Groups) -> list[Node]:
        """Return the nodes that one node of the spec expands to. The last has its name."""
        beginning = read_beginning(model, self.report)
        if beginning is None:
            return [Node(name, Feed(), [], span, is_faulty=True)]
        feed = read_feed(model.located("from"), self.report, groups) if model.states("from") else Feed()
        merge = read_merge(model.located("merge"), feed, self.report) if model.merge is not None else None
        is_led = model.merge is not None or bool(beginning)
        steps = read_steps(model.located("apply"), scope, self.report, feed, groups=groups, merged=is_led)
        whole = Node(name, feed or Feed(), [], span, merge=merge and merge[0])
        if merge is not None:
            whole.steps.append(Step(merge[1], merge[1].span))
        whole.steps += beginning
        if feed is None or (model.merge is not None and merge is None):
            whole.steps, whole.is_faulty = [], True
            return [whole]
        as_written = self.source_nodes[name] = SourceNode(name, whole.feed, [*whole.steps], span, lead=len(whole.steps))
        parts: list[Node] = []
        uses = 0
        for item in steps:
            if isinstance(item, Step):
                whole.steps.append(item)
                as_written.items.append(item)
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
            as_written.items.append(self._use(item, expanded, f"{use.name}__"))
            if OUTPUT not in outputs and item is not steps[-1]:
                self._refuse_several(item, outputs)
                return [*parts, Node(name, whole.feed, [], span, is_faulty=True)]
            if OUTPUT not in outputs:
                self.block_outputs[name] = outputs
            source = outputs.get(OUTPUT) or next(iter(outputs.values()))
            whole = Node(name, Feed((Reference(source, item.span),)), [], span)
        return [*parts, whole]

    def _use(self, item: BlockUse, expanded: ExpandedBlock, prefix: str) -> SourceUse:
        """Return the record of a use, with the source nodes of its block."""
        nodes = {local: self.source_nodes.pop(prefix + local, None) for local in expanded.local}
        for local, values in expanded.each.items():
            if (node := nodes.get(local)) is not None:
                node.each = values
        return SourceUse(
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
            called=frozenset(item.call),
            layers=expanded.layers,
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
