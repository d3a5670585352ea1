"""Words for messages: the nearest known name, lists of names, values and their kinds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache
from typing import Any

TRUTHS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
"""The booleans of YAML 1.1; YAML 1.2 reads all but two as text."""

_MAX_NAMES = 2_000
"""The number of known names above which no suggestion is made, since it would take too long."""

_MAX_COMPARED = 200
"""The number of known names above which only candidates are compared letter by letter."""

_CANDIDATES = 20
"""The number of candidates: the names that share the most pairs of letters with the wrong one."""

_MAX_LENGTH = 80
"""The length above which no suggestion is made, since comparing would take too long."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name nearest to `name`, in any case; None if none is near.

    A longer name with all words of `name` is nearest: `sparse_categorical_crossentropy` for `sparse_crossentropy`. Of
    names that differ only in case (the metrics `Accuracy` and `accuracy`), the one with the nearest case is.
    """
    listed = known if isinstance(known, Collection) else list(known)
    return _closest(name, tuple(listed)) if len(listed) <= _MAX_NAMES else None


@lru_cache(maxsize=256)
def _closest(name: str, known: tuple[str, ...]) -> str | None:
    index, folded = _index(known), name.casefold()
    matches = index.wider(folded) or get_close_matches(folded, index.candidates(folded), n=1, cutoff=0.6)
    return get_close_matches(name, index.by_folded[matches[0]], n=1, cutoff=0)[0] if matches else None


@lru_cache(maxsize=8)
def _index(known: tuple[str, ...]) -> _Index:
    return _Index(known)


class _Index:
    """An index of known names for many look-ups."""

    def __init__(self, known: tuple[str, ...]) -> None:
        self.by_folded: dict[str, list[str]] = {}
        for name in known:
            self.by_folded.setdefault(name.casefold(), []).append(name)
        self.words = {name: set(name.split("_")) for name in self.by_folded}
        self.holders: dict[str, list[str]] = {}
        for name in self.by_folded if len(self.by_folded) > _MAX_COMPARED else ():
            for pair in _pairs(name):
                self.holders.setdefault(pair, []).append(name)

    def wider(self, folded: str) -> list[str]:
        """Return the shortest name with all words of a name of several words, if there is one."""
        words = set(folded.split("_"))
        found = [name for name, its_words in self.words.items() if words <= its_words] if len(words) > 1 else []
        return [min(found, key=len)] if found else []

    def candidates(self, folded: str) -> list[str]:
        """Return the names to compare letter by letter: all, or those that share the most pairs of letters.

        Pairs that are in more than a quarter of the names are ignored.
        """
        if not self.holders:
            return list(self.by_folded)
        shared = Counter[str]()
        for pair in _pairs(folded):
            names = self.holders.get(pair, ())
            shared.update(names if len(names) <= len(self.by_folded) // 4 else ())
        return [name for name, _ in shared.most_common(_CANDIDATES)]


def _pairs(name: str) -> set[str]:
    return {name[at : at + 2] for at in range(min(len(name), _MAX_LENGTH) - 1)}


def is_unmistakable(name: str, known: Iterable[str]) -> bool:
    """Return whether `name` is near to one known name and far from all others."""
    if len(name) > _MAX_LENGTH:
        return False
    folded = name.casefold()
    ratios = sorted((SequenceMatcher(None, folded, each.casefold()).ratio() for each in set(known)), reverse=True)
    return bool(ratios) and ratios[0] >= 0.8 and (len(ratios) == 1 or ratios[0] - ratios[1] >= 0.15)


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return ``did you mean `x`?``, or `otherwise` if no known name is near."""
    match = closest(name, known)
    return f"did you mean `{match}`?" if match is not None else otherwise


def one_of(names: Iterable[str], limit: int = 12) -> str:
    """Return the names in backticks as a list, cut after `limit`."""
    listed = list(names)
    text = ", ".join(f"`{name}`" for name in listed[:limit])
    return text if len(listed) <= limit else f"{text}, ... ({len(listed)} in all)"


def a(noun: str) -> str:
    """Return a noun with its article: `a layer`, `an optimizer`."""
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


_MAX_SHOWN = 60
_MAX_DIGITS = 100
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+")


def cut(text: str, limit: int = _MAX_SHOWN) -> str:
    """Return the text, cut after `limit` characters."""
    return text if len(text) <= limit else f"{text[:limit]}..."


def first_line(error: Exception) -> str:
    """Return the first line of the message of an error, or its type if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def kind_of(value: Any) -> str:
    """Return the kind of `value` in words, such as `the text `a`` or `a list`."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str) and len(value) > _MAX_DIGITS and _NUMBER.fullmatch(value):  # read as text
        return f"a number of {sum(map(str.isdigit, value)):,} digits"
    if isinstance(value, str):
        return f"the text `{' '.join(value[:40].split())}`" if value.strip() else "an empty text"
    if isinstance(value, int) and value.bit_length() > 4 * _MAX_DIGITS:
        return "a number of more than 100 digits"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "a mapping"


def quoted(value: Any) -> str:
    """Return `value` as a spec would write it, cut if it is long."""
    if isinstance(value, bool) or value is None:
        return f"`{'null' if value is None else str(value).lower()}`"
    if isinstance(value, int) and value.bit_length() > 4 * _MAX_DIGITS:
        return kind_of(value)
    return f"`{cut(str(value))}`" if not isinstance(value, dict | list) else kind_of(value)
