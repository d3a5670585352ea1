"""Explain what expressions do not have, and how to write it instead."""

from __future__ import annotations

import ast

ALLOWED = "numbers, strings, lists, names, arithmetic, comparisons, `and`, `or`, `not`, `x[i]`, `a if c else b`"

_PARTS: dict[type[ast.AST], tuple[str, str]] = {
    ast.ListComp: ("a comprehension", "write the items out, or make a node for each of them with `each`"),
    ast.GeneratorExp: ("a comprehension", "write the items out, or make a node for each of them with `each`"),
    ast.Attribute: ("an attribute", "values have none: use names, `x[i]` and functions"),
    ast.Slice: ("a slice", "pick the items one by one: `[x[0], x[1]]`"),
    ast.Lambda: ("a function of its own", "write the expression where its value is needed"),
    ast.Starred: ("`*`", "functions take a list as it is: `max(x)`"),
    ast.JoinedStr: ("a formatted string", "write expressions inside of text: `layer_${number}`"),
    ast.NamedExpr: ("an assignment", "declare the variable under `vars`"),
}
_OPERATORS: dict[type[ast.AST], str] = {
    ast.BitXor: "a power is written `**`",
    ast.BitAnd: "write `and`",
    ast.BitOr: "write `or`",
    ast.Invert: "write `not`",
    ast.LShift: "write `x * 2**n`",
    ast.RShift: "write `x // 2**n`",
    ast.MatMult: "a product is written `*`; tensors are multiplied in the graph, by `ops.matmul`",
    ast.Is: "write `==`",
    ast.IsNot: "write `!=`",
}
_WORDS = (
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("?", "write `a if condition else b`"),
    (" then ", "write `a if condition else b`"),
)


def explain(node: ast.AST) -> tuple[str, str]:
    """Return what a part that expressions do not have is called, and how to write it instead."""
    match node:
        case ast.Subscript(slice=ast.Slice()):
            return _PARTS[ast.Slice]
        case ast.Call(func=ast.Attribute()):
            return "a method", "lists are joined by `+`, as in `x + [1]`; otherwise use functions"
        case ast.Call(keywords=[_, *_]):
            return "an argument by keyword", "write the arguments in their order"
        case ast.BinOp(op=op) | ast.UnaryOp(op=op) if type(op) in _OPERATORS:
            return "this operator", _OPERATORS[type(op)]
        case ast.Compare(ops=ops):
            help = next((_OPERATORS[type(op)] for op in ops if type(op) in _OPERATORS), "")
            return "this comparison", help
    return _PARTS.get(type(node), ("this", ""))


def explain_syntax(text: str) -> str:
    """Return how to write a text that Python cannot parse; empty where nothing is known about it."""
    help = next((help for word, help in _WORDS if word in text), "")
    if not help and " if " in text and " else " not in text:
        return "a condition has both sides: `a if condition else b`"
    if not help and "=" in text.replace("==", "").replace("!=", "").replace("<=", "").replace(">=", ""):
        return "write `==` to compare"
    return help or ("write `not`" if text.lstrip().startswith("!") else "")
