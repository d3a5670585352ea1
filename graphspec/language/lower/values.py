"""Whether Keras takes the value of an argument, and what to say where it does not."""

from __future__ import annotations

import math
import re
from typing import Any

from graphspec import catalog
from graphspec.catalog import REQUIRED, SINGULAR, Entry
from graphspec.catalog.arguments import argument_kind
from graphspec.catalog.values import FLOAT32_MAX, Values, accepted, takes, takes_length, wrong_items
from graphspec.diagnostics import Fix, Report
from graphspec.diagnostics.rules import ARGUMENT_VALUE, BAD_NAME, WRONG_TYPE
from graphspec.diagnostics.suggest import TRUTHS, a, closest, kind_of, one_of
from graphspec.language.document.scalars import resolve
from graphspec.language.document.tree import Located, Mapping, Sequence, plain

_MANY = 8
"""So many words are listed in a message."""


def refuse_value(entry: Entry, argument: str, value: Located, report: Report) -> bool:
    """Whether `argument` does not take `value`, which is then reported.

    Texts and mappings that stand for objects are read, and judged, elsewhere.
    """
    found, kind = value.value, argument_kind(argument)
    if isinstance(found, str) and argument == "name":
        return entry.kind == "layers" and _refuse_name(value, report)
    described = accepted(entry.kind, entry.name, argument)
    if isinstance(found, str) and _refuse_quoted(entry, argument, described, value, report):
        return True
    if described is None and (
        _refuse_mistaken(entry, argument, value, report) or _refuse_quoted_item(entry, argument, value, report)
    ):
        return True
    if described is None or (kind is not None and isinstance(found, str | Mapping)) or takes(described, plain(found)):
        return _refuse_overflow(entry, argument, value, report)
    if found is None and entry.arguments[argument] is None:
        return False
    wrong, expected, subject = value, described, f"`{argument}` of `{entry.name}`"
    while isinstance(wrong.value, Sequence) and "list" in expected and takes_length(expected["list"], len(wrong.value)):
        number = wrong_items(expected, plain(wrong.value))[0]
        wrong, expected = list(wrong.value.entries())[number], expected["list"].get("items", {})
        subject = f"an entry of {subject}" if not subject.startswith("an entry") else subject
    near = _near(expected, wrong.value)
    help = f"did you mean `{near}`?" if near else _about(entry, argument)
    fix = Fix.rewrite(wrong.span, wrong.value, near, is_safe=False) if near else None
    if isinstance(entry.arguments[argument], bool) and _is_number(found):
        help, fix = _as_truth(argument, wrong)
    report.add(
        ARGUMENT_VALUE,
        f"{subject} is {_found(wrong.value)}",
        wrong.span,
        expected=" or ".join(filter(None, [a(SINGULAR[kind]) if kind is not None else "", in_words(expected)])),
        help=help,
        fix=fix,
    )
    return True


_WITHOUT_END = re.compile(r"(?:min|max|mask|fill)_value|\w*clip\w*")
"""Arguments that may be infinite: a bound that holds nothing back, or a value that stands for none."""


def _refuse_overflow(entry: Entry, argument: str, value: Located, report: Report) -> bool:
    """Refuse a number that is no number to a float32, which Keras makes of it: all that is computed with it is NaN.

    Infinity is a value where it stands for no bound; callbacks and operations compare with any number.
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
    """Return the number beyond float32 that `value` is, or the first one in a list at any depth."""
    if _is_number(value.value):
        return None if abs(value.value) <= FLOAT32_MAX else value
    items = value.value.entries() if isinstance(value.value, Sequence) else ()
    return next((found for item in items if (found := _first_beyond(item)) is not None), None)


TRUTHS_OR_NONE = ("flash_attention", "ragged", "sparse")
"""Arguments that take a truth value, though their default is none."""


def _refuse_mistaken(entry: Entry, argument: str, value: Located, report: Report) -> bool:
    """Refuse a truth value for a number, and a number for a truth value, where no more is known of the argument.

    To Python they are the same. What a tensor may stand in the place of takes both.
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
    """Refuse a number that is written as text among numbers, where no more is known of the argument."""
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
    """The truth value that `value` is, or the first one in a list at any depth."""
    if isinstance(value.value, bool):
        return value
    items = value.value.entries() if isinstance(value.value, Sequence) else ()
    return next((found for item in items if (found := _first_truth(item)) is not None), None)


def _as_truth(argument: str, value: Located) -> tuple[str, Fix | None]:
    """How to write 0 or 1 as a truth value."""
    if value.value not in (0, 1):
        return "", None
    truth = str(bool(value.value)).lower()
    return f"write `{argument}: {truth}`", Fix.rewrite(value.span, str(value.value), truth)


def _found(value: Any) -> str:
    if isinstance(value, Sequence):
        return "an empty list" if not value else f"a list of {len(value)}"
    return kind_of(value)


def _near(described: Values, value: Any) -> str | None:
    """The word that is meant by another."""
    if not isinstance(value, str):
        return None
    return closest(value, described.get("words", ()))


def _about(entry: Entry, argument: str) -> str:
    said = catalog.argument_docs(entry.kind, entry.name).get(argument)
    return (
        f"the Keras documentation says: {said}" if said else f"`graphspec layers {entry.name}` describes its arguments"
    )


def in_words(described: Values, *, plural: bool = False) -> str:
    """What is taken, for people: `a whole number from 1 up or a list of 2 whole numbers`."""
    said: list[str] = []
    if "truth" in described or (described.get("bool") is True and not {"int", "number"} & set(described)):
        said.append("truth values" if plural else "`true` or `false`")
    if "number" in described or {"int", "float"} <= set(described):
        said.append(_number("numbers" if plural else "a number", described.get("number", {})))
    elif "int" in described:
        said.append(_number("whole numbers" if plural else "a whole number", described["int"]))
    elif "float" in described:
        said.append(_number("numbers with a point" if plural else "a number with a point", described["float"]))
    if "words" in described and "text" not in described:
        words = [f"`{word}`" for word in described["words"]]
        said += words if len(words) <= _MANY else [one_of(described["words"], _MANY)]
    if "text" in described:
        said.append("texts" if plural else "text")
    if "character" in described:
        said.append("characters" if plural else "one character")
    if "list" in described:
        said.append(_list(described["list"], plural))
    if "mapping" in described:
        said.append("mappings" if plural else "a mapping")
    if "null" in described:
        said.append("`null`")
    if not said:
        return ""
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} or {said[-1]}"


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
    """Refuse what is not a valid layer name."""
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


def _refuse_quoted(entry: Entry, argument: str, described: Values | None, value: Located, report: Report) -> bool:
    """Refuse a truth value or a number that is written as text: any text is true to Python, `no` included."""
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
