"""The lines that text and markdown both consist of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from graphspec.diagnostics import Report
from graphspec.diagnostics.escapes import escaped
from graphspec.diagnostics.shape_text import shape_text
from graphspec.differences.changed_specs import Since
from graphspec.differences.difference import (
    BlockChange,
    CarriedWeights,
    Change,
    Difference,
    LayerWeights,
    NodeChange,
    Size,
)
from graphspec.differences.texts import is_uniform, value_text
from graphspec.differences.values import EACH_DIMENSION, UNSET

ARROW = "→"
SIGNS = {"added": "+", "removed": "-", "changed": "~"}
NO_DIFFERENCE = "no semantic difference"

_MAX_NAMES = 4
_STEP = re.compile(r"^apply\[\d+\]\.")
_MAX_LAYERS = 6


def heading(difference: Difference) -> str:
    """Return the names of both specs, or the one that both have."""
    first, second = difference.first.source, difference.second.source
    return first if first == second else f"{first} {ARROW} {second}"


def title(change: NodeChange, names: Sequence[str] = ()) -> str:
    """Return the name of a node, or those of all nodes with the same change."""
    listed = some([f"{change.model}{name}" for name in names or [change.name]])
    return f"{change.model}{change.was} {ARROW} {listed}" if change.was else listed


def block_title(change: BlockChange) -> str:
    """Return the name of a block, with the number of its uses and the nodes that they are in."""
    name = f"{change.was} {ARROW} {change.block}" if change.was else change.block
    counts = Counter(change.nodes)
    nodes = some([f"{node} ×{times}" if times > 1 and len(counts) > 1 else node for node, times in counts.items()])
    uses = _count(len(change.nodes), "use")
    if change.status != "changed":
        values = [(each.path, each.after if change.status == "added" else each.before) for each in change.parameters]
        name += f"({', '.join(f'{key}: {value_text(value)}' for key, value in values)})" if values else ""
        uses += f" {change.status}"
    return f"block {name}: {uses}, in {nodes}"


def block_lines(change: BlockChange) -> Iterator[str]:
    """Yield the changed parameters of a block that is used in both specs."""
    if change.status == "changed":
        yield from map(change_line, change.parameters)


def node_lines(change: NodeChange) -> Iterator[str]:
    """Yield what differs in a node."""
    if change.status != "changed":
        yield from _whole_lines(change)
        return
    if change.was:
        yield "renamed"
    lines = [change_line(each) for each in change.changes]
    counts = Counter(re.sub(_STEP, "", line) for line in lines)
    for line, count in counts.items():
        if count > 1:
            yield f"{line} ({count} layers)"
        else:
            yield next(each for each in lines if re.sub(_STEP, "", each) == line)


def _whole_lines(change: NodeChange) -> Iterator[str]:
    size = change.after if change.after is not None else change.before
    shape = _shape(size.shape) if size is not None and size.shape is not None else ""
    if change.part == "inputs":
        yield shape
        return
    chain = f" {ARROW} ".join(_cut_layers(change.layers))
    count = f"{size.parameters:,} parameters" if size is not None and size.parameters else ""
    yield ", ".join(filter(None, (f"from {some(change.feed)}: {chain}" if change.feed else chain, shape, count)))
    if change.consumers and change.status == "added":
        yield f"taken by {some(change.consumers)}"


def _cut_layers(layers: Sequence[str]) -> list[str]:
    return list(layers) if len(layers) <= _MAX_LAYERS else [*layers[:2], f"… {len(layers) - 4} more", *layers[-2:]]


def change_line(change: Change) -> str:
    """Return one change of a node, a block or a setting."""
    before, after = _value_text(change.path, change.before), _value_text(change.path, change.after)
    if change.aspect == "layer":
        if change.before is UNSET:
            return f"+ {after}"
        return f"- {before}" if change.after is UNSET else f"{before} {ARROW} {after}"
    if change.aspect == "output":
        return "is an output now" if change.after else "is no output any more"
    label = {"from": "from", "name": "name in Keras", "shared": "uses"}.get(change.aspect, change.path)
    if change.before is UNSET and change.aspect in ("argument", "parameter"):
        return f"{label}: unset {ARROW} {after}"
    return f"{label}: {before} {ARROW} {after}"


def _value_text(path: str, value: object) -> str:
    """Return a value, and one size for all dimensions where they are the same."""
    if path.rpartition(".")[2] in EACH_DIMENSION and is_uniform(value):
        value = value[0]  # type: ignore[index]
    return value_text(value)


def setting_line(change: Change) -> str:
    """Return a changed value of training, data, search or plugins."""
    known = [value for value in (change.before, change.after) if value is not UNSET]
    if len(known) == 2:
        return change_line(change)
    return change.path if known[0] in ("used", "frozen", "stated") else f"{change.path}: {value_text(known[0])}"


def setting_sign(change: Change) -> str:
    """Return `+`, `-` or `~` for a setting."""
    return "+" if change.before is UNSET else "-" if change.after is UNSET else "~"


def size_line(change: NodeChange) -> str:
    """Return the shapes and the numbers of parameters of a changed node, where they differ."""
    before, after = change.before, change.after
    if change.status != "changed" or before is None or after is None:
        return ""
    parts = [_shapes(before, after), _parameters(before.parameters, after.parameters)]
    return ", ".join(filter(None, parts))


def _shapes(before: Size, after: Size) -> str:
    if before.shape == after.shape or before.shape is None or after.shape is None:
        return ""
    return f"{_shape(before.shape)} {ARROW} {_shape(after.shape)}"


def _parameters(before: int | None, after: int | None) -> str:
    if before == after or before is None or after is None:
        return ""
    return f"{before:,} {ARROW} {after:,} parameters"


def _shape(shape: object) -> str:
    return shape_text(_as_shape(shape))


def _as_shape(shape: object) -> object:
    if isinstance(shape, list) and all(size is None or isinstance(size, int) for size in shape):
        return tuple(shape)
    if isinstance(shape, list):
        return [_as_shape(each) for each in shape]
    if isinstance(shape, dict):
        return {name: _as_shape(each) for name, each in shape.items()}
    return shape


def alike(changes: Iterable[NodeChange]) -> list[tuple[NodeChange, list[str]]]:
    """Return the changes, with the names of all nodes that changed in the same way."""
    found: dict[object, tuple[NodeChange, list[str]]] = {}
    for number, each in enumerate(changes):
        is_common = each.status == "changed" and not each.was and each.part in ("graph", "outputs", "losses")
        values = [(one.aspect, one.path, repr(one.before), repr(one.after)) for one in each.changes]
        key: object = (each.part, each.model, tuple(values)) if is_common else number
        found.setdefault(key, (each, []))[1].append(each.name)
    return list(found.values())


def reshaped_line(difference: Difference) -> str:
    """Return the nodes whose shape alone differs."""
    names = [f"{each.model}{each.name}" for each in difference.reshaped if not each.use]
    inside = len(difference.reshaped) - len(names)
    more = f"{inside} in blocks" if inside else ""
    return f"other shapes in consequence: {', '.join(filter(None, (some(names), more)))}" if names or more else ""


def parameter_line(difference: Difference) -> str:
    """Return the number of parameters of both models."""
    before, after = difference.first.parameters, difference.second.parameters
    if before is None or after is None:
        return "parameters: known when the model is built"
    if before == after:
        return f"parameters: {after:,} in both"
    return f"parameters: {before:,} {ARROW} {after:,} ({after - before:+,})"


def weight_lines(weights: CarriedWeights) -> Iterator[str]:
    """Yield which weights carry over, and which do not and why."""
    carried, renamed = weights.carried, weights.renamed
    there = [*carried, *weights.reshaped, *weights.fresh]
    total, kept = sum(each.parameters for each in there), sum(each.parameters for each in carried)
    share = f", {kept:,} of {total:,} parameters" if total else ""
    yield f"weights that carry over: {len(carried)} of {_count(len(there) + len(weights.unknown), 'layer')}{share}"
    if renamed:
        yield f"under another name: {some([f'{each.was} {ARROW} {each.path}' for each in renamed])}"
    if weights.reshaped:
        yield f"not, of another shape: {some(list(map(_reshaped, weights.reshaped)))}"
    if weights.fresh:
        yield f"not, new: {some([each.path for each in weights.fresh])}"
    if weights.lost:
        yield f"left behind: {some([each.path for each in weights.lost])}"
    if weights.unknown:
        yield f"known when the model is built: {some([each.path for each in weights.unknown])}"


def _reshaped(each: LayerWeights) -> str:
    pairs = zip(each.before or (), each.after or (), strict=False)
    differing = next(((one, two) for one, two in pairs if one != two), None)
    if differing is None:
        return f"{each.path} ({len(each.before or ())} {ARROW} {len(each.after or ())} weights)"
    return f"{each.path} {list(differing[0])} {ARROW} {list(differing[1])}"


def since_line(since: Since) -> str:
    """Return how many specs have changed since a revision."""
    count = sum(1 for each in since.specs if each.status != "removed")
    if since.is_empty:
        return f"{NO_DIFFERENCE} in {_count(since.count, 'spec')} since {since.revision}"
    gone = len(since.specs) - count
    more = f", {gone} removed" if gone else ""
    return f"{count} of {_count(since.count, 'spec')} changed since {since.revision}{more}"


def fault_line(report: Report) -> str:
    """Return why a spec cannot be compared."""
    errors = report.errors
    first = f"{errors[0].rule.code} {escaped(errors[0].message)}"
    return f"cannot be compared: {_count(len(errors), 'error')}, such as {first}"


def some(names: Sequence[str], limit: int = _MAX_NAMES) -> str:
    """Return the first names, and how many follow."""
    names = list(names)
    if len(names) <= limit + 1:
        return ", ".join(names)
    return f"{', '.join(names[:limit])} and {len(names) - limit} more"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
