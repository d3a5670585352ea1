"""Lower `merge`: each of its words denotes a merging layer of Keras."""

from __future__ import annotations

from graphspec import catalog
from graphspec.catalog.refused import RETIRED_MERGES
from graphspec.diagnostics import Report
from graphspec.diagnostics.rules import MERGE_OPERANDS, UNKNOWN_MERGE
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.document.tree import Located, Mapping
from graphspec.language.feed import Feed
from graphspec.language.graph import KerasLayer
from graphspec.language.lower.objects import make_object, split_form
from graphspec.language.lower.references import operand_labels

MERGES: dict[str, tuple[str, dict[str, object]]] = {
    "sum": ("Add", {}),
    "sub": ("Subtract", {}),
    "mul": ("Multiply", {}),
    "ave": ("Average", {}),
    "max": ("Maximum", {}),
    "min": ("Minimum", {}),
    "concat": ("Concatenate", {}),
    "dot": ("Dot", {}),
    "cos": ("Dot", {"axes": -1, "normalize": True}),
}
"""The layer of each word of the language, and the arguments that the word implies."""


def read_merge(written: Located, feed: Feed | None, report: Report) -> tuple[str, KerasLayer] | None:
    """Return the word and a new layer for it, None after diagnostics."""
    form = split_form("layers", written, report)
    if form is None:
        return None
    word, arguments = form
    if word.value not in MERGES:
        _unknown(word, report)
        return None
    name, implied = MERGES[word.value]
    if word.value == "dot" and arguments.value is None:
        implied = {"axes": -1}
    layer = make_object("layers", Located(name, word.span), _with(arguments, implied), report)
    if feed is not None and (not feed.is_list or len(feed) < 2 or (name in _PAIRS and len(feed) != 2)):
        count = "exactly two" if name in _PAIRS else "two or more"
        report.add(
            MERGE_OPERANDS,
            f"`merge: {word.value}` gets {_count(feed)}",
            word.span,
            expected=f"a `from` with a list of {count} tensors",
            help="write `from: [a, b]`, or leave `merge` out",
            labels=operand_labels(feed),
        )
        return None
    return (word.value, KerasLayer(object=layer, span=word.span)) if layer is not None else None


_PAIRS = ("Subtract", "Dot")


def _count(feed: Feed) -> str:
    if feed.by_name is not None:
        return "tensors by keyword"
    return "one tensor" if len(feed) == 1 else f"{len(feed)} tensors"


def _with(arguments: Located, implied: dict[str, object]) -> Located:
    """Return the arguments of the spec, completed by those that the word implies."""
    if not implied or (arguments.value is not None and not isinstance(arguments.value, Mapping)):
        return arguments
    merged = Mapping(arguments.span)
    for key, value in implied.items():
        merged.put(key, value, arguments.span, arguments.span)
    if isinstance(arguments.value, Mapping):
        for name, item in arguments.value.entries():
            merged.put(name.value, item.value, name.span, item.span)
    return Located(merged, arguments.span)


def _unknown(word: Located, report: Report) -> None:
    layer = next((merge for merge, (name, _) in MERGES.items() if name.lower() == word.value.lower()), None)
    if word.value in RETIRED_MERGES:
        help = RETIRED_MERGES[word.value]
    elif layer is not None:
        help = f"write `merge: {layer}`"
    elif catalog.find("layers", word.value) is not None:
        help = f"`{word.value}` is a layer: write it under `apply`"
    else:
        help = did_you_mean(word.value, MERGES)
    report.add(
        UNKNOWN_MERGE, f"there is no merge `{word.value}`", word.span, expected=f"one of {one_of(MERGES)}", help=help
    )
