"""The whole page: one file that fetches nothing and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Sequence
from importlib.resources import files

from graphspec import drawing
from graphspec.runs.report.markup import Markup, tag
from graphspec.version import __version__

GENERATOR = "graphspec report"
"""The generator in the first lines of a page, which shows that it may be replaced."""

_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'"

Section = tuple[str, Markup]


def page(title: str, head: Markup, sections: Sequence[Section]) -> str:
    """Return the page of `sections`, each a heading and its body, below `head`."""
    style, script = drawing.STYLE + _part("page.css"), _part("page.js")
    policy = f"{_POLICY}; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    numbered = [(f"part-{number}", heading, body) for number, (heading, body) in enumerate(sections)]
    document = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", name="generator", content=GENERATOR),
            tag("meta", http_equiv="Content-Security-Policy", content=policy),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="referrer", content="no-referrer"),
            tag("title", f"{title} – graphspec"),
            tag("style", Markup(style)),
        ),
        "\n",
        tag(
            "body",
            head,
            tag(
                "main",
                tag("nav", [tag("a", heading, href=f"#{key}") for key, heading, _ in numbered]),
                [tag("section", tag("h2", heading), body, id=key) for key, heading, body in numbered],
            ),
            tag("footer", f"Made by graphspec {__version__} on {time.strftime('%Y-%m-%d at %H:%M')}."),
            tag("script", Markup(script)),
        ),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{document}\n"


def is_page(first: bytes) -> bool:
    """Return whether a file that begins with `first` is a page of graphspec."""
    return first.startswith(b"<!DOCTYPE html>") and f'content="{GENERATOR}"'.encode() in first


def _part(name: str) -> str:
    return (files("graphspec.runs.report") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
