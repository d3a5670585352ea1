"""Mutants: the text of a module with one operator, condition or constant changed, and a sample drawn by a seed."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

TARGETS = (
    "graphspec/lower",
    "graphspec/expand",
    "graphspec/to_keras",
    "graphspec/checks",
    "graphspec/datasets",
    "graphspec/training",
    "graphspec/shapes/infer.py",
)
"""The folders and files that are mutated."""

_COMPARISONS = ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE")
_SWAPS = {
    "ReplaceBinaryOperator": (
        ("Add", "Sub"),
        ("Sub", "Add"),
        ("Mul", "Div"),
        ("Mul", "Add"),
        ("Div", "Mul"),
        ("FloorDiv", "Mul"),
        ("Mod", "FloorDiv"),
        ("Pow", "Mul"),
        ("BitOr", "BitAnd"),
        ("BitAnd", "BitOr"),
        ("LShift", "RShift"),
        ("RShift", "LShift"),
    ),
    "ReplaceComparisonOperator": (
        *((old, new) for old in _COMPARISONS for new in _COMPARISONS if old != new),
        ("Is", "IsNot"),
        ("IsNot", "Is"),
    ),
    "ReplaceUnaryOperator": (("Delete", "USub"), ("Delete", "Not"), ("Delete", "Invert")),
}
_ARITHMETIC = {f"ReplaceBinaryOperator_{old}_{new}" for old, new in _SWAPS["ReplaceBinaryOperator"]}
_COMPUTED = ("arith_expr", "term", "expr", "and_expr", "shift_expr", "power")
"""Where an operator computes: the `*` before keyword-only parameters does not, and cosmic-ray takes it for one."""

_OTHERS = (
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "NumberReplacer",
)


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    Attributes:
        path: The module, relative to the root of the repository.
        line: Number of the line that is changed, from 1.
        function: Dotted name of the function or class around the change, empty at the top of the module.
        before: The line as it is, without indentation.
        after: The same line as it is changed.
        text: The whole text of the changed module.
    """

    path: str
    line: int
    function: str
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.function}\n  - {self.before}\n  + {self.after}"


@dataclass(frozen=True)
class Place:
    """Where an operator can change a module: its `occurrence`-th change there, the `variant`-th at the same column."""

    path: str
    line: int
    column: int
    function: str
    before: str
    operator: str
    occurrence: int
    variant: int


def modules(root: Path, targets: Iterable[str] = TARGETS) -> list[str]:
    """Return the modules at targets, relative to root."""
    paths = (root / each for each in targets)
    found = [path for each in paths for path in ([each] if each.suffix == ".py" else each.rglob("*.py"))]
    return sorted(path.relative_to(root).as_posix() for path in found)


class Module:
    """A module, its places, and the mutants at them."""

    def __init__(self, path: str, source: str) -> None:
        self.path, self.source = path, source
        self.lines = source.splitlines()
        tree = ast.parse(source)
        self._names = _names_by_line(tree)
        self._typing_lines = _typing_lines(tree)
        self._program = _program(tree)

    def places(self) -> list[Place]:
        """Return every place that an operator can change."""
        from cosmic_ray.ast import ast_nodes, get_ast

        nodes = list(ast_nodes(get_ast(self.source)))
        found = []
        for name, operator in _operators().items():
            begins = [(begin, node) for node in nodes for begin, _ in operator.mutation_positions(node)]
            for occurrence, (begin, node) in enumerate(begins):
                line, column = begin
                if line in self._typing_lines or (name in _ARITHMETIC and node.parent.type not in _COMPUTED):
                    continue
                before = self.lines[line - 1].strip()
                function = self._names.get(line, "")
                variant = sum(begin == other for other, _ in begins[:occurrence])
                found.append(Place(self.path, line, column, function, before, name, occurrence, variant))
        return found

    def mutant(self, place: Place) -> Mutant | None:
        """Return the mutant at a place; None where it is no program, or the same program."""
        from cosmic_ray.mutating import mutate_code

        text = mutate_code(self.source, _operators()[place.operator], place.occurrence)
        try:
            if text is None or _program(ast.parse(text)) == self._program:
                return None
        except SyntaxError:
            return None
        after = self._changed_line(text.splitlines(), place.line)
        return Mutant(self.path, place.line, place.function, place.before, after, text)

    def _changed_line(self, changed: list[str], number: int) -> str:
        """Return the changed line; where a replaced part ran over several lines, they may have become one."""
        after = changed[number - 1 : max(number, number + len(changed) - len(self.lines))]
        return " ".join(line.strip() for line in after)


def draw(found: Iterable[Module], count: int, seed: int) -> list[Mutant]:
    """Draw mutants by chance, each from another line.

    Lines are drawn first, so that modules count by their lines and not by what can be changed in a line. A sample stays
    the same when code outside its lines changes.

    Args:
        found: The modules to draw from.
        count: How many to draw.
        seed: Chooses the sample.

    Returns:
        At most `count` mutants, ordered by module and line.
    """
    by_line: dict[tuple[str, int], list[tuple[Module, Place]]] = {}
    for module in found:
        for place in module.places():
            by_line.setdefault((place.path, place.line), []).append((module, place))
    drawn: list[Mutant] = []
    for group in sorted(by_line.values(), key=lambda group: _line_rank(group[0][1], seed)):
        if len(drawn) == count:
            break
        group.sort(key=lambda pair: _place_rank(pair[1], seed))
        drawn.extend(islice((mutant for module, place in group if (mutant := module.mutant(place))), 1))
    return sorted(drawn, key=lambda mutant: (mutant.path, mutant.line))


def _line_rank(place: Place, seed: int) -> str:
    return _digest(seed, place.path, place.function, place.before)


def _place_rank(place: Place, seed: int) -> str:
    return _digest(seed, place.before, place.operator, str(place.column), str(place.variant))


@cache
def _operators() -> dict[str, Any]:
    from cosmic_ray.plugins import get_operator

    names = [f"{kind}_{old}_{new}" for kind, pairs in _SWAPS.items() for old, new in pairs] + list(_OTHERS)
    found: dict[str, Any] = {name: get_operator(f"core/{name}")() for name in names}
    return {**found, "NegateMembership": NegateMembership(), "NegateCondition": NegateCondition()}


class NegateMembership:
    """Exchange `in` and `not in`, which cosmic-ray leaves alone. Has the methods of its operators."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Yield the place of each `in` and `not in` of a comparison."""
        if node.type == "comparison":
            yield from ((child.start_pos, child.end_pos) for child in self._points(node))

    def mutate(self, node: Any, index: int) -> Any:
        """Return the comparison with the operator at index exchanged."""
        import parso

        point = self._points(node)[index]
        new = "in" if point.get_code().split() == ["not", "in"] else "not in"
        node.children[node.children.index(point)] = parso.parse(f" {new}")
        return node

    @staticmethod
    def _points(node: Any) -> list[Any]:
        return [child for child in node.children[1::2] if child.get_code().split() in (["in"], ["not", "in"])]


class NegateCondition:
    """Negate the conditions of `elif` and of comprehensions, which `AddNot` of cosmic-ray passes over."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Yield the place of each such condition of a node."""
        yield from ((child.start_pos, child.end_pos) for child in self._conditions(node))

    def mutate(self, node: Any, index: int) -> Any:
        """Return the node with the condition at index negated."""
        import parso

        condition = self._conditions(node)[index]
        code = condition.get_code(include_prefix=False)
        node.children[node.children.index(condition)] = parso.parse(f" (not ({code}))")
        return node

    @staticmethod
    def _conditions(node: Any) -> list[Any]:
        if node.type == "if_stmt":
            pairs = zip(node.children, node.children[1:], strict=False)
            return [after for child, after in pairs if getattr(child, "value", "") == "elif"]
        return [node.children[1]] if node.type in ("comp_if", "old_comp_if") else []


def _program(tree: ast.Module) -> str:
    """Return what a module does as text: its tree without annotations, which are never evaluated."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
    return ast.dump(tree)


def _typing_lines(tree: ast.Module) -> set[int]:
    """Return the lines of imports that only a type checker sees."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


def _names_by_line(tree: ast.Module) -> dict[int, str]:
    names: dict[int, str] = {}

    def visit(node: ast.AST, around: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = around
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                name = f"{around}.{child.name}".lstrip(".")
                names.update(dict.fromkeys(range(child.lineno, (child.end_lineno or child.lineno) + 1), name))
            visit(child, name)

    visit(tree, "")
    return names


def _digest(seed: int, *parts: str) -> str:
    return hashlib.sha256("\0".join([str(seed), *parts]).encode()).hexdigest()
