"""The calls of two graphs that belong together: by name first, then by what they are and how they are wired.

Names come first because weights are found by them. A name that only counts the layers of its node (`deep_dense_1`)
shifts when a layer is inserted, so the layers of a node are aligned before such names are trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from graphspec import catalog
from graphspec.differences.align import BlockUses, equal_pairs
from graphspec.differences.calls import Calls, LayerCall, TensorSource
from graphspec.language.graph import Input

Producer = LayerCall | str


class Matching:
    """The calls and inputs of two graphs that belong together.

    calls, inputs: first → second; origins: back. by_layers: nodes do not count, a saved model knows of none.
    """

    def __init__(self, first: Calls, second: Calls, *, by_layers: bool = False) -> None:
        self.first, self.second = first, second
        self.by_layers = by_layers
        self.uses = BlockUses(first.uses, second.uses)
        self.calls: dict[LayerCall, LayerCall] = {}
        self.origins: dict[LayerCall, LayerCall] = {}
        self.inputs = _match_inputs(first, second)
        self._names = {call: self.uses.name(call.name, call.prefix) for call in first.all}
        self._labels = {call: self.uses.label(call.node.label) for call in first.all}
        self._common = {*self._labels.values()} & {call.node.label for call in second.all}
        self._signatures = {call: call.signature for call in (*first.all, *second.all)}
        self._match()

    def other(self, producer: Producer) -> Producer | None:
        """Return the input or call of the second graph for one of the first; None if it is gone."""
        return self.calls.get(producer) if isinstance(producer, LayerCall) else self.inputs.get(producer)

    def source(self, source: TensorSource) -> TensorSource | None:
        """Return the tensor of the second graph for one of the first; None if it is gone."""
        producer = self.other(source.producer)
        return TensorSource(producer, source.part) if producer is not None else None

    def _match(self) -> None:
        """Match in rounds, from the surest to the least sure.

        Names of operations say little beside a saved model: a block that is found in it gives other names to them.
        """
        if self.by_layers:
            self._by_names(lambda call: not call.layer.is_operation)
            self._by_all_wiring()
        self._by_names(lambda call: True)
        self._by_all_wiring()
        names = self._names
        self._pair(lambda call: self._stated(call, names[call]), lambda call: self._stated(call, call.name))

    def _by_names(self, chosen: Callable[[LayerCall], bool]) -> None:
        """Match the chosen calls that have the same name, and equal calls in the same node."""
        names, signatures = self._names, self._signatures
        self._pair(
            lambda call: (names[call], call.number, signatures[call]) if chosen(call) else id(call),
            lambda call: (call.name, call.number, signatures[call]) if chosen(call) else id(call),
        )
        self._align_nodes(chosen)
        self._pair(
            lambda call: (names[call], call.number, call.class_name) if chosen(call) else id(call),
            lambda call: (call.name, call.number, call.class_name) if chosen(call) else id(call),
        )

    def _by_all_wiring(self) -> None:
        """Match by wiring until no call is found any more."""
        size = -1
        while size != len(self.calls):
            size = len(self.calls)
            self._by_wiring(self._home)
            self._pair(self._place, self._place_there, unique=True)
            if size == len(self.calls):
                self._by_wiring(_anywhere)

    def _by_wiring(self, home: Callable[[LayerCall], Hashable]) -> None:
        """Match equal calls by what they are wired to, or by arguments that occur once, if their `home` is the same."""
        self._by_inputs(home)
        self._by_consumers(home)
        self._pair(lambda call: self._if_telling(call, home), lambda call: self._if_telling(call, home), unique=True)

    def _home(self, call: LayerCall) -> Hashable:
        """Return the node of a call, by its name in the second graph; None for a node that only one graph has."""
        if self.by_layers and call.layer.is_operation:
            return None
        label = self._labels.get(call, call.node.label)
        return label if label in self._common else None

    def _left(self, calls: Calls) -> list[LayerCall]:
        taken = self.calls if calls is self.first else self.origins
        return [call for call in calls.all if call not in taken]

    def _put(self, call: LayerCall, other: LayerCall) -> None:
        self.calls[call] = other
        self.origins[other] = call

    def _pair(
        self,
        key: Callable[[LayerCall], Hashable],
        other_key: Callable[[LayerCall], Hashable],
        *,
        unique: bool = False,
    ) -> None:
        """Match the calls that are left and have the same key, in order; with `unique`, only keys that occur once."""
        ours, theirs = _by_key(self._left(self.first), key), _by_key(self._left(self.second), other_key)
        for each, calls in ours.items():
            others = theirs.get(each, [])
            if not unique or (len(calls) == 1 and len(others) == 1):
                for call, other in zip(calls, others, strict=False):
                    self._put(call, other)

    def _align_nodes(self, chosen: Callable[[LayerCall], bool]) -> None:
        """Match equal calls within a node, in their order."""
        ours = _by_key(filter(chosen, self._left(self.first)), lambda call: self._labels[call])
        theirs = _by_key(filter(chosen, self._left(self.second)), lambda call: call.node.label)
        for label, calls in ours.items():
            others = theirs.get(label, [])
            keys = [[self._signatures[call] for call in each] for each in (calls, others)]
            for one, two in equal_pairs(*keys):
                self._put(calls[one], others[two])

    def _by_inputs(self, home: Callable[[LayerCall], Hashable]) -> None:
        """Match calls of the same layers on the same inputs, from the inputs of the graph on."""
        theirs = _by_key(self._left(self.second), lambda call: (self._signatures[call], home(call), tuple(call.inputs)))
        for call in self._left(self.first):
            inputs = [(key, self.source(source)) for key, source in call.inputs]
            others = theirs.get((self._signatures[call], home(call), tuple(inputs)), [])
            if others:
                other = self._best(call, others)
                others.remove(other)
                self._put(call, other)

    def _best(self, call: LayerCall, others: list[LayerCall]) -> LayerCall:
        """Return the candidate whose consumers are those of `call`; the first if there are several or none."""
        consumers = self._consumers(call)
        return next(
            (each for each in others[:_MAX_CANDIDATES] if _consumers_of(each, self.second) == consumers), others[0]
        )

    def _by_consumers(self, home: Callable[[LayerCall], Hashable]) -> None:
        """Match calls of the same layers with the same consumers, from the outputs of the graph on."""
        left = [call for call in self._left(self.second) if _consumers_of(call, self.second)]
        theirs = _by_key(
            left, lambda call: (self._signatures[call], home(call), frozenset(_consumers_of(call, self.second)))
        )
        for call in reversed(self._left(self.first)):
            consumers = self._consumers(call)
            others = theirs.get((self._signatures[call], home(call), frozenset(consumers)), [])
            if consumers and len(others) == 1:
                self._put(call, others.pop())

    def _consumers(self, call: LayerCall) -> set[Hashable]:
        """Return the consumers of a call of the first graph, as they are in the second; None for one that is gone."""
        found: set[Hashable] = {
            (self.calls.get(consumer), key, part) for consumer, key, part in self.first.consumers.get(call, [])
        }
        return found | {("output", name) for name in self.first.outputs_of(call)}

    def _if_telling(self, call: LayerCall, home: Callable[[LayerCall], Hashable]) -> Hashable:
        """Return the signature of a layer with arguments, of which there may be one alone."""
        signature = self._signatures[call]
        return (signature, home(call)) if signature[1] and not call.layer.is_operation else id(call)

    def _place(self, call: LayerCall) -> Hashable:
        """Return the class of a call of the first graph, and what it is wired to."""
        inputs = [(key, self.source(source)) for key, source in call.inputs]
        consumers = self._consumers(call)
        if any(source is None for _, source in inputs) or not consumers or any(each[0] is None for each in consumers):  # type: ignore[index]
            return id(call)
        return (call.class_name, self._home(call), tuple(inputs), frozenset(_anonymous(consumers)))

    def _place_there(self, call: LayerCall) -> Hashable:
        consumers = frozenset(_anonymous(_consumers_of(call, self.second)))
        return (call.class_name, self._home(call), tuple(call.inputs), consumers)

    def _stated(self, call: LayerCall, name: str | None) -> Hashable:
        """Return the name of a call that is the spec's own; a layer of another class may have it."""
        return id(call) if name is None or call.is_named_by_number else (name, call.number)


def _anywhere(call: LayerCall) -> Hashable:
    """Return the same for all calls whose weights are worth following into another node."""
    entry = catalog.find("layers", call.layer.class_name)
    has_weights = entry is not None and any(name.endswith("_initializer") for name in entry.arguments)
    return None if has_weights or call.layer.declared else id(call)


_MAX_CANDIDATES = 20


def _consumers_of(call: LayerCall, calls: Calls) -> set[Hashable]:
    found: set[Hashable] = set(calls.consumers.get(call, []))
    return found | {("output", name) for name in calls.outputs_of(call)}


def _anonymous(consumers: set[Hashable]) -> Iterable[Hashable]:
    """Return the consumers with outputs without their names, since an output may be renamed."""
    return (("output", "") if isinstance(each, tuple) and each[0] == "output" else each for each in consumers)


def _by_key(calls: Iterable[LayerCall], key: Callable[[LayerCall], Hashable]) -> dict[Hashable, list[LayerCall]]:
    found: dict[Hashable, list[LayerCall]] = {}
    for call in calls:
        found.setdefault(key(call), []).append(call)
    return found


def _match_inputs(first: Calls, second: Calls) -> dict[str, str]:
    """Return the inputs that belong together: by name, then by shape and dtype where these are unique."""
    ours, theirs = first.graph.inputs, second.graph.inputs
    pairs = {name: name for name in ours if name in theirs}
    left = [each for name, each in ours.items() if name not in pairs]
    free = [each for name, each in theirs.items() if name not in pairs]
    for key in (_facts, _takers):
        for each in left:
            alike = [other for other in free if key(other, second) == key(each, first)]
            same = [other for other in left if key(other, first) == key(each, first)]
            if each.name not in pairs and len(alike) == 1 and len(same) == 1:
                pairs[each.name] = alike[0].name
                free.remove(alike[0])
    return pairs


def _facts(each: Input, calls: Calls) -> Hashable:
    return (each.shape, each.dtype, each.sparse, each.batch_size, each.optional)


def _takers(each: Input, calls: Calls) -> Hashable:
    return frozenset((call.name, call.class_name, key) for call, key, _ in calls.consumers.get(each.name, []))
