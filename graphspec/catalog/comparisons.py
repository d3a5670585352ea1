"""The shapes of targets that each loss and metric takes, by the shape of the output: `comparisons.json`.

`scripts/make_comparisons.py` measures it. All shapes are those of one sample. The form of a target is one letter:

    =  the shape of the output    -  without its last axis    1  with a last axis of one    s  a list of another length
"""

from __future__ import annotations

from graphspec.catalog.versions import read_generated

Shape = tuple[int | None, ...]
LOWEST_UNKNOWN = 5
"""The number of dimensions of a sample from which on nothing was measured."""


def row_of(output: Shape) -> str:
    """Return the row of an output: its number of dimensions, and whether the last one is 1."""
    return f"{len(output)}" + ((".1" if output[-1] == 1 else ".n") if output else "")


def form_of(target: Shape, output: Shape) -> str:
    """Return the form of a target, `=` if it has several; empty if it has none."""
    if target == output:
        return "="
    if output and target == output[:-1]:
        return "-"
    if output and target == (*output[:-1], 1):
        return "1"
    return "s" if len(target) == 1 else ""


def shape_of(form: str, output: Shape) -> Shape | None:
    """Return the shape of a target of that form; None for `s`."""
    if form == "s":
        return None
    return output if form == "=" else output[:-1] if form == "-" else (*output[:-1], 1)


def ranks_taken(kind: str, name: str) -> list[int]:
    """Return the numbers of dimensions of outputs that the loss or metric `name` takes."""
    rows: dict[str, str] = read_generated("comparisons.json")["kinds"].get(kind, {}).get(name, {})
    return sorted({int(row[0]) for row, forms in rows.items() if forms})


def forms_taken(kind: str, name: str, output: Shape) -> str | None:
    """Return the forms of targets that the loss or metric `name` takes for an output; None if not known.

    A loss treats samples of more dimensions than were measured like those of the most dimensions.
    """
    if kind == "losses" and len(output) >= LOWEST_UNKNOWN:
        output = output[1 - LOWEST_UNKNOWN :]
    if output and output[-1] is None:
        forms = {forms_taken(kind, name, (*output[:-1], size)) for size in (1, 2)}
        return "" if forms == {""} else None
    if len(output) >= LOWEST_UNKNOWN:
        return None
    found: str | None = read_generated("comparisons.json")["kinds"].get(kind, {}).get(name, {}).get(row_of(output))
    return found
