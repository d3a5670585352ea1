"""Masks that are lost before a layer that would have used them: warnings of the walk over a graph.

The walk passes every step to a `Watch`. A dropped mask is reported at the end, when the steps behind it are known: it
matters where a layer downstream takes a mask, and where no layer has used any. Steps are followed downstream as long as
their outputs are sequences.

A mask is lost in three ways:

- a layer, an operation or a merge does not propagate it;
- `MultiHeadAttention` removes the masks from its query, value and key when it runs. Keras' symbolic tensors keep them,
  and layers with one input use those; another attention, which reads them from the tensors themselves, finds none;
- a recurrent layer with an initial state ignores the mask of its sequence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from graphspec import catalog
from graphspec.diagnostics import Diagnostic, Label
from graphspec.diagnostics.rules import DROPPED_MASK
from graphspec.language.graph import Graph, KerasLayer, NestedModel, Node, ObjectLayer, Step
from graphspec.shapes.masks import is_masked
from graphspec.shapes.tensor import Tensor, Value, tensors

REMOVES_MASKS = "MultiHeadAttention"

Calls = dict[int, dict[str, list[Value]]]
"""Graph by id → node → the output of each step."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A step of the walk: the step `number` of `node` in `graph`."""

    graph: Graph
    node: Node
    number: int

    @property
    def step(self) -> Step:
        return self.node.steps[self.number]


@dataclass(frozen=True)
class _Drop:
    """A mask lost at the innermost of the frames. wants: whether a step would have used it."""

    frames: tuple[Frame, ...]
    message: str
    wants: Callable[[Step], bool]
    is_certain: bool = False


@dataclass
class Watch:
    """The masks seen on a walk. taken: tensors by id whose masks an attention has removed, and where."""

    frames: list[Frame] = field(default_factory=list)
    drops: list[_Drop] = field(default_factory=list)
    taken: dict[int, tuple[Tensor, Frame]] = field(default_factory=dict)
    is_used: bool = False

    def see(self, value: Value, keywords: dict[str, Any], result: Value) -> None:
        """Record the innermost step: its operands and its output."""
        if not is_masked([value, list(keywords.values())]):
            return
        frame = self.frames[-1]
        layer, name = frame.step.layer, frame.step.layer.label
        if not isinstance(layer, ObjectLayer):
            return
        explicit = any(each.endswith("mask") for each in keywords)
        if uses_mask(frame.step):
            self._see_use(frame, value, keywords, explicit=explicit)
        elif not is_masked(result) and any(isinstance(each, Tensor) for each in tensors(result)):
            self._drop(f"`{name}` in `{frame.node.label}` drops its mask", uses_mask)
        elif self._is_taken(frame, value):
            message = f"`{name}` in `{frame.node.label}` has no mask when it runs: `{REMOVES_MASKS}` removes it"
            self._drop(message, _is_attention)

    def _see_use(self, frame: Frame, value: Value, keywords: dict[str, Any], *, explicit: bool) -> None:
        name = frame.step.layer.label
        if "initial_state" in keywords and not explicit and any(True for _ in tensors(keywords["initial_state"])):
            message = f"`{name}` in `{frame.node.label}` has an initial state, with which Keras ignores the mask"
            self._drop(f"{message} of its sequence", uses_mask, is_certain=True)
            return
        if _is_attention(frame.step) and not explicit and self._is_taken(frame, [value, list(keywords.values())]):
            message = f"`{name}` in `{frame.node.label}` finds no mask when it runs"
            self._drop(f"{message}: the `{REMOVES_MASKS}` before it removes it", _is_attention, is_certain=True)
        self.is_used = True
        if frame.step.layer.type_name == REMOVES_MASKS:
            for each in tensors([value, list(keywords.values())]):
                if isinstance(each, Tensor) and each.mask is not None:
                    self.taken.setdefault(id(each), (each, frame))

    def _drop(self, message: str, wants: Callable[[Step], bool], *, is_certain: bool = False) -> None:
        self.drops.append(_Drop(tuple(self.frames), message, wants, is_certain))

    def _is_taken(self, frame: Frame, value: object) -> bool:
        """Return whether an attention that runs before has removed the mask of one of the tensors."""
        takers = [self.taken[id(each)][1] for each in tensors(value) if id(each) in self.taken]
        return any(
            taker.graph is frame.graph and any(after.node is frame.node for after in _downstream(taker))
            for taker in takers
        )

    def findings(self, calls: Calls) -> Iterator[Diagnostic]:
        """Yield the warnings, after the whole walk."""
        reported: set[int] = set()
        for drop in self.drops:
            frame = drop.frames[-1]
            user = None if drop.is_certain else _user(drop, calls)
            if id(frame.step) in reported or not (drop.is_certain or user is not None or not self.is_used):
                continue
            reported.add(id(frame.step))
            end = ", so layers after it see the padding" if user is not None else ""
            end = end or (", so it sees the padding" if drop.is_certain else ", and no layer uses it")
            yield Diagnostic(
                DROPPED_MASK,
                drop.message + end,
                frame.step.span,
                expected="a mask by `call`" if drop.is_certain else "a layer that propagates the mask",
                help=_help(drop, user),
                labels=(Label(user.span, f"`{user.layer.label}` would have used it"),) if user is not None else (),
            )


_EXAMPLE = "`m: {from: {x1: words}, apply: {ops.not_equal: {x2: 0}}}`"
"""An example of a mask for indices of words."""


def _help(drop: _Drop, user: Step | None) -> str:
    if drop.wants is _is_attention:
        return f"compute the mask, {_EXAMPLE}, and pass it to the attention: `call: {{query_mask: m, value_mask: m}}`"
    if drop.is_certain:
        return f"compute the mask, {_EXAMPLE}, and pass it beside the state: `call: {{mask: m}}`"
    if user is None:
        return "remove the mask if the padding is meant to be read, or use a layer that skips it"
    return "pass the mask with `call: {mask: ...}`, or mask after this step"


def uses_mask(step: Step) -> bool:
    """Return whether the step uses the masks of its operands."""
    return _takes(step, ("mask", "query_mask")) and step.layer.type_name != "TimeDistributed"


def _is_attention(step: Step) -> bool:
    """Return whether the step is an attention that reads masks from the tensors themselves."""
    return _takes(step, ("query_mask",)) and not any(name.endswith("mask") for name in step.call)


def _takes(step: Step, arguments: tuple[str, ...]) -> bool:
    layer = step.layer
    entry = catalog.find("layers", layer.class_name) if isinstance(layer, KerasLayer) else None
    return entry is not None and any(argument in entry.call for argument in arguments)


def _followers(graph: Graph) -> dict[str, list[Node]]:
    """Return the nodes that have each tensor as an operand."""
    followers: dict[str, list[Node]] = {}
    for node in graph.nodes.values():
        for name in {reference.name for reference in node.references()}:
            followers.setdefault(name, []).append(node)
    return followers


def _downstream(frame: Frame, keeps: Callable[[Node, int], bool] = lambda node, number: True) -> Iterator[Frame]:
    """Yield every step downstream of `frame` in its graph, as long as steps `keep` the sequence."""
    if not keeps(frame.node, frame.number):
        return
    followers = _followers(frame.graph)
    reached = {frame.node.name}
    waiting = deque([(frame.node, frame.number + 1)])
    while waiting:
        node, first = waiting.popleft()
        goes_on = True
        for number in range(first, len(node.steps)):
            yield Frame(frame.graph, node, number)
            goes_on = keeps(node, number)
            if not goes_on:
                break
        if not goes_on:
            continue
        for other in followers.get(node.name, ()):
            if other.name not in reached:
                reached.add(other.name)
                waiting.append((other, 0))


def _user(drop: _Drop, calls: Calls) -> Step | None:
    """Return the first step after the drop that would have used the mask, in its graph or around it."""
    for frame in reversed(drop.frames):

        def keeps(node: Node, number: int, graph: Graph = frame.graph) -> bool:
            outputs = calls.get(id(graph), {}).get(node.name, [])
            return number < len(outputs) and any(
                isinstance(each, Tensor) and each.rank > 2 for each in tensors(outputs[number])
            )

        reached = list(_downstream(frame, keeps))
        for each in reached:
            user = next((step for step in _inside(each.step) if drop.wants(step) and not _has_mask(step)), None)
            if user is not None:
                return user
        nodes = {frame.node.name, *(each.node.name for each in reached)}
        if not nodes & set(frame.graph.outputs):
            return None
    return None


def _has_mask(step: Step) -> bool:
    """Return whether the step has a mask under `call`."""
    return any(name.endswith("mask") for name in step.call)


def _inside(step: Step) -> Iterator[Step]:
    """Yield the step, and those of the model that it applies, of each model once."""
    waiting, seen = [step], set[int]()
    while waiting:
        each = waiting.pop()
        yield each
        if isinstance(each.layer, NestedModel) and id(each.layer.graph) not in seen:
            seen.add(id(each.layer.graph))
            waiting += [inner for node in each.layer.graph.nodes.values() for inner in node.steps][::-1]
