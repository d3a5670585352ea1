"""The whole page of a report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.resources import files

from graphspec import drawing
from graphspec.drawing.html_page import html_page, is_page_of
from graphspec.drawing.markup import Markup, tag
from graphspec.version import __version__

GENERATOR = "graphspec report"
"""The generator in the first lines of a page, which shows that it may be replaced."""

Section = tuple[str, Markup]


def page(title: str, head: Markup, sections: Sequence[Section]) -> str:
    """Return the page of `sections`, each a heading and its body, below `head`."""
    numbered = [(f"part-{number}", heading, body) for number, (heading, body) in enumerate(sections)]
    return html_page(
        title,
        head,
        tag(
            "main",
            tag("nav", [tag("a", heading, href=f"#{key}") for key, heading, _ in numbered]),
            [tag("section", tag("h2", heading), body, id=key) for key, heading, body in numbered],
        ),
        tag("footer", f"Made by graphspec {__version__} on {time.strftime('%Y-%m-%d at %H:%M')}."),
        generator=GENERATOR,
        style=drawing.STYLE + _part("page.css"),
        script=_part("page.js"),
    )


def is_page(first: bytes) -> bool:
    """Return whether a file that begins with `first` is a report of graphspec."""
    return is_page_of(first, GENERATOR)


def _part(name: str) -> str:
    return (files("graphspec.runs.report") / name).read_text(encoding="utf-8")
