"""Did-you-mean: the nearest of the known names, by difflib, without regard to case."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache
from typing import Any

TRUTHS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
"""What YAML 1.1 reads as a truth value, and YAML 1.2, but for two of them, as text."""

_MANY = 2_000
"""Among more names than this no near one is looked for: it would take long, and a list of them helps no one."""

_LONG = 80
"""No name is longer, and comparing two such texts takes its time."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name nearest to `name`, or None where none is near.

    A longer name that holds every word of `name` is nearest: `sparse_crossentropy` is meant as
    `sparse_categorical_crossentropy`, not as `binary_crossentropy`. Of names that differ in case alone
    (`Accuracy` and `accuracy` are two metrics), it is the one whose case is nearest.
    """
    listed = known if isinstance(known, Collection) else list(known)
    return _closest(name, tuple(listed)) if len(listed) <= _MANY else None


@lru_cache(maxsize=256)
def _closest(name: str, known: tuple[str, ...]) -> str | None:
    by_folded: dict[str, list[str]] = {}
    for candidate in known:
        by_folded.setdefault(candidate.casefold(), []).append(candidate)
    folded = name.casefold()
    words = set(folded.split("_"))
    wider = [each for each in by_folded if len(words) > 1 and words <= set(each.split("_"))]
    matches = [min(wider, key=len)] if wider else get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    return get_close_matches(name, by_folded[matches[0]], n=1, cutoff=0)[0] if matches else None


def is_unmistakable(name: str, known: Iterable[str]) -> bool:
    """Whether `name` differs from the known name nearest to it by little, and from every other by much more."""
    if len(name) > _LONG:
        return False
    folded = name.casefold()
    ratios = sorted((SequenceMatcher(None, folded, each.casefold()).ratio() for each in set(known)), reverse=True)
    return bool(ratios) and ratios[0] >= 0.8 and (len(ratios) == 1 or ratios[0] - ratios[1] >= 0.15)


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """``did you mean `x`?``, or `otherwise` where no known name is near."""
    match = closest(name, known)
    return f"did you mean `{match}`?" if match is not None else otherwise


def one_of(names: Iterable[str], limit: int = 12) -> str:
    """The names as a readable list, cut after `limit`."""
    listed = list(names)
    shown = ", ".join(f"`{name}`" for name in listed[:limit])
    return shown if len(listed) <= limit else f"{shown}, ... ({len(listed)} in all)"


def a(noun: str) -> str:
    """The noun with its article: `a layer`, `an optimizer`."""
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def kind_of(value: Any) -> str:
    """What `value` is, in words, for messages."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f"the text `{' '.join(value[:40].split())}`" if value.strip() else "an empty text"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "a mapping"


def shown(value: Any) -> str:
    """`value` as it would be written in a spec, for messages."""
    if isinstance(value, bool) or value is None:
        return f"`{'null' if value is None else str(value).lower()}`"
    return f"`{value}`" if not isinstance(value, dict | list) else kind_of(value)
