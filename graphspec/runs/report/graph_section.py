"""The section of the graph: drawings of the spec's graph and of each nested model."""

from __future__ import annotations

from graphspec.drawing import Diagram, diagrams, draw
from graphspec.drawing.svg import COLOURS
from graphspec.runs.report.markup import Markup, tag
from graphspec.spec import Spec


def graph_section(spec: Spec) -> Markup:
    """Return drawings of the graph of a spec and of its nested models."""
    main, *models = diagrams(spec.graph, spec.model.precision)
    folded = [
        tag("details", tag("summary", "model ", tag("code", each.name), f", {_count(each)}"), _drawing(each))
        for each in models
    ]
    return Markup(tag("p", f"{_count(main)}, by the names of the spec.", class_="quiet") + _drawing(main)
                  + "".join(folded))  # fmt: skip


def _drawing(diagram: Diagram) -> Markup:
    marks = [
        tag("span", tag("span", mark, class_=f"badge badge-{number % COLOURS}"), chart)
        for number, (mark, chart) in enumerate(diagram.shared.items())
    ]
    legend = tag("div", marks, class_="legend") if marks else Markup()
    return Markup(legend + tag("div", Markup(draw(diagram)), class_="drawing"))


def _count(diagram: Diagram) -> str:
    inputs, outputs = (sum(box.kind == kind for box in diagram.boxes) for kind in ("input", "output"))
    nodes = len(diagram.boxes) - inputs - outputs
    return ", ".join(
        f"{count} {noun}{'s' if count != 1 else ''}"
        for count, noun in ((inputs, "input"), (nodes, "node"), (outputs, "output"))
        if count
    )
