"""The canonical order of keys.

Only mappings whose keys the language defines are sorted; names that a spec chooses and arguments of layers keep their
order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import is_

from graphspec.editor.formatting.nodes import Alias, Collection, Item, Node
from graphspec.language.schema.model import ORIGINS


@dataclass(frozen=True)
class Form:
    """A mapping with fixed keys.

    Attributes:
        keys: The keys in their order; other keys come last.
        named: The form of each value in the mapping of names under a key.
        whole: The form of the value, or of each item of the list, under a key.
        others_first: Other keys come first.
    """

    keys: tuple[str, ...]
    named: dict[str, str] = field(default_factory=dict)
    whole: dict[str, str] = field(default_factory=dict)
    others_first: bool = False


_NODE = ("each", "when", "constant", "dtype", "weight", "from", "merge", "apply", "otherwise")
_DECLARED = {"models": "model", "blocks": "block", "inputs": "input", "graph": "node", "outputs": "output"}
_SPLIT = ("inputs", "outputs", "sample_weights")
_SOURCES = dict.fromkeys(_SPLIT, "source")

FORMS: dict[str, Form] = {
    "spec": Form(
        (
            *("graphspec", "name", "description", "include", "plugins", "vars"),
            *("layers", "models", "blocks", "inputs", "graph", "outputs", "losses"),
            *("weights", "training", "search", "data"),
        ),
        named=_DECLARED | {"losses": "loss"},
        whole={"plugins": "plugin", "training": "training", "search": "search", "data": "data"},
    ),
    "model": Form(
        (
            *("layers", "models", "blocks", "inputs", "graph", "outputs"),
            *("weights", "trainable"),
        ),
        named=_DECLARED,
    ),
    "elsewhere": Form(ORIGINS),
    "block": Form(
        ("params", "inputs", "layers", "graph", "output", "outputs"),
        named={"graph": "node", "outputs": "node"},
        whole={"output": "node"},
    ),
    "plugin": Form(("module", "folder")),
    "input": Form(("shape", "dtype", "sparse", "batch_size", "optional")),
    "node": Form(_NODE, whole={"apply": "step", "otherwise": "node", "weight": "weight"}),
    "weight": Form(("shape", "initializer", "regularizer", "constraint", "dtype", "trainable")),
    "output": Form(
        (*_NODE, "loss", "loss_weight", "metrics", "weighted_metrics", "class_weight"),
        whole={"apply": "step", "otherwise": "node", "weight": "weight"},
    ),
    "loss": Form(
        ("when", "from", "merge", "apply", "otherwise", "weight"), whole={"apply": "step", "otherwise": "node"}
    ),
    "step": Form(("call", "repeat", "when"), others_first=True),
    "training": Form(
        (
            *("optimizer", "epochs", "batch_size", "drop_remainder", "seed", "callbacks"),
            *("steps_per_epoch", "validation_freq"),
            *(
                "initial_weights",
                "freeze",
                "lora",
                "learning_rate_multipliers",
                "stages",
                "precision",
                "jit_compile",
                "steps_per_execution",
                "checkpoint",
            ),
            *("distribute", "deterministic", "log"),
        ),
        whole={"checkpoint": "checkpoint", "lora": "lora", "stages": "stage"},
    ),
    "lora": Form(("rank", "alpha", "layers")),
    "stage": Form(("name", "epochs", "learning_rate", "freeze", "unfreeze")),
    "checkpoint": Form(("every", "keep", "monitor")),
    "search": Form(("parameters", "monitor", "trials", "timeout", "sampler", "pruner"), named={"parameters": "range"}),
    "range": Form(("float", "int"), whole=dict.fromkeys(("float", "int"), "bounds")),
    "bounds": Form(("low", "high", "step", "log")),
    "data": Form(("train", "validation", "test"), whole=dict.fromkeys(("train", "validation", "test"), "split")),
    "split": Form(("split", "file", *_SPLIT), named=_SOURCES),
    "source": Form(
        (
            *("file", "files", "key", "column", "columns", "feature", "decode", "size", "channels"),
            *("interpolation", "on_error", "one_hot", "vocabulary", "scale", "cast", "pad", "window"),
        )
    ),
}

_OF_THE_FILE = ("graphspec", "name", "description", "include")
"""The keys above which a comment is about the whole file."""
_MODELINES = ("# yaml-language-server:", "#yaml-language-server:")


def put_in_order(root: Collection) -> None:
    """Sort the keys of a spec with their comments, but keep the comments at the head of the file."""
    if not root.items:
        return
    first = root.items[0]
    stays = _sorted(root, FORMS["spec"])[0] is first
    end = len(first.above) if stays or first.name in _OF_THE_FILE or first.blank_before else _last_paragraph(first)
    head, own = first.above[:end], first.above[end:]
    first.above = [comment for comment in own if not comment.text.startswith(_MODELINES)]
    _put(root, "spec")
    modelines = [comment for comment in head + own if comment.text.startswith(_MODELINES)]
    head = modelines + [comment for comment in head if comment not in modelines]
    if not stays and head:
        _separate(root.items[0], first.blank_before or bool(own))
    root.items[0].above[:0] = head


def _last_paragraph(item: Item) -> int:
    """Return the index of the first comment above `item` after the last empty line."""
    return max((number for number, comment in enumerate(item.above) if comment.blank_before), default=0)


def _separate(item: Item, apart: bool) -> None:
    """Set whether there is an empty line before the item and the comments above it."""
    (item.above[0] if item.above else item).blank_before = apart


def _is_separate(item: Item) -> bool:
    return (item.above[0] if item.above else item).blank_before


def _put(node: Node, name: str) -> None:
    if not isinstance(node, Collection):
        return
    if not node.is_mapping:
        for item in node.items:
            _put(item.value, name)
        return
    if name == "model" and any(item.name in ORIGINS for item in node.items):
        name = "elsewhere"
    form = FORMS[name]
    if len(node.items) > 1:
        _sort(node, form)
    for item in node.items:
        if item.name in form.whole:
            _put(item.value, form.whole[item.name])
        elif item.name in form.named and isinstance(item.value, Collection) and item.value.is_mapping:
            for each in item.value.items:
                _put(each.value, form.named[item.name])


def _sort(node: Collection, form: Form) -> None:
    ordered = _sorted(node, form)
    if ordered is node.items:
        return
    first, *others = node.items
    apart = any(map(_is_separate, others))  # sections stay apart when they move
    for item in others:
        if apart and isinstance(item.value, Collection) and item.value.is_block:
            _separate(item, True)
    if ordered[0] is not first:
        _separate(first, apart)
    node.items = ordered


def _sorted(node: Collection, form: Form) -> list[Item]:
    """Return the items in their order; the very list of the node where none moves."""
    rank = {key: number for number, key in enumerate(form.keys)}
    last = -1 if form.others_first else len(rank)
    ordered = sorted(node.items, key=lambda item: rank.get(item.name, last))
    return node.items if all(map(is_, ordered, node.items)) or not _may_move(node) else ordered


def _may_move(node: Collection) -> bool:
    """Return whether no alias can move before its anchor, or after another anchor of its name."""
    marked = [list(_marks(item.value)) + list(_marks(item.key)) for item in node.items]
    holding = [marks for marks in marked if marks]
    return len(holding) < 2 or not any("&" in marks for marks in holding)


def _marks(node: Node | None) -> Iterator[str]:
    """Yield `&` for each anchor and `*` for each alias in `node`."""
    if isinstance(node, Alias):
        yield "*"
    elif node is not None and node.anchor is not None:
        yield "&"
    if isinstance(node, Collection):
        for item in node.items:
            yield from _marks(item.key)
            yield from _marks(item.value)
