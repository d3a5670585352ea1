"""Documents whose tensors would grow without end: in dimensions, sizes and number, and in what tells of them."""

from __future__ import annotations

from collections.abc import Callable

_DIGITS = "9" * 77


def _spec(graph: str, shape: str = "[4]") -> str:
    return f"graphspec: 1\ninputs: {{x: {shape}}}\n{graph}outputs: {{y: {{from: x, apply: {{Dense: 2}}}}}}\n"


def _chain(length: int, node: str) -> str:
    """Return a graph of nodes, each of which comes from the one before it, `{before}`."""
    nodes = (f"  n{n}: {node.replace('{before}', f'n{n - 1}')}\n" for n in range(1, length + 1))
    return "graph:\n  n0: x\n" + "".join(nodes)


def _nodes(length: int, node: str) -> str:
    return "graph:\n" + "".join(f"  n{n}: {node}\n" for n in range(length))


def _inputs(number: int, graph: str) -> str:
    names = ", ".join(f"i{n}: [2]" for n in range(number))
    listed = ", ".join(f"i{n}" for n in range(number))
    return f"graphspec: 1\ninputs: {{{names}}}\n" + graph.replace("{all}", f"[{listed}]") + "outputs: {y: n0}\n"


HOSTILE_SHAPES: dict[str, Callable[[], bytes | str]] = {
    "dimensions doubled 40 times": lambda: _spec(
        _chain(40, "{from: [{before}, {before}], apply: {ops.tensordot: {axes: 0}}}")
    ),
    "dimensions added 10,000 times": lambda: _spec(
        "graph: {n: {from: x, apply: [{ops.expand_dims: 1, repeat: 10000}]}}\n"
    ),
    "an input of 30,000 dimensions": lambda: _spec(_nodes(4_000, "{from: x, apply: ReLU}"), f"[{'1, ' * 30_000}]"),
    "nodes of as many dimensions as there may be": lambda: _spec(
        _chain(780, "{from: {before}, apply: [{ops.swapaxes: {axis1: 1, axis2: 2}, repeat: 24}]}"), f"[{'2, ' * 60}]"
    ),
    "sums of an input of many dimensions": lambda: _spec(
        _chain(7_000, "{from: [{before}, x], merge: sum}"), f"[{'2, ' * 60}]"
    ),
    "a grid of 9,000 inputs": lambda: _inputs(9_000, "graph: {n0: {from: {all}, apply: ops.meshgrid}}\n"),
    "a list of 9,000 tensors for a layer of one": lambda: _inputs(
        9_000,
        "layers: {d: {Dense: 2}}\ngraph:\n  n0: {from: {all}, apply: [ops.meshgrid, d]}\n"
        "  n1: {from: {all}, apply: d}\n",
    ),
    "sizes multiplied 60 times": lambda: _spec(
        f"graph: {{n: {{from: x, apply: [{{UpSampling1D: {_DIGITS}, repeat: 60}}]}}}}\n", "[4, 4]"
    ),
    "sizes multiplied by small steps": lambda: _spec(
        "graph: {n: {from: x, apply: [{UpSampling1D: 1000000, repeat: 9000}]}}\n", "[4, 4]"
    ),
    "a flat tensor of large sizes": lambda: _spec(
        f"graph: {{n: {{from: x, apply: [{{Reshape: [{f'{_DIGITS}, ' * 1_000}]}}, Flatten]}}}}\n"
    ),
    "a large input that is made flat": lambda: _spec(
        "graph: {n: {from: x, apply: Flatten}}\n", f"[{'9223372036854775807, ' * 60}]"
    ),
    "tiles of 20,000 dimensions": lambda: _spec(
        "blocks:\n  b: {inputs: x, output: {from: x, apply: {ops.tile: {repeats: ["
        + "7, " * 20_000
        + "]}}}}\n"
        + _nodes(2_000, "{from: x, apply: b}")
    ),
    "5,000 flat rows": lambda: _spec(
        "blocks:\n  b: {inputs: x, output: {from: x, apply: [{RepeatVector: 9}, Flatten]}}\n"
        "graph: {n: {from: x, apply: {b: , repeat: 5000}}}\n"
    ),
    "models for other shapes than they declare": lambda: _spec(
        "models:\n  m: {inputs: {x: [null, 4]}, outputs: {y: {from: x, apply: {ops.flip: 1, repeat: 9000}}}}\n"
        "graph:\n" + "".join(f"  n{n}: {{from: x{n}, apply: m}}\n" for n in range(9)),
    ).replace("x: [4]}", "x: [4], " + ", ".join(f"x{n}: [{n + 1}, 4]" for n in range(9)) + "}", 1),
    "as many steps as there may be, on many dimensions": lambda: _spec(
        "graph:\n  a: {from: x, apply: {Dense: 2, repeat: 4900}}\n  b: {from: a, apply: {ReLU: , repeat: 4900}}\n"
        "  c: {from: b, apply: {LayerNormalization: , repeat: 4900}}\n"
        "  d: {from: c, apply: {Softmax: , repeat: 4900}}\n",
        f"[{'2, ' * 60}]",
    ),
    "many findings of a large tensor": lambda: _spec(
        _nodes(9_900, "{from: x, apply: {Conv2D: 1}}"), f"[{'1000000000000, ' * 63}]"
    ),
}
