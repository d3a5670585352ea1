"""Did-you-mean: the nearest of the known names, by difflib, without regard to case."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache
from typing import Any

TRUTHS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
"""What YAML 1.1 reads as a truth value, and YAML 1.2, but for two of them, as text."""

_MANY = 2_000
"""Among more names than this no near one is looked for: it would take long, and a list of them helps no one."""

_COMPARED = 200
"""Of more names than this, only some are compared letter by letter: those that share pairs of letters with the name."""

_LOOKED_AT = 20
"""So many of them."""

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
    index, folded = _index(known), name.casefold()
    matches = index.wider(folded) or get_close_matches(folded, index.candidates(folded), n=1, cutoff=0.6)
    return get_close_matches(name, index.by_folded[matches[0]], n=1, cutoff=0)[0] if matches else None


@lru_cache(maxsize=8)
def _index(known: tuple[str, ...]) -> _Index:
    return _Index(known)


class _Index:
    """Known names, prepared for many questions about them."""

    def __init__(self, known: tuple[str, ...]) -> None:
        self.by_folded: dict[str, list[str]] = {}
        for name in known:
            self.by_folded.setdefault(name.casefold(), []).append(name)
        self.words = {name: set(name.split("_")) for name in self.by_folded}
        self.holders: dict[str, list[str]] = {}
        for name in self.by_folded if len(self.by_folded) > _COMPARED else ():
            for pair in _pairs(name):
                self.holders.setdefault(pair, []).append(name)

    def wider(self, folded: str) -> list[str]:
        """Return the shortest name that holds every word of a name of several words, if one does."""
        words = set(folded.split("_"))
        found = [name for name, its_words in self.words.items() if words <= its_words] if len(words) > 1 else []
        return [min(found, key=len)] if found else []

    def candidates(self, folded: str) -> list[str]:
        """Return the names to compare letter by letter: all, or those that share the most pairs of letters.

        A pair that is in most names tells nothing.
        """
        if not self.holders:
            return list(self.by_folded)
        shared = Counter[str]()
        for pair in _pairs(folded):
            names = self.holders.get(pair, ())
            shared.update(names if len(names) <= len(self.by_folded) // 4 else ())
        return [name for name, _ in shared.most_common(_LOOKED_AT)]


def _pairs(name: str) -> set[str]:
    return {name[at : at + 2] for at in range(min(len(name), _LONG) - 1)}


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


_LONGEST_SHOWN = 60
_MOST_DIGITS = 100
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+")


def cut(text: str, limit: int = _LONGEST_SHOWN) -> str:
    """Return the text, or its beginning where it is longer than a message should hold."""
    return text if len(text) <= limit else f"{text[:limit]}..."


def kind_of(value: Any) -> str:
    """What `value` is, in words, for messages."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str) and len(value) > _MOST_DIGITS and _NUMBER.fullmatch(value):  # read as text
        return f"a number of {sum(map(str.isdigit, value)):,} digits"
    if isinstance(value, str):
        return f"the text `{' '.join(value[:40].split())}`" if value.strip() else "an empty text"
    if isinstance(value, int) and value.bit_length() > 4 * _MOST_DIGITS:
        return "a number of more than 100 digits"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "a mapping"


def shown(value: Any) -> str:
    """`value` as it would be written in a spec, for messages, cut where it is long."""
    if isinstance(value, bool) or value is None:
        return f"`{'null' if value is None else str(value).lower()}`"
    if isinstance(value, int) and value.bit_length() > 4 * _MOST_DIGITS:
        return kind_of(value)
    return f"`{cut(str(value))}`" if not isinstance(value, dict | list) else kind_of(value)
