"""What pydantic refused → diagnostics with the place, what was expected and how to mend it."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from graphspec.diagnostics import Diagnostic, Span
from graphspec.document.tree import Mapping, descend
from graphspec.rules import BAD_NAME, BAD_VALUE, LANGUAGE_VERSION, MISSING_KEY, NOT_YET, UNKNOWN_KEY, WRONG_TYPE
from graphspec.schema.model import Body, NodeModel, OutputModel, SpecModel
from graphspec.schema.reserved import RESERVED
from graphspec.suggest import closest, did_you_mean, one_of

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

Path = tuple[str | int, ...]


def explain(tree: Mapping, error: ValidationError) -> Iterator[Diagnostic]:
    """One diagnostic for each thing that pydantic refused in `tree`.

    The members of a union all complain about one value; only one finding is made of them.
    """
    by_place: dict[Path, list[Any]] = {}
    for problem in error.errors(include_url=False):
        path = tuple(step for step in problem["loc"] if not _is_union_tag(tree, problem["loc"], step))
        by_place.setdefault(path, []).append(problem)
    for path, problems in by_place.items():
        yield _union(tree, path, problems) if len(problems) > 1 else _explain_one(tree, path, problems[0])


def _is_union_tag(tree: Mapping, loc: Path, step: str | int) -> bool:
    """Whether pydantic put `step`, a member's name such as `int` or `literal['auto']`, at the end of a place."""
    return (
        step == loc[-1] and isinstance(step, str) and (step in ("int", "bool", "constrained-int") or "literal[" in step)
    )


def _explain_one(tree: Mapping, path: Path, problem: Any) -> Diagnostic:
    kind: str = problem["type"]
    value, key_span, span = descend(tree, path)
    context = problem.get("ctx", {})
    name = str(path[-1]) if path else ""
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
        is_key = path[-1] == "[key]"
        bad = path[-2] if is_key else value
        place = descend(tree, path[:-1])[1] if is_key else span
        return Diagnostic(
            BAD_NAME,
            f"`{bad}` is not a name",
            place,
            expected="letters, digits, `_` and `-`, not starting with a digit or `-`",
            help="a name becomes the name of a Keras layer, and is what references write",
        )
    if kind == "unknown_choice":
        return Diagnostic(BAD_VALUE, f"`{value}` is not {problem['msg']}", span, problem["msg"], context["help"])
    if kind == "literal_error":
        choices = [choice.strip("'") for choice in str(context["expected"]).replace(" or ", ", ").split(", ")]
        return Diagnostic(
            BAD_VALUE,
            f"`{name}` cannot be {shown(value)}",
            span,
            f"one of {one_of(choices)}",
            did_you_mean(str(value), choices),
        )
    if kind == "too_short":
        return Diagnostic(
            BAD_VALUE, f"`{name}` is empty", key_span or span, "at least one entry", f"add an entry to `{name}`"
        )
    if kind in _TYPES:
        expected = _TYPES[kind] if kind != "mapping" else problem["msg"]
        return _wrong_type(name, value, key_span if value is None else span, expected)
    return Diagnostic(
        BAD_VALUE,
        f"`{name}` cannot be {shown(value)}" if isinstance(path[-1], str) else f"{shown(value)} cannot stand here",
        span,
        expected=_expected_range(kind, context, problem["msg"]),
    )


def _wrong_type(name: str, value: Any, span: Span | None, expected: str) -> Diagnostic:
    help = ""
    if value is None:
        help = f"give `{name}` a value, or leave the key out"
    elif expected == "text":
        help = f'put quotes around it: "{value}"' if not isinstance(value, dict | list) else ""
    elif isinstance(value, str) and expected == "true or false":
        help = "YAML 1.2 knows `true` and `false` only" if value.lower() in ("yes", "no", "on", "off") else ""
    elif isinstance(value, str) and value.strip().replace(".", "", 1).isdigit():
        help = "remove the quotes"
    elif expected == "a list" and not isinstance(value, dict):
        help = f"write `[{value}]`"
    return Diagnostic(WRONG_TYPE, f"`{name}` is {kind_of(value)}, not {expected}", span, expected, help)


def _unknown_key(tree: Mapping, path: Path, key_span: Span | None) -> Diagnostic:
    name = str(path[-1])
    owner = _class_at(path[:-1])
    if owner is not None and name in RESERVED.get(owner.__name__, ()):
        return Diagnostic(
            NOT_YET,
            f"`{name}` is part of the language, but this version of graphspec does not build it yet",
            key_span,
            expected="a key that this version reads",
            help="write it without this key for now",
        )
    known = _keys(owner) if owner is not None else []
    if (
        owner is not None
        and issubclass(owner, NodeModel)
        and not issubclass(owner, OutputModel)
        and name in _keys(OutputModel)
    ):
        help = f"`{name}` belongs to an output: move the node under `outputs`"
    elif owner is Body and name in _keys(SpecModel):
        help = f"`{name}` stands at the top of a spec, not in a nested model"
    elif name == "nb_epoch":
        help = "write `epochs`"
    else:
        help = did_you_mean(name, known, f"the keys here are {one_of(known, 20)}")
    where = f" in `{path[-2]}`" if len(path) > 1 and isinstance(path[-2], str) else ""
    return Diagnostic(
        UNKNOWN_KEY, f"there is no key `{name}`{where}", key_span, f"one of the {len(known)} keys here", help
    )


def _missing_key(tree: Mapping, path: Path) -> Diagnostic:
    name, owner_path = str(path[-1]), path[:-1]
    owner, key_span, span = descend(tree, owner_path)
    known = closest(name, owner) if isinstance(owner, Mapping) else None
    where = f"`{owner_path[-1]}`" if owner_path else "the spec"
    helps = {
        "graphspec": "start the spec with `graphspec: 1`, the version of the language",
        "from": "say what comes in: `from: <input or node>`",
        "shape": "say the shape of one sample: `shape: [28, 28, 1]`; `[]` is one number, null any length",
        "optimizer": "name an optimizer: `optimizer: adam`",
    }
    help = f"is `{known}` meant as `{name}`?" if known and known != name else helps.get(name, f"add `{name}:`")
    if key_span is None and span is not None:
        key_span = Span(span.source, span.line, span.column, span.line, span.column + 1)
    return Diagnostic(MISSING_KEY, f"{where} has no `{name}`", key_span or span, f"a key `{name}` in here", help)


def _union(tree: Mapping, path: Path, problems: list[Any]) -> Diagnostic:
    """One finding for a value that no member of its union takes."""
    value, key_span, span = descend(tree, path)
    ranged = [problem for problem in problems if problem["type"] in ("greater_than", "greater_than_equal")]
    if ranged:
        return _explain_one(tree, path, ranged[0])
    expected = " or ".join(
        dict.fromkeys(
            _TYPES.get(problem["type"]) or f"{problem['ctx']['expected']}".replace("'", "`") for problem in problems
        )
    )
    return _wrong_type(str(path[-1]), value, key_span if value is None else span, expected)


def _expected_range(kind: str, context: dict[str, Any], message: str) -> str:
    words = {
        "greater_than": ("gt", "a number above"),
        "greater_than_equal": ("ge", "a number from"),
        "less_than": ("lt", "a number below"),
    }
    if kind in words:
        key, text = words[kind]
        return f"{text} {context[key]:g}" + (" upwards" if key == "ge" else "")
    return message[0].lower() + message[1:]


def kind_of(value: Any) -> str:
    """What `value` is, in words, for messages."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f"the text `{value[:40]}`" if value else "an empty text"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "a mapping"


def shown(value: Any) -> str:
    """`value` as it would be written in a spec, for messages."""
    if isinstance(value, bool) or value is None:
        return f"`{'null' if value is None else str(value).lower()}`"
    return f"`{value}`" if not isinstance(value, dict | list) else kind_of(value)


def _keys(part: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in part.model_fields.items()]


def _class_at(path: Path) -> type[BaseModel] | None:
    """The class of `schema.model` whose mapping stands at `path`."""
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
    """The type inside Annotated[...] and X | None."""
    if get_origin(annotation) is Annotated:
        return _strip(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        members = [
            member for member in get_args(annotation) if member is not type(None) and get_origin(member) is not Literal
        ]
        return _strip(members[0])
    return annotation
