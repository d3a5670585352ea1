"""The page of a graph, put together, and the facts that its script reads."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.escapes import escaped_lines
from graphspec.drawing.details import Details, finding_facts
from graphspec.drawing.diagram import Box, Diagram
from graphspec.drawing.drawings import Drawings
from graphspec.drawing.html_page import html_page, is_page_of
from graphspec.drawing.markup import Markup, tag
from graphspec.drawing.svg import STYLE, svg_element
from graphspec.shapes.parameters import count_parameters

GENERATOR = "graphspec plot"
"""The generator in the first lines of a page, which shows that it may be replaced."""

_SCRIPTS = ("layout.js", "view.js", "page.js", "events.js")

_BUTTONS = (
    ("fold-all", "fold", "fold all groups"),
    ("unfold-all", "unfold", "unfold all groups"),
    ("zoom-out", "−", "zoom out (-)"),
    ("zoom-in", "+", "zoom in (+)"),
    ("zoom-fit", "fit", "fit the whole graph (0)"),
)
_HELP = (
    "Drag or scroll to move, Ctrl and scroll to zoom. Click a box for its details, its sign or double-click to fold "
    "and unfold. Keys: Tab to the graph, arrows to walk, right and left to unfold and fold, Enter for details, Escape "
    "to close, + - 0 to zoom, / to search."
)

Facts = dict[str, Any]


def plot_page(
    drawings: Drawings,
    findings: Iterable[Diagnostic],
    depth: int | None,
    *,
    watch: bool = False,
    is_stale: bool = False,
) -> str:
    """Return the page of a graph.

    Args:
        drawings: The diagrams.
        findings: What is shown in place beside the graph.
        depth: The number of levels that are unfolded at first; None for as many as stay readable.
        watch: Whether the page asks its server for new drawings.
        is_stale: Whether the findings are of a later text, which cannot be drawn.
    """
    facts = plot_facts(drawings, findings, depth, watch=watch) | {"stale": is_stale}
    still = svg_element(drawings.draw(0, facts["unfolded"]))
    return html_page(
        facts["name"],
        tag(
            "header",
            tag("h1", facts["name"]),
            tag("p", facts["about"]),
            tag("p", id="watch") if watch else None,
            _tools(),
        ),
        tag(
            "main",
            tag("svg", id="stage", class_="graph", aria_describedby="keys"),
            tag("div", Markup(still), class_="still"),
            tag("details", id="findings", hidden="", open=""),
            tag("aside", id="details", hidden="", aria_label="details", tabindex="-1"),
        ),
        tag("p", _HELP, id="keys", class_="spoken"),
        tag("p", id="status", class_="spoken", role="status", aria_live="polite"),
        tag("script", Markup(as_json(facts)), type="application/json", id="data"),
        generator=GENERATOR,
        style=STYLE + _part("page.css"),
        script="".join(map(_part, _SCRIPTS)),
        connect=watch,
    )


def plot_facts(drawings: Drawings, findings: Iterable[Diagnostic], depth: int | None, *, watch: bool = False) -> Facts:
    """Return all that the script of a page reads: diagrams, details of boxes, and findings."""
    found = list(findings)
    details = Details(drawings.graph, drawings.diagrams, drawings.shapes)
    listed: list[Facts] = []
    diagrams = [
        _diagram(each, number, drawings, details, listed=listed) for number, each in enumerate(drawings.diagrams)
    ]
    _add_findings(listed, found, details)
    count = count_parameters(drawings.graph, drawings.shapes)
    return {
        "name": escaped_lines(drawings.graph.name),
        "about": "an unknown number of parameters" if count is None else f"{count:,} parameters",
        "diagrams": diagrams,
        "details": listed,
        "sources": details.sources,
        "marks": drawings.colours,
        "unfolded": sorted(drawings.unfolded(0, depth)),
        "findings": list(map(finding_facts, found)),
        "watch": watch,
    }


def as_json(facts: Facts) -> str:
    """Return facts as JSON that can stand in a page: no character of markup is in it."""
    text = json.dumps(facts, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def is_plot_page(first: bytes) -> bool:
    """Return whether a file that begins with `first` is a page of a graph."""
    return is_page_of(first, GENERATOR)


def _tools() -> Markup:
    return tag(
        "div",
        tag("input", id="search", type="search", placeholder="search  /", aria_label="search by name or layer"),
        tag("span", id="matches", aria_hidden="true"),
        tag("button", "next", id="next", type="button", title="next match (Enter)"),
        [tag("button", text, id=key, type="button", title=title, aria_label=title) for key, text, title in _BUTTONS],
        class_="tools",
        role="toolbar",
        aria_label="graph",
        title=_HELP,
    )


def _diagram(diagram: Diagram, number: int, drawings: Drawings, details: Details, *, listed: list[Facts]) -> Facts:
    def facts_of(box: Box) -> Facts:
        face = drawings.faces[id(box)]
        listed.append(details.of(box, number))
        return {
            "key": box.key,
            "kind": box.kind,
            "title": escaped_lines(face.title),
            "mark": face.mark,
            "count": face.count,
            "lines": [[escaped_lines(line.text), line.shape, line.mark] for line in face.lines],
            "skipped": face.skipped,
            "whole": escaped_lines(face.whole),
            "w": face.width,
            "h": face.height,
            "head": face.head,
            "details": len(listed) - 1,
            "model": box.model,
            "boxes": [facts_of(each) for each in box.boxes],
        }

    return {
        "name": escaped_lines(diagram.name),
        "boxes": [facts_of(box) for box in diagram.boxes],
        "arrows": [[each.start, each.end, each.text, each.output, each.input] for each in diagram.arrows],
        "inputs": diagram.inputs,
        "outputs": diagram.outputs,
    }


def _add_findings(listed: Iterable[Facts], found: Sequence[Diagnostic], details: Details) -> None:
    """Add to the details of each box the numbers of the diagnostics that lie in its places."""
    lines: dict[int, list[tuple[int, int]]] = {}
    for number, each in enumerate(found):
        if each.span is not None and (source := details.numbers.get(id(each.span.source))) is not None:
            lines.setdefault(source, []).append((each.span.line, number))
    for several in lines.values():
        several.sort()
    for facts in listed:
        within: set[int] = set()
        for source, first, last in facts["places"]:
            several = lines.get(source, [])
            within.update(
                number for _, number in several[bisect_left(several, (first, 0)) : bisect_left(several, (last + 1, 0))]
            )
        facts["findings"] = sorted(within)


def _part(name: str) -> str:
    return (files("graphspec.drawing.page") / name).read_text(encoding="utf-8")
