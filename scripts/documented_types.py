"""What Keras' documentation says of the type of an argument, where trials say less: text and default → a description.

A layer that is applied to symbolic tensors computes nothing, so Keras takes `["1", 2]` for the boundaries of bins; and
what only counts epochs is compared with any number. The first words of an argument's documentation say what is meant:
`Integer, the axis ...`, `Float.`, `Tuple of integers`, `Number of epochs`. The description has the form of
`graphspec.catalog.values`.
"""

from __future__ import annotations

import re
from typing import Any

from graphspec.catalog import REQUIRED
from graphspec.catalog.values import takes

Values = dict[str, Any]

_ARTICLE = r"\W*(?:optional|required)?\W*(?:an?|the|one or more)?\s*"
_ADJECTIVES = r"(?:(?:python|positive|non-negative|strictly|small|single|scalar|list of|tuple of)\s+)*"
_WHOLE = re.compile(
    rf"{_ARTICLE}(?:{_ADJECTIVES}(?:int|ints|integer|integers)\b(?! ?(?:/|or|,) ?(?:float|str|tensor|array))"
    r"|(?:maximum |minimum )?number of (?!bits)|maximum size of|verbosity mode|how many )"
)
_BROKEN = re.compile(rf"{_ARTICLE}{_ADJECTIVES}(?:floats?|floating[ -]point)\b")
_NAMED = re.compile(rf"{_ARTICLE}(?:string|str|text)\b(?! (?:or|/))")
_SEVERAL = re.compile(
    r"\b(?:lists?|tuples?)\b(?:/(?:list|tuple)|\s+or\s+(?:list|tuple))?,?\s+of\s+(?:[\w-]+\s+)?(ints?|integers?|floats?)\b"
)
_SHAPE = re.compile(rf"{_ARTICLE}(?:new |desired |expected |target )?shape\b")
_TENSOR = re.compile(r"\b(?:tensor|array|callable|iterable|KerasTensor|dict|dictionary|instance)\b", re.I)
_NUMBERS: Values = {"number": {}, "list": {"items": {"number": {}, "list": {"items": {"number": {}}}}}}


def narrowed(measured: Values | None, text: str, default: Any, *, counts: bool = True) -> Values | None:
    """Return `measured` without what its documentation `text` and its default rule out.

    measured is None where the trials took everything. What is said is let go where it would refuse the default.
    counts: whole numbers are meant where they are said; else Keras computes with the parts of one as well.
    """
    found = _unmeasured(text, default) if measured is None else _measured(measured, text) if counts else measured
    if measured is None and not counts and found is not None and "whole_float" in found:
        found = {**{sort: each for sort, each in found.items() if sort not in ("int", "whole_float")}, "number": {}}
    if found is None or default is REQUIRED or default is None or isinstance(default, bool) or takes(found, default):
        return found
    return measured


def _measured(measured: Values, text: str) -> Values:
    """Return the description with whole numbers where the documentation means them, alone or in a list."""
    low = text.lower()
    several = _SEVERAL.search(low)
    found = _whole(measured) if _WHOLE.match(low) else dict(measured)
    if re.search(r"\b(?:list|tuple)", low) and "dict" not in low and "list" in found:
        found.pop("mapping", None)  # read key by key
    if several is None or "list" not in found or "items" not in found["list"]:
        return found
    items = found["list"]["items"]
    if not {"number", "int"} & set(items):
        return found
    found["list"] = {**found["list"], "items": _numbers_alone(items, whole=several[1].startswith("int"))}
    if "text" not in items:
        return found
    return {sort: each for sort, each in found.items() if sort != "text"}  # read letter by letter


def _numbers_alone(items: Values, *, whole: bool) -> Values:
    """Return what is said of the items of a list without texts and mappings among them."""
    found = {sort: each for sort, each in items.items() if sort in ("null", "number", "int", "whole_float")}
    if "items" in items.get("list", {}):
        found["list"] = {**items["list"], "items": _numbers_alone(items["list"]["items"], whole=whole)}
    if not whole:
        return found
    return {sort: each for sort, each in _whole(found).items() if sort != "whole_float"}


def _whole(described: Values) -> Values:
    """Return the description with whole numbers for numbers, which may be written with a point: `2.0`."""
    if "number" not in described:
        return described
    limits = {{"above": "min", "below": "max"}.get(key, key): value for key, value in described["number"].items()}
    if "above" in described["number"]:
        limits["min"] = described["number"]["above"] + 1
    if "below" in described["number"]:
        limits["max"] = described["number"]["below"] - 1
    return {
        ("int" if sort == "number" else sort): (limits if sort == "number" else each)
        for sort, each in described.items()
    } | {"whole_float": True}


def _unmeasured(text: str, default: Any) -> Values | None:
    """Return what the documentation and the default say; None where they say nothing."""
    low = text.lower()
    null: Values = {"null": True} if default is None or re.search(r"\bnone\b", low) else {}
    several = _SEVERAL.search(low)
    is_open = _TENSOR.search(text) is not None
    if isinstance(default, bool) or (is_open and default is REQUIRED and not _SHAPE.match(low)):
        return None
    if isinstance(default, list) and default and all(_is_number(each) for each in default):
        item: Values = {"int": {}} if several is not None and several[1].startswith("int") else {"number": {}}
        return {"list": {"lengths": [len(default)], "items": item}}
    if isinstance(default, str):
        return {"text": True} if _NAMED.match(low) else None
    if default is REQUIRED and _SHAPE.match(low):
        return {"int": {}, "list": {"items": {"null": True, "int": {}}}}
    if several is not None and several[1].startswith("int"):
        return {**null, "int": {}, "list": {"items": {"int": {}}}}
    if several is not None:
        return {**null, **_NUMBERS}
    if _WHOLE.match(low) and "float" not in low.partition(".")[0]:
        many: Values = {"list": {"items": {"int": {}}}} if re.search(r"\b(?:list|tuple)", low) else {}
        return {**null, "int": {}, "whole_float": True, **many}
    if _BROKEN.match(low) or (isinstance(default, float) and not is_open):
        return {**null, **_NUMBERS}
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
