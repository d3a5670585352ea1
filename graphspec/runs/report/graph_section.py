"""The section of the graph: drawings of the spec's graph and of each nested model."""

from __future__ import annotations

from graphspec.drawing import Diagram, Drawings, svg_element
from graphspec.drawing.markup import Markup, tag
from graphspec.spec import Spec


def graph_section(spec: Spec) -> Markup:
    """Return drawings of the graph of a spec and of its nested models."""
    drawings = Drawings.of(spec.graph, spec.model.precision)
    main, *models = drawings.diagrams
    folded = [
        tag(
            "details", tag("summary", "model ", tag("code", each.name), f", {_count(each)}"), _drawing(drawings, number)
        )
        for number, each in enumerate(models, start=1)
    ]
    return Markup(tag("p", f"{_count(main)}, by the names of the spec.", class_="quiet") + _drawing(drawings, 0)
                  + "".join(folded))  # fmt: skip


def _drawing(drawings: Drawings, number: int) -> Markup:
    colours = drawings.colours
    marks = [
        tag("span", tag("span", mark, class_=f"badge badge-{colours[mark]}"), shared)
        for mark, shared in drawings.diagrams[number].shared.items()
    ]
    legend = tag("div", marks, class_="legend") if marks else Markup()
    return Markup(legend + tag("div", Markup(svg_element(drawings.draw(number))), class_="drawing"))


def _count(diagram: Diagram) -> str:
    inputs, outputs = (sum(box.kind == kind for box in diagram.boxes) for kind in ("input", "output"))
    nodes = len(diagram.boxes) - inputs - outputs
    return ", ".join(
        f"{count} {noun}{'s' if count != 1 else ''}"
        for count, noun in ((inputs, "input"), (nodes, "node"), (outputs, "output"))
        if count
    )
