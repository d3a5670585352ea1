"""The inputs of two graphs → those that differ."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.differences.difference import Change, NodeChange, Size
from graphspec.language.graph import Input

_INPUT_FACTS = ("shape", "dtype", "sparse", "batch_size", "optional")


def compare_inputs(
    ours: dict[str, Input], theirs: dict[str, Input], pairs: dict[str, str], model: str
) -> Iterator[NodeChange]:
    """Yield the inputs that differ.

    Args:
        ours: The inputs of a graph.
        theirs: Those of the other graph.
        pairs: The names that belong together: first → second.
        model: The path of the models around the second graph.
    """
    came_from = {other: name for name, other in pairs.items()}
    for name, each in theirs.items():
        was = came_from.get(name)
        if was is None:
            yield NodeChange(
                status="added",
                part="inputs",
                name=name,
                model=model,
                after=Size([each.batch_size, *each.shape]),
            )
            continue
        changes = tuple(
            Change("argument", fact, _plain(getattr(ours[was], fact)), _plain(getattr(each, fact)))
            for fact in _INPUT_FACTS
            if getattr(ours[was], fact) != getattr(each, fact)
        )
        if changes or was != name:
            yield NodeChange(
                status="changed",
                part="inputs",
                name=name,
                was=was if was != name else "",
                model=model,
                changes=changes,
            )
    for name, each in ours.items():
        if name not in pairs:
            yield NodeChange(
                status="removed",
                part="inputs",
                name=name,
                model=model,
                before=Size([each.batch_size, *each.shape]),
            )


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
