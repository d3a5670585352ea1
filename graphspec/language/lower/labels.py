"""The other end of a name that is not there: where the one that is nearest to it is declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphspec.diagnostics import Label, Span
from graphspec.diagnostics.suggest import closest
from graphspec.language.graph import Feed, Reference


def declared_near(name: str, places: Mapping[str, Span]) -> list[Label]:
    """Where the name nearest to `name` is declared; nothing where none is near."""
    near = closest(name, places)
    return [Label(places[near], f"`{near}` is declared here")] if near is not None else []


def fed(feed: Feed | None) -> Iterator[Label]:
    """The tensors that come in, at the places that name them."""
    if isinstance(feed, Reference):
        yield Label(feed.span, f"it takes in `{feed}`")
    elif feed:
        for reference in feed.values() if isinstance(feed, dict) else feed:
            yield Label(reference.span, f"it takes in `{reference}`")
