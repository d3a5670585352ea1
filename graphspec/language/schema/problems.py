"""Translate errors of pydantic to diagnostics with their place, the expected value and a fix."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from graphspec.diagnostics import Diagnostic, Fix, Span
from graphspec.diagnostics.rules import (
    BAD_NAME,
    BAD_VALUE,
    LANGUAGE_VERSION,
    MISSING_KEY,
    UNKNOWN_KEY,
    WRONG_TYPE,
)
from graphspec.diagnostics.suggest import TRUTHS, closest, did_you_mean, is_unmistakable, kind_of, one_of, quoted
from graphspec.language.document.scalars import resolve
from graphspec.language.document.tree import Mapping, descend
from graphspec.language.schema.misplaced import (
    OLD_WORDS,
    SHORT_FORMS,
    intended_key,
    is_meant_as,
    key_help,
    keys_of,
)
from graphspec.language.schema.model import Body, SpecModel

_TYPES = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "mapping": "a mapping",
    "finite_number": "a finite number",
}

_RANGES = {
    "greater_than": ("gt", "a number above"),
    "greater_than_equal": ("ge", "a number of at least"),
    "less_than": ("lt", "a number below"),
    "less_than_equal": ("le", "a number up to"),
}

ANY_LENGTH = "a size is a whole number of 1 or more; write `null` for any length"

Path = tuple[str | int, ...]


def explain(tree: Mapping, error: ValidationError) -> Iterator[Diagnostic]:
    """Return the diagnostics for the errors of pydantic in `tree`.

    The errors of all members of a union become one diagnostic. A key that is missing because it is misspelled is
    reported as misspelled only.
    """
    by_place: dict[Path, list[Any]] = {}
    for problem in error.errors(include_url=False):
        by_place.setdefault(without_union_tag(tree, problem["loc"]), []).append(problem)
    unknown = [path for path, problems in by_place.items() if problems[0]["type"] == "extra_forbidden"]
    for path, problems in by_place.items():
        if problems[0]["type"] == "missing" and any(
            each[:-1] == path[:-1] and is_meant_as(str(each[-1]), str(path[-1])) for each in unknown
        ):
            continue
        if len(problems) > 1 and all(len(problem["loc"]) > len(path) for problem in problems):
            yield _union(tree, path, problems)
        else:
            yield from (_explain_one(tree, path, problem) for problem in problems)


def without_union_tag(tree: Mapping, loc: Path) -> Path:
    """Return `loc` without the name of a union's member that pydantic appends."""
    tag = loc[-1] if loc else None
    if not isinstance(tag, str) or not (tag in ("int", "bool", "constrained-int") or "literal[" in tag):
        return loc
    owner = descend(tree, loc[:-1])[0]
    return loc if isinstance(owner, Mapping) and tag in owner else loc[:-1]


def _explain_one(tree: Mapping, path: Path, problem: Any) -> Diagnostic:
    kind: str = problem["type"]
    value, key_span, span = descend(tree, path)
    context = problem.get("ctx", {})
    subject = _subject(path)
    if kind == "extra_forbidden":
        return _unknown_key(tree, path, key_span)
    if kind == "missing":
        return _missing_key(tree, path)
    if kind == "language_version":
        return Diagnostic(
            LANGUAGE_VERSION,
            f"the spec is written in version {value} of the language",
            span,
            expected=f"{problem['msg']}, the version that this graphspec reads",
            help="write `graphspec: 1`, or install the graphspec that reads this version",
        )
    if kind == "string_pattern_mismatch":
        return _bad_name(tree, path, value, span)
    if kind == "unknown_choice":
        return Diagnostic(BAD_VALUE, f"`{value}` is not {problem['msg']}", span, problem["msg"], context["help"])
    if kind == "literal_error":
        choices = [choice.strip("'") for choice in str(context["expected"]).replace(" or ", ", ").split(", ")]
        return Diagnostic(
            BAD_VALUE,
            f"{subject} cannot be {quoted(value)}",
            span,
            f"one of {one_of(choices)}",
            did_you_mean(str(value), choices),
            fix=Fix.rewrite(span, str(value), str(near), is_safe=False)
            if (near := closest(str(value), choices))
            else None,
        )
    if kind == "number_range":
        return Diagnostic(
            BAD_VALUE,
            f"{subject} is {kind_of(value)}",
            span,
            problem["msg"],
            "Keras computes with float32, in which a larger number is infinite",
        )
    if kind == "string_too_long":
        most = context["max_length"]
        return Diagnostic(
            BAD_VALUE, f"{subject} has {len(value):,} characters", span, f"at most {most} characters",
            "folders and files get this name",
        )  # fmt: skip
    if kind in ("too_short", "string_too_short"):
        return Diagnostic(BAD_VALUE, f"{subject} is empty", key_span or span, "at least one entry", "add an entry")
    if kind in _TYPES:
        expected = _TYPES[kind] if kind != "mapping" else SHORT_FORMS.get(class_at(path) or Body, problem["msg"])
        return _wrong_type(path, value, key_span if value is None and key_span is not None else span, expected)
    return Diagnostic(
        BAD_VALUE,
        f"{subject} cannot be {quoted(value)}",
        span,
        expected=_expected_range(kind, context, problem["msg"]),
        help=ANY_LENGTH if _is_in_shape(path) else "",
    )


def _subject(path: Path) -> str:
    """Return the name of the value at `path`, a key or an entry, for messages."""
    if path and isinstance(path[-1], int):
        return f"an entry of {_subject(path[:-1])}"
    return f"`{path[-1]}`" if path else "the spec"


def _is_in_shape(path: Path) -> bool:
    return len(path) > 1 and path[-2] == "shape"


def _bad_name(tree: Mapping, path: Path, value: Any, span: Span | None) -> Diagnostic:
    is_key = path[-1] == "[key]"
    bad = str(path[-2] if is_key else value)
    fixed = re.sub(r"[^A-Za-z0-9_-]+", "_", bad).strip("_-")
    if fixed[:1].isdigit():
        help = "start it with a letter"
    elif fixed:
        help = f"write `{fixed}`"
    else:
        help = "names are used as Keras layer names and in references"
    return Diagnostic(
        BAD_NAME,
        f"`{bad}` is not a name" if bad else "an empty string is not a name",
        descend(tree, path[:-1])[1] if is_key else span,
        expected="letters, digits, `_` and `-`, not starting with a digit or `-`",
        help=help,
    )


def _wrong_type(path: Path, value: Any, span: Span | None, expected: str) -> Diagnostic:
    return Diagnostic(
        WRONG_TYPE,
        f"{_subject(path)} is {kind_of(value)}, not {re.split(' such as|, or', expected)[0]}",
        span,
        expected,
        _type_help(path, value, expected),
        fix=_unquoted(value, span, expected),
    )


def _unquoted(value: Any, span: Span | None, expected: str) -> Fix | None:
    """Return the fix that unquotes a number or boolean where one is expected."""
    if not isinstance(value, str):
        return None
    if expected == "true or false" and value.lower() in TRUTHS:
        return Fix.unquote(span, value, str(TRUTHS[value.lower()]).lower())
    number = resolve(value.strip())
    is_number = isinstance(number, int) or (isinstance(number, float) and expected == "a number")
    fits = expected in ("a whole number", "a number") and is_number and not isinstance(number, bool)
    return Fix.unquote(span, value, value.strip()) if fits else None


def _type_help(path: Path, value: Any, expected: str) -> str:
    """Return the help for a value of a wrong type; empty where there is none."""
    if _is_in_shape(path):
        return ANY_LENGTH if isinstance(value, str) else ""
    if value is None:
        return f"set a value for {_subject(path)}, or remove the key"
    if expected.startswith("a shape"):
        sizes = re.findall(r"\d+", str(value)) if isinstance(value, int | str) else []
        return f"write `[{', '.join(sizes)}]`" if sizes else ""
    if expected == "text":
        return f'put quotes around it: "{value}"' if isinstance(value, int | float | bool) else ""
    if isinstance(value, str) and expected == "true or false":
        return "in YAML 1.2 booleans are `true` and `false`" if value.lower() in ("yes", "no", "on", "off") else ""
    if isinstance(value, str) and isinstance(resolve(value.strip()), int | float):
        return "remove the quotes"
    if expected == "a list":
        return "start it with `- `, as an item of a list" if isinstance(value, dict) else f"write `[{value}]`"
    if expected.startswith("a mapping of names"):
        return "give each a name: `name: {...}`"
    if expected == "a mapping" and isinstance(value, list):
        return "remove the `- ` before its keys"
    return ""


def _unknown_key(tree: Mapping, path: Path, key_span: Span | None) -> Diagnostic:
    name = str(path[-1])
    owner = class_at(path[:-1])
    where = f" in {_subject(path[:-1])}" if len(path) > 1 else ""
    known = keys_of(owner) if owner is not None else []
    expected, key = f"one of the {len(known)} keys here", intended_key(name, owner)
    fix = None
    if key is not None and key not in descend(tree, path[:-1])[0]:
        fix = Fix.rewrite(key_span, name, key, is_safe=name in OLD_WORDS or is_unmistakable(name, known))
    return Diagnostic(
        UNKNOWN_KEY, f"there is no key `{name}`{where}", key_span, expected, key_help(name, owner), fix=fix
    )


def _missing_key(tree: Mapping, path: Path) -> Diagnostic:
    name, owner_path = str(path[-1]), path[:-1]
    _, key_span, span = descend(tree, owner_path)
    helps = {
        "graphspec": "start the spec with `graphspec: 1`, the version of the language",
        "inputs": "add `inputs:`, each input with its name and the shape of one sample"
        if not owner_path
        else "add `inputs:`, a file for each input of the model",
        "outputs": "add `outputs:`, each with its name and the tensor that it is computed `from`",
        "from": "name its input: `from: <input or node>`",
        "shape": "write the shape of one sample: `shape: [28, 28, 1]`; `[]` is one number, null any length",
        "optimizer": "name an optimizer: `optimizer: adam`",
    }
    if key_span is None and span is not None:
        key_span = Span(span.source, span.line, span.column, span.line, span.column + 1)
    return Diagnostic(
        MISSING_KEY,
        f"{_subject(owner_path)} has no `{name}`",
        key_span or span,
        f"a key `{name}` in here",
        helps.get(name, f"add `{name}:`"),
    )


def _union(tree: Mapping, path: Path, problems: list[Any]) -> Diagnostic:
    """Return one diagnostic for a value that no member of its union accepts."""
    value, key_span, span = descend(tree, path)
    ranged = [problem for problem in problems if problem["type"] in _RANGES]
    if ranged:
        return _explain_one(tree, path, ranged[0])
    expected = " or ".join(
        dict.fromkeys(
            _TYPES.get(problem["type"]) or f"{problem['ctx']['expected']}".replace("'", "`") for problem in problems
        )
    )
    return _wrong_type(path, value, key_span if value is None and key_span is not None else span, expected)


def _expected_range(kind: str, context: dict[str, Any], message: str) -> str:
    if kind in _RANGES:
        key, text = _RANGES[kind]
        bound = f"{context[key]:,}" if isinstance(context[key], int) else f"{context[key]:g}"
        return f"{text} {bound}"
    return message[0].lower() + message[1:]


def class_at(path: Path) -> type[BaseModel] | None:
    """Return the class of the part at `path`; None where there is no part."""
    current: Any = SpecModel
    for step in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = next((f for n, f in current.model_fields.items() if (f.alias or n) == step), None)
            current = _strip(field.annotation) if field is not None else None
        elif get_origin(current) in (dict, list):
            current = _strip(get_args(current)[-1])
        else:
            return None
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _strip(annotation: Any) -> Any:
    """Return the type inside `Annotated[...]` and `X | None`."""
    if get_origin(annotation) is Annotated:
        return _strip(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        members = [
            member for member in get_args(annotation) if member is not type(None) and get_origin(member) is not Literal
        ]
        return _strip(members[0])
    return annotation
