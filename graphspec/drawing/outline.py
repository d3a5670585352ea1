"""Graph + shapes → diagrams: a box for each node of the spec, and a group for each use of a block or a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from graphspec.diagnostics.shape_text import shape_text
from graphspec.drawing.diagram import Arrow, Box, Diagram, Kind, Line, describe, mark_text
from graphspec.language.feed import Reference
from graphspec.language.graph import Expansion, Graph, Layer, NestedModel, Node, argument_layers
from graphspec.shapes import UNKNOWN, Shapes, Value, infer, is_known

MAX_MERGED = 12
"""The maximum number of lines of a box that a chain of boxes is merged to."""

_LOSS = "loss"
"""The text beside the name of a loss, which is drawn as an end of the graph like an output."""


def diagrams(graph: Graph, shapes: Shapes | None = None) -> list[Diagram]:
    """Return the diagram of `graph`, then one for each model applied in it; shapes are inferred if not passed."""
    shapes = infer(graph) if shapes is None else shapes
    graphs = [graph, *graph.models()]
    numbers = {id(each): number for number, each in enumerate(graphs)}
    calls = Counter(step.layer for each in graphs for node in each.nodes.values() for step in node.steps)
    several = {layer: count for layer, count in calls.items() if count > 1 and not layer.is_operation}
    return [_Outline(each, shapes, numbers, several).diagram() for each in graphs]


def model_of(layer: Layer) -> NestedModel | None:
    """Return the model that a layer is, or that it wraps."""
    if isinstance(layer, NestedModel):
        return layer
    return next((model for held in argument_layers(layer) if (model := model_of(held)) is not None), None)


@dataclass
class _Level:
    """The nodes of one body or block use by node of the spec: each is a node, or a use with the nodes in it."""

    depth: int
    parts: dict[str, list[Node | tuple[Expansion, _Level]]] = field(default_factory=dict)
    uses: dict[str, _Level] = field(default_factory=dict)

    def add(self, node: Node) -> None:
        if len(node.expansions) == self.depth:
            self.parts.setdefault(node.label, []).append(node)
            return
        use = node.expansions[self.depth]
        if use.name not in self.uses:
            self.uses[use.name] = _Level(self.depth + 1)
            self.parts.setdefault(use.node, []).append((use, self.uses[use.name]))
        self.uses[use.name].add(node)


class _Outline:
    """The diagram of one graph, while it is put together."""

    def __init__(self, graph: Graph, shapes: Shapes, numbers: dict[int, int], several: dict[Layer, int]) -> None:
        self.graph, self.shapes, self.numbers, self.several = graph, shapes, numbers, several
        self.marks = {layer: mark_text(number) for number, layer in enumerate(several)}
        self.first: dict[str, str] = {}
        self.last: dict[str, str] = {}
        self.owner: dict[int, str] = {}
        self.arrows: dict[tuple[str, str, str, str], list[str]] = {}

    def diagram(self) -> Diagram:
        inputs = [
            Box(key=name, title=name, kind="input", lines=(Line(text="Input", shape=self.shape_of(name)),))
            for name in self.graph.inputs
        ]
        self.first |= {name: name for name in self.graph.inputs}
        self.last |= self.first
        level = _Level(0)
        for node in self.graph.nodes.values():
            level.add(node)
        boxes = list(self.boxes(level, ""))
        self.link()
        merge = _Merge(key[:2] for key in self.arrows)
        boxes = [merge.merged(box) for box in boxes]
        arrows = _rerouted(self.arrows, merge)
        outputs = {name: merge.home(key) for name in self.graph.outputs if (key := self.home(name)) is not None}
        called = [layer for layer in self.graph.called_layers() if layer in self.marks]
        shared = {self.marks[each]: f"{describe(each)}, called {self.several[each]} times" for each in called}
        return Diagram(
            name=self.graph.name,
            boxes=(*inputs, *boxes),
            arrows=arrows,
            shared=shared,
            inputs={name: name for name in self.graph.inputs},
            outputs=outputs,
        )

    def boxes(self, level: _Level, prefix: str) -> Iterator[Box]:
        for label, parts in level.parts.items():
            title = label.removeprefix(prefix)
            found = [box for part in parts for box in self.part(part, title)]
            is_loss = not prefix and label in self.graph.losses
            is_end = is_loss or (not prefix and label in self.graph.outputs)
            kind: Kind = "output" if is_end else "node"
            note = _LOSS if is_loss else ""
            if len(found) == 1:
                box = found[0]
                kind = kind if is_end or box.kind == "node" else box.kind
                yield replace(box, title=title, kind=kind, note=box.note or note)
            elif found:
                unnamed = tuple(replace(box, title="") for box in found)
                yield Box(key=f"n:{label}", title=title, kind=kind, note=note, boxes=unnamed)

    def part(self, part: Node | tuple[Expansion, _Level], title: str) -> Iterator[Box]:
        """Yield the boxes of a part of a node: none for an alias, several for one that applies models."""
        if isinstance(part, Node):
            yield from self.node(part, title)
            return
        use, level = part
        boxes = tuple(self.boxes(level, f"{use.name}__"))
        if len(boxes) == 1:
            kind: Kind = "block" if boxes[0].boxes else boxes[0].kind
            yield replace(boxes[0], title=use.block, note=boxes[0].note or use.block, kind=kind)
        elif boxes:
            yield Box(key=f"b:{use.name}", title=use.block, kind="block", note=use.block, boxes=boxes)

    def node(self, node: Node, title: str) -> Iterator[Box]:
        is_kept = node.is_faulty or node.name in self.graph.outputs
        if not node.steps and not is_kept and len(list(node.references())) == 1:
            return
        calls = self.shapes.calls.get(id(self.graph), {}).get(node.name, [])
        keys: list[str] = []
        lines: list[Line] = []

        def flush() -> Iterator[Box]:
            if lines:
                keys.append(f"{node.name}/{len(keys)}" if keys else node.name)
                yield Box(key=keys[-1], title=title, kind="node", lines=tuple(lines))
                lines.clear()

        for number, step in enumerate(node.steps):
            value = calls[number] if number < len(calls) else UNKNOWN
            line = Line(
                text=describe(step.layer),
                shape=_shape(value),
                mark=self.marks.get(step.layer, ""),
                layer=step.layer,
                node=node,
                step=step,
            )
            model = model_of(step.layer)
            if model is None:
                lines.append(line)
            else:
                yield from flush()
                keys.append(f"{node.name}/{len(keys)}" if keys else node.name)
                note = model.name if model is step.layer else describe(step.layer)
                of = self.numbers[id(model.graph)]
                yield Box(key=keys[-1], title=title, kind="model", note=note, lines=(line,), model=of)
            self.owner[id(step)] = keys[-1] if model is not None else f"{node.name}/{len(keys)}" if keys else node.name
        if node.is_faulty:
            lines.append(Line(text="?", shape="?", node=node))
        elif not node.steps:
            written = ", ".join(map(self.written, node.references()))
            lines.append(Line(text=f"= {written}", shape=self.shape_of(node.name), node=node))
        yield from flush()
        self.first[node.name], self.last[node.name] = keys[0], keys[-1]
        for start, end in pairwise(keys):
            self.arrows.setdefault((start, end, "", ""), [])

    def home(self, name: str) -> str | None:
        """Return the key of the box that a tensor comes from."""
        seen: set[str] = set()
        while name not in self.last and name in self.graph.nodes and name not in seen:
            seen.add(name)
            references = list(self.graph.nodes[name].references())
            if len(references) != 1:
                return None
            name = references[0].name
        return self.last.get(name)

    def link(self) -> None:
        """Find the arrows between boxes."""
        for node in self.graph.nodes.values():
            if node.name not in self.first:
                continue
            model = model_of(node.steps[0].layer) if node.steps else None
            into = list(model.graph.inputs) if model is not None else []
            for number, (name, reference) in enumerate(node.feed.items()):
                named = str(name) if isinstance(name, str) else into[number] if number < len(into) else ""
                self.arrow(reference, self.first[node.name], named if named in into else "")
            for step in node.steps:
                for reference in step.references():
                    self.arrow(reference, self.owner[id(step)], "")

    def arrow(self, reference: Reference, end: str, into: str) -> None:
        start = self.home(reference.name)
        if start is not None and start != end:
            self.arrows.setdefault((start, end, reference.output or "", into), []).append(self.written(reference))

    def written(self, reference: Reference) -> str:
        """Return the reference as the spec writes it, without the part of a node (`stage@0`) and the use of a block."""
        node = self.graph.nodes.get(reference.name)
        around = node.expansions[-1:] if node is not None else ()
        return str(reference).partition("@")[0].removeprefix("".join(f"{use.name}__" for use in around))

    def shape_of(self, name: str) -> str:
        return _shape(self.shapes.of(self.graph, name))


class _Merge:
    """Merges each group that is a mere chain of boxes to one box, which takes the key of the first."""

    def __init__(self, links: Iterable[tuple[str, str]]) -> None:
        self.after: dict[str, set[str]] = {}
        self.before: dict[str, set[str]] = {}
        for start, end in links:
            self.after.setdefault(start, set()).add(end)
            self.before.setdefault(end, set()).add(start)
        self.homes: dict[str, str] = {}
        self.members: dict[str, list[str]] = {}

    def home(self, key: str) -> str:
        """Return the key of the box that the box with this key is part of now."""
        return self.homes.get(key, key)

    def merged(self, box: Box) -> Box:
        inner = [self.merged(each) for each in box.boxes]
        lines = tuple(line for each in inner for line in each.lines)
        if not inner:
            return box
        if any(each.is_group for each in inner) or len(lines) > MAX_MERGED or not self._is_chain(inner):
            return replace(box, boxes=tuple(inner))
        first = inner[0].key
        for each in inner[1:]:
            members = [each.key, *self.members.pop(each.key, ())]
            self.members.setdefault(first, []).extend(members)
            self.homes.update(dict.fromkeys(members, first))
        kind: Kind = box.kind if box.kind == "output" else "node"
        return Box(key=first, title=box.title, kind=kind, note=box.note, lines=lines)

    def _is_chain(self, boxes: list[Box]) -> bool:
        """Return whether each box but the last feeds the next alone, which takes nothing else."""
        for one, other in pairwise(boxes):
            leaving, entering = self._linked(one.key, self.after), self._linked(other.key, self.before)
            if leaving != {other.key} or entering != {one.key}:
                return False
        return True

    def _linked(self, key: str, links: dict[str, set[str]]) -> set[str]:
        found = (end for member in (key, *self.members.get(key, ())) for end in links.get(member, ()))
        return {self.home(each) for each in found} - {key}


def _rerouted(arrows: dict[tuple[str, str, str, str], list[str]], merge: _Merge) -> tuple[Arrow, ...]:
    """Return the arrows between the boxes that are left."""
    texts: dict[tuple[str, str, str, str], list[str]] = {}
    for (start, end, output, into), written in arrows.items():
        link = (merge.home(start), merge.home(end), output, into)
        if link[0] != link[1]:
            texts.setdefault(link, []).extend(written)
    return tuple(
        Arrow(start=start, end=end, text=", ".join(dict.fromkeys(written)), output=output, input=into)
        for (start, end, output, into), written in texts.items()
    )


def _shape(value: Value) -> str:
    return shape_text(value) if is_known(value) else "?"
