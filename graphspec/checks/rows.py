"""Find where a tensor is computed from several rows of a batch, which devices do not have together."""

from __future__ import annotations

from graphspec import catalog
from graphspec.checks.batch_axis import PROBE
from graphspec.language.batchless import Kind, Kinds
from graphspec.language.graph import Graph, GraphLoss, Node, Step
from graphspec.shapes import Shapes, Tensor, infer
from graphspec.shapes.tensor import Value

_SHIFTING = ("ops.reshape", "ops.squeeze", "ops.transpose", "ops.swapaxes", "ops.moveaxis", "ops.broadcast_to")
"""Operations that move axes: rows stay rows where the first axis stays the batch."""
_MIXING = (
    *("ops.isin", "ops.tril", "ops.triu", "ops.flipud", "ops.rot90", "ops.searchsorted", "ops.slice_update"),
    *("ops.scatter", "ops.scatter_update", "ops.cholesky", "ops.cholesky_inverse", "ops.inv", "ops.solve"),
    *("ops.solve_triangular", "ops.batch_normalization", "ops.correlate", "ops.cross", "ops.cdist", "ops.dot"),
)
"""Operations without an axis that take rows together, and may give as many."""
_AXES = ("axis", "axes", "dim")


def mixing_step(loss: GraphLoss, graph: Graph) -> tuple[Node, Step] | None:
    """Return the first operation behind a loss that computes one row from others; None if each is by itself.

    The last `ops.mean` over one number a sample is no such operation: means of shares add up. Layers of Keras and
    models are taken to compute each row by itself. What comes from no input is the same for every row.
    """
    shapes, kinds = infer(graph, batch=PROBE), Kinds(graph)
    waiting, behind = [loss.node.name], set[str]()
    while waiting:
        name = waiting.pop()
        if name in graph.nodes and name not in behind:
            behind.add(name)
            waiting += [reference.name for reference in graph.nodes[name].references()]
    for node in graph.nodes.values():
        if node.name in behind:
            steps = node.steps[: len(node.steps) - loss.ending] if node is loss.node else node.steps
            for number, step in enumerate(steps):
                is_last = node is loss.node and number == len(steps) - 1
                if step.layer.is_operation and not (is_last and step.layer.class_name == "ops.mean"):
                    order = _order(node, number)
                    operands = [_operands(node, number, graph, shapes)[each] for each in order]
                    batched = [kinds.operands(node, number)[each] is Kind.BATCHED for each in order]
                    result = _result(node, number, graph, shapes)
                    if any(batched) and not _keeps_rows(step, operands, batched, result):
                        return node, step
    return None


def _result(node: Node, number: int, graph: Graph, shapes: Shapes) -> Value | None:
    results = shapes.calls.get(id(graph), {}).get(node.name, [])
    return results[number] if number < len(results) else None


def _operands(node: Node, number: int, graph: Graph, shapes: Shapes) -> list[Value | None]:
    """Return the tensors that a step takes, as far as they are known."""
    if number:
        taken = [_result(node, number - 1, graph, shapes)]
    else:
        taken = [shapes.of(graph, each.name) if not each.is_selection else None for each in node.feed.tensors]
    return [*taken, *(shapes.of(graph, each.name) for each in node.steps[number].references() if not each.is_selection)]


def _order(node: Node, number: int) -> list[int]:
    """Return the positions of the tensors that a step takes: those by keyword in the order of its arguments."""
    step, keywords = node.steps[number], node.feed.keywords if number == 0 else ()
    count = (len(node.feed) if number == 0 else 1) + sum(1 for _ in step.references())
    entry = catalog.find("ops", step.layer.class_name)
    places = {name: place for place, name in enumerate(entry.arguments if entry is not None else ())}
    return [*sorted(range(len(keywords)), key=lambda each: places.get(keywords[each], 0)), *range(len(keywords), count)]


def _keeps_rows(step: Step, operands: list[Value | None], batched: list[bool], result: Value | None) -> bool:
    """Return whether each row of the result depends on the same row of the operands alone.

    batched: whether each operand comes from an input; one that does not has no rows, and is the same for all.
    """
    name, arguments = step.layer.class_name, step.layer.arguments
    has_rows = _has_rows(result)
    if name == "ops.get_item":
        return has_rows and str(next(iter(arguments.values()), "")).strip().startswith((":", "..."))
    if name == "ops.einsum":
        return _keeps_letter(str(arguments.get("subscripts", "")), batched)
    if name == "ops.matmul":
        later = [each for each, has_batch in list(zip(operands, batched, strict=True))[1:] if has_batch]
        return has_rows and all(not isinstance(each, Tensor) or each.rank > 2 for each in later)
    if name in _SHIFTING:
        return has_rows
    entry = catalog.find("ops", name)
    defaults = entry.arguments if entry is not None else {}
    stated = [arguments.get(key, defaults[key]) for key in _AXES if key in defaults]
    if stated and not batched[0]:  # it takes from what is the same for all rows, as `ops.take` from a table
        return has_rows
    if stated:
        axes = stated[0] if isinstance(stated[0], list | tuple) else [stated[0]]
        ranks = [each.rank for each in operands if isinstance(each, Tensor)]
        return has_rows and not any(axis in (None, 0) or -axis in ranks[:1] for axis in axes)
    taken = [each for each, has_batch in zip(operands, batched, strict=True) if has_batch]
    return has_rows and name not in _MIXING and all(_has_rows(each) or _is_constant(each) for each in taken)


def _is_constant(value: Value | None) -> bool:
    """Return whether a tensor is the same for every row."""
    return isinstance(value, Tensor) and value.shape[:1] in ((), (1,))


def _has_rows(value: Value | None) -> bool:
    """Return whether each tensor of a value has one row for each sample, as far as it is known."""
    several = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else [value]
    return all(not isinstance(each, Tensor) or each.shape[:1] == (PROBE,) for each in several)


def _keeps_letter(subscripts: str, batched: list[bool]) -> bool:
    """Return whether the first axis of all operands of an `einsum` that have rows is the first one of its result."""
    taken, _, given = subscripts.replace(" ", "").partition("->")
    first = [each[:1] for each, has_batch in zip(taken.split(","), batched, strict=False) if has_batch]
    return bool(given) and all(each == given[:1] and each.isalpha() for each in first)
