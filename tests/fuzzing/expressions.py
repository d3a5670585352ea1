"""A number → an expression: every function and operator, deep and flat, on small values and on the largest there are.

Expression n of a seed is always the same. `spec_of` is a spec whose one variable it is.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import graphspec
from graphspec.language.expand.expressions import ExpressionError, Value, evaluate

from .watched import Tried, watch

MEGABYTES = 500
SECONDS = 0.05
"""Of processor time, for one expression."""

NAMES: dict[str, Value] = {
    "zero": 0,
    "one": 1,
    "no": False,
    "yes": True,
    "nothing": None,
    "big": 2**255,
    "small": -(2**255),
    "half": 0.5,
    "huge": 1e308,
    "tiny": 5e-324,
    "word": "ab",
    "text": "ab" * 4_900,
    "digits": "9" * 9_000,
    "odd": "\x07\u202e\U0001f600é" * 2_000,
    "empty": [],
    "pair": [1, 2.5],
    "items": list(range(2**70, 2**70 + 9_900)),
    "words": ["a", "b" * 99] * 90,
    "nested": [[[1] * 20] * 20] * 20,
    "deep": [],
}
_inner: list[Value] = [1]
for _ in range(40):
    _inner = [_inner]
NAMES["deep"] = _inner

_NUMBERS = (
    *("0 1 2 3 7 -1 -2 10 63 64 255 256 257 399 400 401 1000 10000 10**9 -10**9 10**70 -10**70".split()),  # noqa: SIM905
    *("10**-70 2**255 0.1 0.5 1.5 -0.0 1e3 1e22 1e308 1e309 -1e308 5e-324 0x7f 1_000 99999999999999".split()),  # noqa: SIM905
)
_TEXTS = (
    "''",
    "'a'",
    "'ab' * 5000",
    "'9' * 400",
    "'9' * 5000",
    "'1e999'",
    "'nan'",
    "'-inf'",
    "'%d'",
    "'\\x00'",
    "' 1 '",
)
_BINARY = ("+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or")
_UNARY = ("-", "+", "not ", "~")
_FUNCTIONS = ("min", "max", "round", "int", "float", "str", "len", "range", "sum")
_TOKENS = (
    *_NUMBERS,
    *_TEXTS,
    *_BINARY,
    *_UNARY,
    *_FUNCTIONS,
    *NAMES,
    *["(", ")", "[", "]", ",", ".", ":", "=", "{", "}", "'", "\\", "@", "!", "$", "if", "else", "for", "is"],
)


def expression(seed: int, number: int) -> str:
    """Return expression `number` of `seed`."""
    rng = random.Random(f"{seed}:{number}")
    match rng.randrange(8):
        case 0:
            return _repeated(rng)
        case 1:
            return " ".join(rng.choice(_TOKENS) for _ in range(rng.choice((1, 3, 10, 60))))
        case _:
            return _node(rng, rng.choice((1, 2, 2, 3, 4, 6)))[:600]


def _node(rng: random.Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.1:
        return rng.choice((rng.choice(_NUMBERS), rng.choice(_TEXTS), rng.choice(list(NAMES)), rng.choice(list(NAMES))))
    match rng.randrange(11):
        case 10:
            return f"sum([{_node(rng, depth - 1)}, {rng.choice(_NUMBERS)}] + range({rng.choice(_NUMBERS)}))"
        case 8:
            return f"({_node(rng, depth - 1)} if {_node(rng, depth - 1)} else {_node(rng, depth - 1)})"
        case 9:
            return f"{rng.choice(('pair', 'items', 'word', _node(rng, depth - 1)))}[{_node(rng, depth - 1)}]"
        case 0 | 1 | 2:
            return f"({_node(rng, depth - 1)} {rng.choice(_BINARY)} {_node(rng, depth - 1)})"
        case 3:
            return f"{rng.choice(_UNARY)}{_node(rng, depth - 1)}"
        case 4:
            return f"[{', '.join(_node(rng, depth - 1) for _ in range(rng.choice((0, 1, 2, 5))))}]"
        case 5:
            return f"round({_node(rng, depth - 1)}, {rng.choice(_NUMBERS)})"
        case _:
            arguments = (_node(rng, depth - 1) for _ in range(rng.choice((0, 1, 1, 1, 2, 3))))
            return f"{rng.choice(_FUNCTIONS)}({', '.join(arguments)})"


def _repeated(rng: random.Random) -> str:
    """One piece as often as an expression is long: towers, chains, and things in things."""
    name, sign, function = rng.choice(list(NAMES)), rng.choice(_BINARY), rng.choice(_FUNCTIONS)
    length = rng.choice((20, 49, 51, 200, 499))
    match rng.randrange(7):
        case 0:
            return f" {sign} ".join([name] * (length // (len(name) + len(sign) + 2) + 1))
        case 1:
            times = min(length // (len(function) + 2), rng.choice((5, 48, 60, 100)))
            return f"{function}(" * times + name + ")" * times
        case 2:
            return rng.choice(_UNARY) * length + name
        case 3:
            return "[" * (length // 2) + name + "]" * (length // 2)
        case 4:
            return f"{function}({', '.join([name] * (length // (len(name) + 2)))})"
        case 5:
            return f"[{', '.join([name] * (length // (len(name) + 2)))}] {sign} {name}"
        case _:
            return "(" * (length // 2) + name + ")" * rng.choice((length // 2, 0))


def seconds_of(text: str, names: Mapping[str, Value] = NAMES) -> float:
    """Return the processor time that the expression takes; what is over the limit is tried again. Its value is lost."""
    taken = _time(text, names)
    return taken if taken <= SECONDS else min(taken, *(_time(text, names) for _ in range(3)))


def _time(text: str, names: Mapping[str, Value]) -> float:
    began = time.process_time()
    with suppress(ExpressionError):
        evaluate(text, names)
    return time.process_time() - began


def try_expression(seed: int, number: int, folder: Path) -> Tried:
    """Evaluate the expression, and every hundredth time validate a spec that holds a hundred of them."""

    def work() -> tuple[bool, Iterator[str]]:
        return True, _faults(seed, number, folder)

    return watch(work, MEGABYTES)


def _faults(seed: int, number: int, folder: Path) -> Iterator[str]:
    text = expression(seed, number)
    taken = seconds_of(text)
    if taken > SECONDS:
        yield f"it took {taken * 1000:.0f} ms: {text}"
    if number % 100 == 0:
        path = folder / "expressions.yaml"
        path.write_text(spec_of(expression(seed, each) for each in range(number, number + 100)), encoding="utf-8")
        graphspec.validate(path)


def spec_of(expressions: Iterable[str]) -> str:
    """Return a spec with a variable for each expression, which may use those before it."""
    lines = ["graphspec: 1", "inputs: {x: [4]}", "outputs: {y: {from: x, apply: {Dense: 2}}}", "vars:"]
    lines += ["  text: abababababab", "  pair: [1, 2.5]", "  word: ab", "  zero: 0", "  half: 0.5"]
    for number, text in enumerate(expressions):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'  v{number}: "${{{escaped}}}"')
    return "\n".join(lines) + "\n"
