"""The facts about each box that the page shows: arguments, shapes, parameters, and lines of the spec."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from graphspec import catalog
from graphspec.diagnostics import Diagnostic, SourceText, Span
from graphspec.diagnostics.escapes import escaped_lines
from graphspec.drawing.diagram import Box, Diagram, Line, describe
from graphspec.drawing.faces import parameters_of
from graphspec.language.feed import Reference
from graphspec.language.graph import ExternalModel, Graph, Layer, NestedModel
from graphspec.language.objects import Object
from graphspec.shapes import Shapes
from graphspec.shapes.parameters import count_parameters

_MAX_TEXT = 400
_MAX_LINES = 40
"""The maximum number of lines of one place in the spec that are shown."""

Place = tuple[int, int, int]
"""The number of a source, the first line and the last."""


class Details:
    """The facts about the boxes of diagrams, with the lines of the spec that they name.

    Attributes:
        sources: The name and the lines of each source that is shown.
    """

    def __init__(self, graph: Graph, diagrams: Sequence[Diagram], shapes: Shapes) -> None:
        self.diagrams, self.shapes = diagrams, shapes
        self.inputs = {name: each for body in (graph, *graph.models()) for name, each in body.inputs.items()}
        self.graphs = [graph, *graph.models()]
        self.sources: list[dict[str, Any]] = []
        self.numbers: dict[int, int] = {}
        self.texts: list[SourceText] = []
        calls = Counter(line.layer for each in diagrams for box in each.every_box() for line in box.lines)
        several = (layer for layer, count in calls.items() if count > 1 and layer is not None)
        self.shared = {layer: number for number, layer in enumerate(each for each in several if not each.is_operation)}

    def of(self, box: Box, diagram: int) -> dict[str, Any]:
        """Return the facts about a box of the diagram with this number."""
        found: dict[str, Any] = {"kind": _kind(box), "places": []}
        if box.kind == "input":
            each = self.graphs[diagram].inputs.get(box.key)
            if each is not None:
                found["arguments"] = [["shape", _text(list(each.shape))], ["dtype", each.dtype]]
                more = {"batch_size": each.batch_size, "sparse": each.sparse, "optional": each.optional}
                found["arguments"] += [[name, _text(value)] for name, value in more.items() if value]
                found["places"] = self.places([each.span])
            return found
        count = parameters_of(box, self.diagrams, self.shapes)
        found["parameters"] = "unknown" if count is None else f"{count:,}"
        if box.is_group:
            use = next((node.expansions for line in box.calls() if (node := line.node) is not None), ())
            found["places"] = self.places([each.span for each in use if each.name == box.key.removeprefix("b:")])
        else:
            found["layers"] = [self.call(line) for line in box.lines if line.step is not None]
        spans = [line.node.span for line in box.calls() if line.node is not None][:1]
        spans += [span for line in box.lines for span in _spans(line)]
        found["places"] = self.places([*_outermost(spans), *spans]) if not found["places"] else found["places"]
        if box.model is not None:
            found["layers"] = [self.call(line) for line in box.lines]
        return found

    def call(self, line: Line) -> dict[str, Any]:
        """Return the facts about one call of a layer."""
        layer, step = line.layer, line.step
        assert layer is not None
        assert step is not None
        entry = catalog.find("ops" if layer.is_operation else "layers", layer.class_name)
        count = 0 if layer.is_operation else count_parameters(layer, self.shapes)
        found: dict[str, Any] = {
            "text": escaped_lines(describe(layer)),
            "name": escaped_lines(layer.name),
            "about": entry.doc if entry is not None else "",
            "shape": line.shape,
            "parameters": "unknown" if count is None else f"{count:,}",
            "arguments": [[escaped_lines(name or "(first)"), _text(value)] for name, value in layer.arguments.items()],
            "call": [[escaped_lines(name), _text(value)] for name, value in step.call.items()],
        }
        if isinstance(layer, ExternalModel):
            found["arguments"].insert(0, ["source", escaped_lines(layer.source)])
        if layer in self.shared:
            found["shared"] = self.shared[layer]
        if not layer.trainable:
            found["frozen"] = True
        if layer.declared and not isinstance(layer, NestedModel):
            found["places"] = self.places([layer.span])
        return found

    def places(self, spans: Iterable[Span | None]) -> list[Place]:
        """Return the places of spans, each range of lines once, and remember their lines."""
        ranges: dict[tuple[int, int, int], None] = {}
        for span in spans:
            if span is not None and span.source.is_shown and span.line > 0:
                ranges[self.source(span), span.line, max(span.line, span.end_line)] = None
        merged: list[list[int]] = []
        for source, first, last in sorted(ranges):
            if merged and merged[-1][0] == source and first <= merged[-1][2] + 1:
                merged[-1][2] = max(merged[-1][2], last)
            else:
                merged.append([source, first, last])
        for source, first, last in merged:
            lines = self.sources[source]["lines"]
            for number in range(first, min(last, first + _MAX_LINES) + 1):
                lines[number] = escaped_lines(self.texts[source].line(number)[:_MAX_TEXT])
        return [(source, first, last) for source, first, last in merged]

    def source(self, span: Span) -> int:
        number = self.numbers.setdefault(id(span.source), len(self.texts))
        if number == len(self.texts):
            self.texts.append(span.source)
            self.sources.append({"name": escaped_lines(span.source.name), "lines": {}})
        return number


def finding_facts(found: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic as the page shows it, with the lines that it is about."""
    facts: dict[str, Any] = {
        "rule": f"{found.rule.code} {found.rule.name}",
        "severity": found.rule.severity.value,
        "message": escaped_lines(found.message),
        "help": escaped_lines(found.help),
        "expected": escaped_lines(found.expected),
    }
    span = found.span
    if span is not None and span.line > 0:
        last = min(max(span.line, span.end_line), span.line + _MAX_LINES)
        numbers = range(span.line, last + 1) if span.source.is_shown else ()
        lines = {number: escaped_lines(span.source.line(number)[:_MAX_TEXT]) for number in numbers}
        facts["place"] = {"name": escaped_lines(span.source.name), "first": span.line, "last": last, "lines": lines}
    return facts


def _kind(box: Box) -> str:
    if box.kind == "output" and box.is_group:
        return "output, in parts"
    return {"node": "node in parts" if box.boxes else "node", "block": "use of a block", "model": "use of a model"}.get(
        box.kind, box.kind
    )


def _spans(line: Line) -> Iterator[Span]:
    """Yield the places of a call: its step, and the arguments that the step writes."""
    if line.step is not None:
        yield line.step.span
        layer = line.layer
        written: Object | None = getattr(layer, "object", None)
        if line.step.fresh and written is not None:
            yield from (span for span in written.spans.values() if span.source is line.step.span.source)


def _outermost(spans: Sequence[Span]) -> list[Span]:
    """Return the steps that use the blocks around these places."""
    found: dict[tuple[int, int, int], Span] = {}
    for span in spans[:1]:
        via = span.via
        while via is not None:
            found[id(via.source), via.line, via.column] = via
            via = via.via
    return list(found.values())


def _text(value: Any) -> str:
    """Return an argument as a spec writes it, on one line."""
    text = escaped_lines(_flow(value))
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"


def _flow(value: Any) -> str:
    if isinstance(value, Object):
        return value.name if not value.arguments else f"{{{value.name}: {_flow(value.arguments)}}}"
    if isinstance(value, Layer):
        inner = {} if value.declared else value.arguments
        return value.label if not inner else f"{{{value.label}: {_flow(inner)}}}"
    if isinstance(value, Reference):
        return str(value).partition("@")[0]
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name or '(first)'}: {_flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        items = ", ".join(_flow(each) for each in value[:20])
        return f"[{items}{f', … {len(value) - 20} more' if len(value) > 20 else ''}]"
    if isinstance(value, str):
        return value[: _MAX_TEXT + 1]
    return json.dumps(value, default=str)
