"""Expressions of a spec, `${...}`, as expressions of Python."""

from __future__ import annotations

import ast
from collections.abc import Callable

from graphspec.to_python.literals import literal_text

_WORDS = {"true": "True", "false": "False", "null": "None", "True": "True", "False": "False", "None": "None"}
_BINARY: dict[type[ast.operator], tuple[str, int]] = {
    ast.Add: ("+", 5),
    ast.Sub: ("-", 5),
    ast.Mult: ("*", 6),
    ast.Div: ("/", 6),
    ast.FloorDiv: ("//", 6),
    ast.Mod: ("%", 6),
    ast.Pow: ("**", 8),
}
_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_ATOM = 9


class UntranslatableError(Exception):
    """An expression that is left to its value."""


def translate(text: str, identify: Callable[[str], str | None]) -> str:
    """Return the expression `text` in Python.

    Args:
        text: The expression, without `${` and `}`.
        identify: Returns the identifier of a variable or parameter; None for one without.

    Raises:
        UntranslatableError: It holds something else than Python has in the same meaning.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UntranslatableError from None
    return _Translation(identify).text(tree.body)[0]


def plus(text: str, number: int) -> str:
    """Return the expression `text + number`, simplified where it is a sum with a constant or a constant."""
    tree = ast.parse(text, mode="eval").body
    if isinstance(tree, ast.Constant) and type(tree.value) is int:
        return str(tree.value + number)
    match tree:
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=ast.Constant(value=int() as constant)):
            total = number + (constant if isinstance(op, ast.Add) else -constant)
            start = _Translation(lambda name: name).text(left)[0]
            return start if total == 0 else f"{start} {'+' if total > 0 else '-'} {abs(total)}"
    if number == 0:
        return text
    needs_brackets = isinstance(tree, ast.BoolOp | ast.Compare | ast.IfExp)
    return f"({text}) + {number}" if needs_brackets else f"{text} + {number}"


class _Translation:
    """The translation of one expression."""

    def __init__(self, identify: Callable[[str], str | None]) -> None:
        self.identify = identify

    def text(self, node: ast.AST) -> tuple[str, int]:
        """Return the source of a node and its precedence."""
        match node:
            case ast.Constant(value=value) if isinstance(value, bool | int | float | str) or value is None:
                text = literal_text(value)
                return text, 7 if text.startswith("-") else _ATOM
            case ast.Name(id=name):
                found = self.identify(name) or _WORDS.get(name)
                if found is None:
                    raise UntranslatableError
                return found, _ATOM
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return f"[{', '.join(self.text(item)[0] for item in items)}]", _ATOM
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return f"not {self._inside(operand, 3)}", 3
            case ast.UnaryOp(op=op, operand=operand) if isinstance(op, ast.USub | ast.UAdd):
                return f"{'-' if isinstance(op, ast.USub) else '+'}{self._inside(operand, 7)}", 7
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return self._binary(left, *_BINARY[type(op)], right)
            case ast.BoolOp(op=op, values=values):
                word, level = (" or ", 1) if isinstance(op, ast.Or) else (" and ", 2)
                return word.join(self._inside(each, level + 1) for each in values), level
            case ast.Compare(left=left, ops=ops, comparators=others):
                parts = [self._inside(left, 5)]
                parts += [
                    f"{_COMPARED[type(op)]} {self._inside(each, 5)}" for op, each in zip(ops, others, strict=True)
                ]
                return " ".join(parts), 4
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                return f"{self._inside(body, 1)} if {self._inside(test, 1)} else {self.text(otherwise)[0]}", 0
            case ast.Subscript(value=items, slice=index) if not isinstance(index, ast.Slice):
                return f"{self._inside(items, _ATOM)}[{self.text(index)[0]}]", _ATOM
            case ast.Call(func=ast.Name(id="list"), args=[ast.Call(func=ast.Name(id="range")) as numbers]):
                return self.text(numbers)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
                text = f"{name}({', '.join(self.text(each)[0] for each in arguments)})"
                return (f"list({text})" if name == "range" else text), _ATOM
        raise UntranslatableError

    def _binary(self, left: ast.AST, word: str, level: int, right: ast.AST) -> tuple[str, int]:
        if word != "**":
            return f"{self._inside(left, level)} {word} {self._inside(right, level + 1)}", level
        first, second = self._inside(left, level + 1), self._inside(right, 7)
        is_simple = all(
            each.removeprefix("-").replace(".", "").isidentifier() or _is_number(each) for each in (first, second)
        )
        return (f"{first}**{second}" if is_simple else f"{first} ** {second}"), level

    def _inside(self, node: ast.AST, level: int) -> str:
        """Return the source of an operand, in brackets where it binds less than `level`."""
        text, own = self.text(node)
        return text if own >= level else f"({text})"


def _is_number(text: str) -> bool:
    return text.removeprefix("-")[:1].isdigit()


_FUNCTIONS = ("min", "max", "round", "int", "float", "str", "len", "range", "sum")
"""The functions of expressions, which are those of Python."""
