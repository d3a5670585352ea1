"""Documents in which something large is used many times over: by repeats, shared layers, blocks and models."""

from __future__ import annotations

from collections.abc import Callable

_MANY = f"[{', '.join(map(str, range(30_000)))}]"
_LARGE = f"{{Discretization: {{bin_boundaries: {_MANY}}}}}"
_BLOCK = "blocks:\n  b: {inputs: x, output: {from: x, apply: %s}}\n"
_HEAD = "graphspec: 1\ninputs: {x: [4, 4]}\n"
_OUTPUTS = "outputs: {y: {from: n0, apply: {Dense: 2}}}\n"


def _repeated(step: str) -> str:
    name, _, arguments = step[1:-1].partition(": ")
    return f"{_HEAD}graph: {{n0: {{from: x, apply: {{{name}: {arguments}, repeat: 9000}}}}}}\n{_OUTPUTS}"


def _used(declared: str, name: str) -> str:
    nodes = "".join(f"  n{n}: {{from: x, apply: {name}}}\n" for n in range(7_000))
    return f"{_HEAD}{declared}graph:\n{nodes}{_OUTPUTS}"


def _models() -> str:
    inputs = ", ".join(f"x{n}: [{n + 1}]" for n in range(2_000))
    nodes = "".join(f"  n{n}: {{from: x{n}, apply: m}}\n" for n in range(2_000))
    model = f"models: {{m: {{inputs: {{x: [null]}}, outputs: {{y: {{from: x, apply: {_LARGE}}}}}}}}}\n"
    return f"graphspec: 1\ninputs: {{{inputs}}}\n{model}graph:\n{nodes}{_OUTPUTS}"


HOSTILE_REPEATS: dict[str, Callable[[], bytes | str]] = {
    "a layer of many values, repeated": lambda: _repeated(_LARGE),
    "an operation of many values, repeated": lambda: _repeated(f"{{ops.take: {{indices: {_MANY}, axis: 1}}}}"),
    "an operation of a long text, repeated": lambda: _repeated(
        '{ops.einsum: {subscripts: "abc' + " " * 100_000 + '->abc"}}'
    ),
    "an initializer of many values, repeated": lambda: _repeated(
        f"{{Dense: {{units: 4, kernel_initializer: {{Constant: {_MANY}}}}}}}"
    ),
    "a layer of many cells, repeated": lambda: _repeated(
        "{RNN: {cell: [" + "{GRUCell: 4}, " * 5_000 + "], return_sequences: true}}"
    ),
    "a layer of many layers, repeated": lambda: _repeated("{Pipeline: {layers: [" + "ReLU, " * 10_000 + "]}}"),
    "a call of many values, repeated": lambda: _repeated(f"{{Dense: 4, call: {{mask: {_MANY}}}}}"),
    "a shared layer of many values": lambda: _used(f"layers: {{d: {_LARGE}}}\n", "d"),
    "a shared layer of many values, repeated": lambda: _used(f"layers: {{d: {_LARGE}}}\n", "{d: , repeat: 4}"),
    "a block of many values": lambda: _used(_BLOCK % _LARGE, "b"),
    "a faulty block of many values": lambda: _used(_BLOCK % _LARGE.replace("boundaries", "boundarie"), "b"),
    "a block of many inputs": lambda: _used(
        "blocks:\n  b: {inputs: x, output: {from: [" + "x, " * 30_000 + "], merge: sum}}\n", "b"
    ),
    "a block of many values in a merge": lambda: _used(
        "blocks:\n  b: {inputs: x, output: {from: [x, x], merge: {concat: {axis: " + _MANY + "}}}}\n", "b"
    ),
    "a block of long names": lambda: _used(
        f"blocks:\n  b: {{inputs: x, graph: {{{'a' * 1_000}: {{from: x, apply: ReLU}}}}, output: {'a' * 1_000}}}\n", "b"
    ),
    "a model of many values for many shapes": _models,
}
"""What each uses again → the document."""
