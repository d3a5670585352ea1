"""Two graphs → the nodes that differ, nested models included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from graphspec.differences.align import use_of
from graphspec.differences.calls import Calls, LayerCall, calls_of, shape_of
from graphspec.differences.difference import Change, NodeChange, Part, Size
from graphspec.differences.inputs import compare_inputs
from graphspec.differences.matching import Matching
from graphspec.differences.texts import layer_text
from graphspec.differences.values import UNSET, SharedLayer, default_values, frozen
from graphspec.differences.wiring import chain_argument, feed_text, outer_inputs, source_behind, tensor_text
from graphspec.language.graph import Graph, Layer, NestedModel, ObjectLayer
from graphspec.shapes import Shapes
from graphspec.shapes.parameters import count_parameters


@dataclass(slots=True)
class LayerPairs:
    """The layers of two specs that belong together.

    pairs: first → second. origins: back. compared: the ids of the nested graphs that are compared already.
    """

    pairs: dict[Layer, Layer] = field(default_factory=dict)
    origins: dict[Layer, Layer] = field(default_factory=dict)
    compared: set[tuple[int, int]] = field(default_factory=set)

    def put(self, layer: Layer, other: Layer) -> bool:
        """Pair two layers, unless one of them has a partner; return whether they are partners now."""
        if layer not in self.pairs and other not in self.origins:
            self.pairs[layer], self.origins[other] = other, layer
        return self.pairs.get(layer) is other


def compare_bodies(
    first: tuple[Graph, Shapes],
    second: tuple[Graph, Shapes],
    layers: LayerPairs,
    model: str = "",
    *,
    by_layers: bool = False,
) -> tuple[Matching, list[NodeChange]]:
    """Compare two graphs and the nested models in them.

    Args:
        first: A graph and its shapes.
        second: The other graph and its shapes.
        layers: Receives the layers that belong together.
        model: The path of the models around the second graph.
        by_layers: Compare what a saved model knows: layers by their names in Keras, and not the names of nodes.

    Returns:
        The calls that belong together, and every node that differs, by its shape alone too.
    """
    calls = [calls_of(*each, by_layers=by_layers) for each in (first, second)]
    matching = Matching(*calls, by_layers=by_layers)
    comparison = _BodyComparison(matching, first[1], second[1], layers, model, by_layers)
    changes = list(comparison.changes())
    for one, two in comparison.models():
        pair = (id(one.graph), id(two.graph))
        if pair not in layers.compared:
            layers.compared.add(pair)
            path = f"{model}{two.name}/"
            bodies = (one.graph, first[1]), (two.graph, second[1])
            changes += compare_bodies(*bodies, layers, path, by_layers=by_layers)[1]
    return matching, changes


@dataclass
class _BodyComparison:
    """The comparison of two graphs without the models in them."""

    matching: Matching
    shapes: Shapes
    shapes_after: Shapes
    layers: LayerPairs
    model: str
    by_layers: bool
    labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for call in self.matching.first.all:
            if call in self.matching.calls:
                self.layers.put(call.layer, self.matching.calls[call].layer)
        self._pair_declared()
        self.labels = self._match_labels()

    def changes(self) -> Iterator[NodeChange]:
        """Yield what differs: inputs, declared layers, nodes of the second graph, then nodes that are gone."""
        first, second = self.matching.first, self.matching.second
        yield from compare_inputs(first.graph.inputs, second.graph.inputs, self.matching.inputs, self.model)
        yield from self._declared()
        came_from = {other: label for label, other in self.labels.items()}
        ours, theirs = _by_label(first), _by_label(second)
        for label, calls in theirs.items():
            was = came_from.get(label)
            change = self._node(was, ours.get(was, []) if was is not None else [], label, calls)
            if change is not None:
                yield change
        yield from self._renamed_hosts(ours)
        for label, calls in ours.items():
            gone = [call for call in calls if call not in self.matching.calls]
            if label not in self.labels and len(gone) == len(calls):
                yield self._whole("removed", label, calls, first, shapes=self.shapes)
            elif label not in self.labels and gone:
                yield NodeChange(
                    status="changed",
                    part=_part(label, first.graph),
                    name=label,
                    model=self.model,
                    changes=tuple(Change("layer", call.name, layer_text(call)) for call in gone),
                    use=use_of(label, first.uses),
                )

    def models(self) -> list[tuple[NestedModel, NestedModel]]:
        """Return the nested models that belong together."""
        pairs = [
            (layer, other)
            for layer, other in self.layers.pairs.items()
            if isinstance(layer, NestedModel) and isinstance(other, NestedModel)
        ]
        return [pair for pair in pairs if (id(pair[0].graph), id(pair[1].graph)) not in self.layers.compared]

    def _pair_declared(self) -> None:
        """Pair the declared layers inside wrappers, where two wrappers that belong together hold them."""
        waiting = list(self.layers.pairs.items())
        while waiting:
            layer, other = waiting.pop()
            for argument, held in layer.arguments.items():
                inner = other.arguments.get(argument)
                if not (isinstance(held, Layer) and isinstance(inner, Layer) and type(held) is type(inner)):
                    continue
                if held not in self.layers.pairs and self.layers.put(held, inner):
                    waiting.append((held, inner))

    def _match_labels(self) -> dict[str, str]:
        """Return the nodes that belong together by their names in the spec: first → second."""
        matching = self.matching
        there = dict.fromkeys(call.node.label for call in matching.second.all)
        votes: dict[str, Counter[str]] = {}
        for call in matching.first.all:
            counts = votes.setdefault(call.node.label, Counter())
            if call in matching.calls:
                counts[matching.calls[call].node.label] += 1
        found: dict[str, str] = {}
        found |= {host: other for host, other in matching.uses.hosts.items() if host not in votes}
        taken = set(found.values())
        for label in votes:
            name = matching.uses.label(label)
            if name in there and name not in taken:
                found[label] = name
                taken.add(name)
        for label, counts in votes.items():
            free = [other for other, _ in counts.most_common() if other not in taken]
            if label not in found and free:
                found[label] = free[0]
                taken.add(free[0])
        return found

    def _declared(self) -> Iterator[NodeChange]:
        """Yield the declared layers and models that are applied in both graphs and differ."""
        seen: set[Layer] = set()
        for call, other in self.matching.calls.items():
            if call.layer in seen or not (call.layer.declared and other.layer.declared):
                continue
            seen.add(call.layer)
            changes = tuple(self._arguments(call, other, ""))
            was = call.name if call.name != other.name else ""
            if changes or was:
                yield NodeChange(
                    status="changed",
                    part="layers",
                    name=other.name,
                    was=was,
                    model=self.model,
                    changes=changes,
                    before=Size(None, count_parameters(call.layer, self.shapes)),
                    after=Size(None, count_parameters(other.layer, self.shapes_after)),
                )

    def _node(self, was: str | None, ours: list[LayerCall], label: str, theirs: list[LayerCall]) -> NodeChange | None:
        """Return what differs in a node of the second graph; None where nothing does."""
        matching, second = self.matching, self.matching.second
        new = [call for call in theirs if call not in matching.origins]
        if was is None and len(new) == len(theirs):
            return self._whole("added", label, theirs, second, shapes=self.shapes_after)
        changes: list[Change] = []
        for call, path in zip(theirs, _step_paths(theirs), strict=True):
            origin = matching.origins.get(call)
            if origin is None:
                changes.append(Change("layer", path, UNSET, layer_text(call)))
            else:
                changes += self._call(origin, call, path)
        changes += [
            Change("layer", path, layer_text(call))
            for call, path in zip(ours, _step_paths(ours), strict=True)
            if call not in matching.calls
        ]
        first = matching.first
        if was is not None and (was in first.graph.outputs) != (label in second.graph.outputs):
            changes.append(Change("output", "", was in first.graph.outputs, label in second.graph.outputs))
        expected = matching.uses.name(was, use_of(was, first.uses)) if was is not None else label
        renamed = was if was is not None and label not in (was, expected) and not self._follows_host(was, label) else ""
        if self.by_layers and not self._has_renamed_layer(theirs):
            renamed = ""
        before = self._size(was, ours, first, self.shapes) if was is not None else None
        after = self._size(label, theirs, second, self.shapes_after)
        if not changes and not renamed and not self._is_reshaped(was, label, before, after):
            return None
        return NodeChange(
            status="changed",
            part=_part(label, second.graph),
            name=label,
            was=renamed or "",
            model=self.model,
            changes=tuple(changes),
            before=before,
            after=after,
            use=use_of(label, second.uses),
        )

    def _is_reshaped(self, was: str | None, label: str, before: Size | None, after: Size) -> bool:
        """Return whether a node returns the same tensor as before, in another shape."""
        if was is None or before is None or before.shape == after.shape:
            return False
        source = self.matching.source(self.matching.first.tensors[was])
        return source is not None and source == self.matching.second.tensors[label]

    def _has_renamed_layer(self, calls: list[LayerCall]) -> bool:
        """Return whether a layer of a node has another name in Keras than before."""
        origins = ((self.matching.origins.get(call), call) for call in calls if not call.layer.is_operation)
        return any(origin is not None and origin.name != call.name for origin, call in origins)

    def _renamed_hosts(self, ours: dict[str, list[LayerCall]]) -> Iterator[NodeChange]:
        """Yield the nodes of nothing but uses of blocks that have another name."""
        uses = self.matching.uses
        for host, other in uses.hosts.items():
            if host not in ours and other != uses.name(host, use_of(host, uses.first)):
                graph, use = self.matching.second.graph, use_of(other, uses.second)
                part = _part(other, graph)
                yield NodeChange(status="changed", part=part, name=other, was=host, model=self.model, use=use)

    def _follows_host(self, was: str, label: str) -> bool:
        """Return whether a node in a block has another name only because its use of the block has."""
        use, other = use_of(was, self.matching.uses.first), use_of(label, self.matching.uses.second)
        return (
            bool(use and other)
            and self.matching.uses.pairs.get(use) == other
            and was[len(use) :] == label[len(other) :]
        )

    def _whole(self, status: str, label: str, calls: list[LayerCall], of: Calls, *, shapes: Shapes) -> NodeChange:
        """Return the change of a node that is added or removed as a whole."""
        size = self._size(label, calls, of, shapes)
        takers = [call for each in calls for call, _, _ in of.consumers.get(each, [])]
        return NodeChange(
            status="added" if status == "added" else "removed",
            part=_part(label, of.graph),
            name=label,
            model=self.model,
            before=size if status == "removed" else None,
            after=size if status == "added" else None,
            feed=tuple(dict.fromkeys(tensor_text(source, of) for _, source in outer_inputs(calls))),
            layers=tuple(layer_text(call) for call in calls if not call.is_of_loss),
            consumers=tuple(dict.fromkeys(call.node.label for call in takers if call.node.label != label)),
            use=use_of(label, of.uses),
        )

    def _call(self, call: LayerCall, other: LayerCall, path: str) -> Iterator[Change]:
        """Yield what differs between two calls that belong together."""
        if call.class_name != other.class_name and not (call.layer.declared and other.layer.declared):
            yield Change("layer", path, layer_text(call), layer_text(other))
        elif not (call.layer.declared and other.layer.declared) and other.number == 0:
            yield from self._arguments(call, other, path)
        for key in dict.fromkeys((*call.constants, *other.constants)):
            before, after = call.constants.get(key, UNSET), other.constants.get(key, UNSET)
            if frozen(before) != frozen(after):
                yield Change("argument", f"{path}.call.{key}", before, after)
        if _is_moved(call, other, self.labels):
            yield Change("name", path, call.name, other.name)
        sharing = self._sharing(call, other)
        if sharing is not None:
            yield sharing
        yield from self._feeds(call, other)

    def _arguments(self, call: LayerCall, other: LayerCall, path: str) -> Iterator[Change]:
        """Yield the arguments of the layer that differ, with Keras' default for one that is not stated."""
        for key in dict.fromkeys((*call.values, *other.values)):
            before, after = _value(call, key), _value(other, key)
            if frozen(before) != frozen(after) and not self._is_same_layer(before, after):
                is_weight = call.is_of_loss and other.is_of_loss and key == "scale"
                yield Change("argument", "weight" if is_weight else f"{path}.{key}".strip("."), before, after)

    def _is_same_layer(self, before: object, after: object) -> bool:
        """Return whether two declared layers in the arguments of wrappers belong together."""
        if not isinstance(before, SharedLayer) or not isinstance(after, SharedLayer):
            return False
        return any(layer.name == before.name and other.name == after.name for layer, other in self.layers.pairs.items())

    def _sharing(self, call: LayerCall, other: LayerCall) -> Change | None:
        """Return the change of the earlier call that a call shares its weights with."""
        if self.layers.pairs.get(call.layer) is other.layer:
            return None
        texts = [_weights_text(call), _weights_text(other)]
        return Change("shared", other.name, *texts) if texts[0] != texts[1] else None

    def _feeds(self, call: LayerCall, other: LayerCall) -> Iterator[Change]:
        """Yield a change where a call takes other tensors, apart from layers put between or taken out."""
        first, second = self.matching.first, self.matching.second
        chained, chains = chain_argument(call, first.uses), chain_argument(other, second.uses)
        before = {key: source for key, source in call.inputs if not (key == chained and chains is not None)}
        after = {key: source for key, source in other.inputs if not (key == chains and chained is not None)}
        same_class = call.class_name == other.class_name
        ours = [
            (key if same_class else "", self.matching.source(source_behind(source, self.matching.calls)))
            for key, source in before.items()
        ]
        theirs = [
            (key if same_class else "", source_behind(source, self.matching.origins)) for key, source in after.items()
        ]
        if ours == theirs:
            return
        texts = [tensor_text(source, first, self.labels) for source in before.values()]
        names = [tensor_text(source, second) for source in after.values()]
        if texts != names or (list(before) != list(after) and same_class):
            yield Change("from", "", feed_text(before, first), feed_text(after, second))

    def _size(self, label: str, calls: list[LayerCall], of: Calls, shapes: Shapes) -> Size:
        last = of.tensors.get(label)
        result = last.producer.result if last is not None and isinstance(last.producer, LayerCall) else None
        counts = [count_parameters(call.layer, shapes) for call in calls if not call.layer.declared]
        known = [count for count in counts if count is not None]
        shape = shape_of(result) if result is not None and not (last and last.part) else None
        return Size(shape, sum(known) if len(known) == len(counts) else None)


def _value(call: LayerCall, key: str) -> object:
    """Return the value of an argument, or Keras' default for it."""
    if key in call.values:
        return call.values[key]
    if not isinstance(call.layer, ObjectLayer):
        return {"trainable": True}.get(key, UNSET)
    argument = key.partition(".")[0].partition("[")[0]
    return default_values(call.layer.object.kind, call.layer.object.name, argument).get(key, UNSET)


def _part(label: str, graph: Graph) -> Part:
    return "outputs" if label in graph.outputs else "losses" if label in graph.losses else "graph"


def _by_label(calls: Calls) -> dict[str, list[LayerCall]]:
    """Return the calls of each node of the spec; a node that uses blocks has those outside of them."""
    found: dict[str, list[LayerCall]] = {}
    for call in calls.all:
        found.setdefault(call.node.label, []).append(call)
    return found


def _step_paths(calls: list[LayerCall]) -> Iterator[str]:
    """Yield the place of each step in its node: its class, with its index if there are several.

    A step beside uses of blocks has its name in Keras, since the uses count too in the spec.
    """
    is_cut = any("@" in call.node.name for call in calls)
    count = sum(1 for call in calls if not call.is_merge and not call.is_of_loss)
    index = 0
    for call in calls:
        name = call.name if call.layer.declared else call.class_name
        if call.is_merge or count < 2:
            yield name
        else:
            yield call.name if is_cut else f"apply[{index}].{name}"
        index += not call.is_merge


def _is_moved(call: LayerCall, other: LayerCall, labels: dict[str, str]) -> bool:
    """Return whether the layer has another name in Keras for another reason than that of its node."""
    if call.layer.is_operation or other.layer.is_operation or call.layer.declared or call.number or other.number:
        return False
    if call.name == other.name or (call.is_named_by_number and other.is_named_by_number):
        return False
    follows = call.name == call.node.label and other.name == other.node.label
    return not (labels.get(call.node.label) == other.node.label and (follows or _is_last(call) != _is_last(other)))


def _is_last(call: LayerCall) -> bool:
    return call.name == call.node.label


def _weights_text(call: LayerCall) -> str:
    """Return the declared layer whose weights a call uses, or that it has its own."""
    return f"weights of {call.name}" if call.layer.declared else "weights of its own"
