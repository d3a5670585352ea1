"""Python source as a tree, and its text in the style of `ruff format`.

An expression that does not fit into a line is broken at its outermost brackets: the arguments of a call go to one
indented line if they fit, else each to its own, and so do the items of lists, tuples and dicts.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword
from unicodedata import normalize

LINE_LENGTH = 100
_INDENT = 4


@dataclass(frozen=True, slots=True)
class Text:
    """An expression that is never broken: a name, a number, a string, an operation on them."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call. keywords: by name, after the positional arguments."""

    function: Expression
    arguments: tuple[Expression, ...] = ()
    keywords: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class Items:
    """A list, or a tuple where `opening` is a parenthesis."""

    items: tuple[Expression, ...]
    opening: str = "["


@dataclass(frozen=True, slots=True)
class Pairs:
    """A dict."""

    items: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A conditional expression."""

    condition: str
    first: Expression
    second: Expression


@dataclass(frozen=True, slots=True)
class Prefixed:
    """An expression behind a text without a break, such as `name=`."""

    prefix: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Method:
    """An attribute of an expression, such as the method that is called."""

    value: Expression
    name: str


Expression = Text | Call | Items | Pairs | Choice | Prefixed | Method


@dataclass(slots=True)
class Assign:
    """An assignment to a name, or to several."""

    target: str
    value: Expression
    comments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Do:
    """An expression as a statement, or after a keyword such as `return`."""

    value: Expression
    keyword: str = ""


@dataclass(slots=True)
class If:
    """A condition with its branches."""

    condition: str
    body: list[Statement]
    otherwise: list[Statement] = field(default_factory=list)


@dataclass(slots=True)
class For:
    """A loop over the values of an expression."""

    target: str
    values: Expression
    body: list[Statement]


@dataclass(slots=True)
class Comment:
    """Comment lines."""

    lines: list[str]


@dataclass(slots=True)
class Blank:
    """An empty line."""


@dataclass(slots=True)
class Lines:
    """Lines of source that are written as they are, with the indentation of the block."""

    text: str


@dataclass(slots=True, kw_only=True)
class Function:
    """A function definition. parameters: as in source, such as `filters`, `strides=1` and `*`."""

    name: str
    parameters: list[str]
    doc: str
    body: list[Statement]


Statement = Assign | Do | If | For | Comment | Blank | Lines


def flat(value: Expression) -> str:
    """Return an expression as one line."""
    match value:
        case Text(text):
            return text
        case Call(function):
            return f"{flat(function)}({', '.join(map(flat, _arguments(value)))})"
        case Items(items, opening):
            comma = "," if opening == "(" and len(items) == 1 else ""
            return f"{opening}{', '.join(map(flat, items))}{comma}{_CLOSING[opening]}"
        case Pairs(items):
            return "{" + ", ".join(f"{flat(key)}: {flat(item)}" for key, item in items) + "}"
        case Choice(condition, first, second):
            return f"{flat(first)} if {condition} else {flat(second)}"
        case Prefixed(prefix, item):
            return prefix + flat(item)
        case Method(item, name):
            return f"{flat(item)}.{name}"


_CLOSING = {"[": "]", "(": ")", "{": "}"}


def _arguments(call: Call) -> list[Expression]:
    """Return the arguments of a call, those by keyword behind `name=`."""
    named = [Prefixed(f"{name}=", value) for name, value in call.keywords if _is_keyword(name)]
    others = tuple((Text(quoted(name)), value) for name, value in call.keywords if not _is_keyword(name))
    return [*call.arguments, *named, *([Prefixed("**", Pairs(others))] if others else [])]


def _is_keyword(name: str) -> bool:
    """Return whether an argument of a plugin, whose name may be any text, can be written as a keyword."""
    return name.isidentifier() and not iskeyword(name) and normalize("NFKC", name) == name


def quoted(text: str) -> str:
    """Return text as a string literal, in double quotes unless single ones need fewer escapes."""
    inside = "".join(_character(each) for each in text)
    if text.count('"') > text.count("'"):
        return "'" + inside.replace("'", "\\'") + "'"
    return '"' + inside.replace('"', '\\"') + '"'


def _character(character: str) -> str:
    if character == "\\":
        return "\\\\"
    return character if character.isprintable() else repr(character)[1:-1]


def _laid_out(value: Expression, indent: int, column: int, tail: int) -> str:
    """Return an expression that begins at `column` of a line with that indent.

    tail: the characters that follow it in the same line, up to the first place that may be broken.
    """
    line = flat(value)
    if column + len(line) + tail <= LINE_LENGTH:
        return line
    match value:
        case Prefixed(prefix, item):
            return prefix + _laid_out(item, indent, column + len(prefix), tail)
        case Method(item, name):
            return f"{_laid_out(item, indent, column, len(name) + 1 + tail)}.{name}"
        case Text(text):
            return text
        case Call(function):
            head = _laid_out(function, indent, column, 1)
            column = len(head) - head.rfind("\n") - 1 if "\n" in head else column + len(head)
            arguments = _arguments(value)
            one_line = ", ".join(map(flat, arguments))
            if not arguments or column + len(one_line) + 2 + tail <= LINE_LENGTH:
                return f"{head}({one_line})"
            inner = indent + _INDENT
            if inner + len(one_line) <= LINE_LENGTH:
                return f"{head}(\n{' ' * inner}{one_line}\n{' ' * indent})"
            return head + _one_a_line("(", arguments, indent)
        case Items(items, opening):
            return _one_a_line(opening, items, indent, is_tuple=opening == "(") if items else line
        case Pairs(items):
            return _one_a_line("{", [Prefixed(f"{flat(key)}: ", item) for key, item in items], indent)
        case Choice(condition, first, second):
            parts = [flat(first), f"if {condition}", f"else {flat(second)}"]
            return f"\n{' ' * indent}".join(parts)


def _one_a_line(opening: str, items: Sequence[Expression], indent: int, *, is_tuple: bool = False) -> str:
    inner = indent + _INDENT
    comma = "," if len(items) > 1 or is_tuple else ""
    lines = [f"{' ' * inner}{_laid_out(item, inner, inner, len(comma))}{comma}\n" for item in items]
    return f"{opening}\n{''.join(lines)}{' ' * indent}{_CLOSING[opening]}"


def statement_lines(statements: Sequence[Statement], indent: int = 0) -> Iterator[str]:
    """Return the lines of statements."""
    margin = " " * indent
    for statement in statements:
        match statement:
            case Assign(target, value, comments):
                yield from (f"{margin}# {each}".rstrip() for each in comments)
                start = f"{margin}{target} = "
                yield start + _laid_out(value, indent, len(start), 0)
            case Do(value, keyword):
                start = f"{margin}{keyword} " if keyword else margin
                yield start + _laid_out(value, indent, len(start), 0)
            case If(condition, body, otherwise):
                yield f"{margin}if {condition}:"
                yield from statement_lines(body, indent + _INDENT)
                while len(otherwise) == 1 and isinstance(otherwise[0], If):
                    yield f"{margin}elif {otherwise[0].condition}:"
                    yield from statement_lines(otherwise[0].body, indent + _INDENT)
                    otherwise = otherwise[0].otherwise
                if otherwise:
                    yield f"{margin}else:"
                    yield from statement_lines(otherwise, indent + _INDENT)
            case For(target, values, body):
                start = f"{margin}for {target} in "
                yield f"{start}{_laid_out(values, indent, len(start), 1)}:"
                yield from statement_lines(body, indent + _INDENT)
            case Comment(lines):
                yield from (f"{margin}# {each}".rstrip() for each in lines)
            case Blank():
                yield ""
            case Lines(text):
                yield from (f"{margin}{each}".rstrip() for each in text.split("\n"))


def function_lines(function: Function) -> Iterator[str]:
    """Return the lines of a function definition."""
    start = f"def {function.name}("
    joined = ", ".join(function.parameters)
    if len(start) + len(joined) + 2 <= LINE_LENGTH:
        yield f"{start}{joined}):"
    elif _INDENT + len(joined) <= LINE_LENGTH:
        yield f"{start}\n{' ' * _INDENT}{joined}\n):"
    else:
        yield start
        yield from (f"{' ' * _INDENT}{each}," for each in function.parameters)
        yield "):"
    yield from (f"    {each}".rstrip() for each in docstring(function.doc, LINE_LENGTH - 4))
    yield from statement_lines(function.body, _INDENT)


def docstring(text: str, width: int = LINE_LENGTH) -> list[str]:
    """Return the lines of a docstring: its first paragraph as the summary, the others below it."""
    paragraphs = [_escaped(" ".join(each.split())) for each in text.split("\n\n")]
    summary, *rest = [each for each in paragraphs if each]
    lines = [f'"""{summary}']
    if rest or len(summary) + 6 > width:
        lines = textwrap.wrap(lines[0], width - 3, break_long_words=False, break_on_hyphens=False)
    for each in rest:
        lines += ["", *textwrap.wrap(each, width, break_long_words=False, break_on_hyphens=False)]
    return [*lines, '"""'] if len(lines) > 1 else [f'{lines[0]}"""']


def _escaped(text: str) -> str:
    """Return text that stands in a docstring as it is. Quotes are escaped where they could end it."""
    return re.sub('^"|"$|"{2,}', lambda quotes: '\\"' * len(quotes[0]), "".join(map(_character, text)))
