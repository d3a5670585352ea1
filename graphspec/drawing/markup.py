"""Safe HTML: `tag` escapes every text and attribute that is not markup already."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

from graphspec.diagnostics.escapes import escaped_lines

_VOID = ("meta", "br", "link", "input")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[Child] | None"
"""The content of an element: text, markup, or several of them; None is no content."""


def text(value: object) -> Markup:
    """Return `value` as escaped text, with invisible and bidirectional control characters made visible."""
    return Markup(escape(escaped_lines(value)))


def tag(name: str, /, *children: Child, **attributes: object) -> Markup:
    """Return an element.

    Args:
        name: The name of the element.
        children: Its content.
        attributes: A trailing `_` of a name is dropped, other `_` become `-`; attributes that are None are left out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(children)}</{name}>")


def joined(children: Iterable[Child]) -> Markup:
    """Join children: markup unchanged, text escaped."""
    parts: list[str] = []
    for child in children:
        if isinstance(child, Markup):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(text(child))
        elif child is not None:
            parts.append(joined(child))
    return Markup("".join(parts))


def table(heads: Iterable[Child] | None, rows: Iterable[Iterable[Child]], class_: str | None = None) -> Markup:
    """Return a table in a frame that scrolls sideways on a narrow page."""
    head = tag("thead", tag("tr", [tag("th", each, scope="col") for each in heads])) if heads is not None else None
    body = tag("tbody", [tag("tr", [tag("td", each) for each in row]) for row in rows])
    return tag("div", tag("table", head, body, class_=class_), class_="scroll")


def note(*children: Child, kind: str = "note") -> Markup:
    """Return a highlighted remark; `kind` is `note`, `warning` or `failure`."""
    return tag("p", *children, class_=f"callout {kind}")
