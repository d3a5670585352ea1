"""Check argument values against the types and ranges that Keras accepts."""

from __future__ import annotations

import math
import re
from typing import Any

from graphspec import catalog
from graphspec.catalog import REQUIRED, SINGULAR, Entry
from graphspec.catalog.arguments import FUNCTIONS, argument_kind
from graphspec.catalog.values import FLOAT32_MAX, Values, accepted, takes, takes_length, wrong_items
from graphspec.diagnostics import Fix, Report
from graphspec.diagnostics.rules import ARGUMENT_VALUE, BAD_NAME, WRONG_TYPE
from graphspec.diagnostics.suggest import TRUTHS, a, closest, kind_of, one_of
from graphspec.language.document.scalars import resolve
from graphspec.language.document.tree import Located, Mapping, Sequence, plain
from graphspec.language.lower.other_versions import taken_later

_MAX_WORDS = 8
"""Words that a message lists."""


def refuse_value(entry: Entry, argument: str, value: Located, report: Report) -> bool:
    """Return whether Keras refuses `value` for `argument`, and report it.

    Strings and mappings that denote objects are checked in `lower.objects`.
    """
    content, kind = value.value, argument_kind(argument)
    if isinstance(content, str) and argument == "name":
        return entry.kind == "layers" and _refuse_name(value, report)
    described = accepted(entry.kind, entry.name, argument)
    if isinstance(content, str) and _refuse_quoted(entry, argument, described, value, report=report):
        return True
    if described is None and (
        _refuse_mistaken(entry, argument, value, report) or _refuse_quoted_item(entry, argument, value, report)
    ):
        return True
    if (
        described is None
        or (kind is not None and isinstance(content, str | Mapping))
        or takes(described, plain(content))
    ):
        return _refuse_overflow(entry, argument, value, report)
    if content is None and entry.arguments[argument] is None:
        return False
    wrong, expected, subject = value, described, f"`{argument}` of `{entry.name}`"
    while isinstance(wrong.value, Sequence) and "list" in expected and takes_length(expected["list"], len(wrong.value)):
        number = wrong_items(expected, plain(wrong.value))[0]
        wrong, expected = list(wrong.value.entries())[number], expected["list"].get("items", {})
        subject = f"an entry of {subject}" if not subject.startswith("an entry") else subject
    near = _near(expected, wrong.value)
    help = (
        f"did you mean `{near}`?" if near else taken_later(entry, argument, plain(content)) or _about(entry, argument)
    )
    plugin = ", or a function that a plugin registers" if argument in FUNCTIONS.get(entry.name, ()) else ""
    if plugin and not near:
        help = f"write the function of a plugin with its package: `{argument}: my>{argument}`"
    fix = Fix.rewrite(wrong.span, wrong.value, near, is_safe=False) if near else None
    if isinstance(entry.arguments[argument], bool) and _is_number(content):
        help, fix = _as_truth(argument, wrong)
    report.add(
        ARGUMENT_VALUE,
        f"{subject} is {_kind_of(wrong.value)}",
        wrong.span,
        expected=" or ".join(filter(None, [a(SINGULAR[kind]) if kind is not None else "", in_words(expected)]))
        + plugin,
        help=help,
        fix=fix,
    )
    return True


_WITHOUT_END = re.compile(r"(?:min|max|mask|fill)_value|\w*clip\w*")
"""Arguments that may be infinite: bounds that exclude nothing, and values that stand for none."""


def _refuse_overflow(entry: Entry, argument: str, value: Located, report: Report) -> bool:
    """Refuse a number beyond float32, to which Keras converts it: every result would be NaN.

    Infinity is allowed for bounds. Callbacks and operations may compare with any number.
    """
    if entry.kind in ("callbacks", "ops"):
        return False
    wrong = _first_beyond(value)
    if wrong is None or (
        isinstance(wrong.value, float) and math.isinf(wrong.value) and _WITHOUT_END.fullmatch(argument)
    ):
        return False
    report.add(
        ARGUMENT_VALUE,
        f"{'an entry of ' if wrong is not value else ''}`{argument}` of `{entry.name}` is {kind_of(wrong.value)}",
        wrong.span,
        expected=f"a number from -{FLOAT32_MAX:g} to {FLOAT32_MAX:g}",
        help="Keras computes with float32, in which a larger number is infinite",
    )
    return True


def _first_beyond(value: Located) -> Located | None:
    """Return the first number beyond float32 in `value`, at any depth."""
    if _is_number(value.value):
        return None if abs(value.value) <= FLOAT32_MAX else value
    items = value.value.entries() if isinstance(value.value, Sequence) else ()
    return next((each for item in items if (each := _first_beyond(item)) is not None), None)


TRUTHS_OR_NONE = ("flash_attention", "ragged", "sparse")
"""Arguments that take a boolean, though their default is None."""


def _refuse_mistaken(entry: Entry, argument: str, value: Located, report: Report) -> bool:
    """Refuse a boolean for a number and vice versa, by the argument's default.

    Python does not distinguish them. An argument that also takes a tensor takes both.
    """
    default = entry.arguments.get(argument)
    if argument in entry.tensors or argument not in entry.arguments or argument_kind(argument) is not None:
        return False
    if isinstance(default, bool):
        if not _is_number(value.value):
            return False
        help, fix = _as_truth(argument, value)
        expected = "true or false"
    else:
        wrong = _first_truth(value) if argument not in TRUTHS_OR_NONE else None
        if wrong is None:
            return False
        value, help, fix = wrong, _about(entry, argument), None
        expected = "text" if isinstance(default, str) else "a number"
    report.add(
        ARGUMENT_VALUE,
        f"`{argument}` of `{entry.name}` is {kind_of(value.value)}",
        value.span,
        expected=expected,
        help=help,
        fix=fix,
    )
    return True


def _refuse_quoted_item(entry: Entry, argument: str, value: Located, report: Report) -> bool:
    """Refuse a quoted number in a list of numbers."""
    items = list(value.value.entries()) if isinstance(value.value, Sequence) else []
    if not any(_is_number(item.value) for item in items):
        return False
    quoted = next((each for each in items if isinstance(each.value, str) and _reads_as_number(each.value)), None)
    if quoted is None:
        return False
    text = quoted.value.strip()
    report.add(
        WRONG_TYPE,
        f"an entry of `{argument}` of `{entry.name}` is {kind_of(quoted.value)}, among numbers",
        quoted.span,
        expected="a number",
        help=f"remove the quotes: `{text}`",
        fix=Fix.unquote(quoted.span, quoted.value, text),
    )
    return True


def _reads_as_number(text: str) -> bool:
    return bool(text.strip()) and _is_number(resolve(text.strip()))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _first_truth(value: Located) -> Located | None:
    """Return the first boolean in `value`, a boolean or a list at any depth."""
    if isinstance(value.value, bool):
        return value
    items = value.value.entries() if isinstance(value.value, Sequence) else ()
    return next((each for item in items if (each := _first_truth(item)) is not None), None)


def _as_truth(argument: str, value: Located) -> tuple[str, Fix | None]:
    """Return the help and the fix that write 0 or 1 as a boolean."""
    if value.value not in (0, 1):
        return "", None
    truth = str(bool(value.value)).lower()
    return f"write `{argument}: {truth}`", Fix.rewrite(value.span, str(value.value), truth)


def _kind_of(value: Any) -> str:
    """Return the kind of a value as text, with the length of a list."""
    if isinstance(value, Sequence):
        return "an empty list" if not value else f"a list of {len(value)}"
    return kind_of(value)


def _near(described: Values, value: Any) -> str | None:
    """Return the accepted word that is most similar to `value`."""
    if not isinstance(value, str):
        return None
    return closest(value, described.get("words", ()))


def _about(entry: Entry, argument: str) -> str:
    doc = catalog.argument_docs(entry.kind, entry.name).get(argument)
    return f"the Keras documentation says: {doc}" if doc else f"`graphspec layers {entry.name}` describes its arguments"


def in_words(described: Values, *, plural: bool = False) -> str:
    """Return accepted values as text, such as `a number from 1 up or null`."""
    parts: list[str] = []
    if "truth" in described or (described.get("bool") is True and not {"int", "number"} & set(described)):
        parts.append("truth values" if plural else "`true` or `false`")
    if "number" in described or {"int", "float"} <= set(described):
        parts.append(_number("numbers" if plural else "a number", described.get("number", {})))
    elif "int" in described:
        parts.append(_number("whole numbers" if plural else "a whole number", described["int"]))
    elif "float" in described:
        parts.append(_number("numbers with a point" if plural else "a number with a point", described["float"]))
    if "words" in described and "text" not in described:
        words = [f"`{word}`" for word in described["words"]]
        parts += words if len(words) <= _MAX_WORDS else [one_of(described["words"], _MAX_WORDS)]
    if "text" in described:
        parts.append("texts" if plural else "text")
    if "character" in described:
        parts.append("characters" if plural else "one character")
    if "list" in described:
        parts.append(_list(described["list"], plural))
    if "mapping" in described:
        parts.append("mappings" if plural else "a mapping")
    if "null" in described:
        parts.append("`null`")
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def _number(noun: str, limits: dict[str, float]) -> str:
    low, high = limits.get("min"), limits.get("max")
    if low is not None and low == high:
        return str(low)
    if low is not None and high is not None:
        return f"{noun} from {low} to {high}"
    bounds = [f"{word} {limits[key]}" for key, word in (("above", "above"), ("below", "below")) if key in limits]
    if low is not None:
        bounds.append(f"from {low}" if bounds else f"from {low} up")
    if high is not None:
        bounds.append(f"up to {high}")
    return f"{noun} {' and '.join(bounds)}".strip()


def _list(described: Values, plural: bool) -> str:
    noun = "lists" if plural else "a list"
    items = in_words(described["items"], plural=True) if "items" in described else "values"
    if "lengths" in described:
        lengths = [str(length) for length in described["lengths"]]
        count = lengths[0] if len(lengths) == 1 else f"{', '.join(lengths[:-1])} or {lengths[-1]}"
        if len(described["lengths"]) == 1 and lengths[0] == "1":
            items = in_words(described["items"]) if "items" in described else "value"
            return f"{noun} of one: {items}"
        return f"{noun} of {count} {items}"
    if described.get("at_least", 0) > 1:
        return f"{noun} of {described['at_least']} or more {items}"
    return f"{noun} of {items}"


def _refuse_name(value: Located, report: Report) -> bool:
    """Refuse text that is not a valid layer name."""
    text = value.value.strip()
    if text and "/" not in text:
        return False
    report.add(
        BAD_NAME,
        f"`{value.value}` is not a valid layer name",
        value.span,
        expected="a string without `/`, which Keras uses for paths",
        help=f"write `{text.replace('/', '_') or 'a_name'}`",
    )
    return True


def _refuse_quoted(entry: Entry, argument: str, described: Values | None, value: Located, *, report: Report) -> bool:
    """Refuse a quoted boolean or number: any text is true to Python, `no` included."""
    default, text = entry.arguments.get(argument), value.value.strip()  # `rearrange` takes any
    if isinstance(default, bool) and text.lower() in TRUTHS:
        truth = str(TRUTHS[text.lower()]).lower()
        report.add(
            WRONG_TYPE,
            f"`{argument}` is {kind_of(value.value)}, not true or false",
            value.span,
            expected="true or false",
            help=f"write `{argument}: {truth}`; in YAML 1.2 booleans are `true` and `false`",
            fix=Fix.unquote(value.span, value.value, truth),
        )
        return True
    if described is None:
        takes_number = default is REQUIRED or isinstance(default, int | float)
    else:
        takes_number = not takes(described, value.value) and bool({"int", "number", "float"} & set(described))
    if takes_number and isinstance(resolve(text), int | float) and text:
        report.add(
            WRONG_TYPE,
            f"`{argument}` is {kind_of(value.value)}, not a number",
            value.span,
            expected="a number",
            help=f"remove the quotes: `{argument}: {text}`",
            fix=Fix.unquote(value.span, value.value, text),
        )
        return True
    return False
