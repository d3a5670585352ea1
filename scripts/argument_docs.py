"""What Keras' docstrings say of each argument: text in, one line an argument out. `make_catalog` writes it down."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections import Counter
from typing import Any

_MAX_LENGTH = 200
"""Whole sentences up to so many characters are kept, and always the first one that says more than a type."""

_SECTION = re.compile(r"^( *)(?:Args|Arguments): *\n((?:\1 +\S.*\n|\s*\n)+)", re.M)
_HEAD = r"^[*`]*(?:\w+(?:, ?\w+)*)[*`]*(?: \([^)]*\))?:[ \n]"
"""How what is said of an argument begins. Some docstrings go on below at the same depth."""
_ENTRY = re.compile(rf"{_HEAD.replace('(?:', '(', 1)}(.*?)(?={_HEAD}|\Z)", re.M | re.S)
_FIELD = re.compile(r"\{\{.*?\}\}")
"""What Keras fills in later, or forgets to."""
_SENTENCE = re.compile(r".*?[.?!](?=\s+[A-Z`\"(]|$)|.+$", re.S)
_INTRODUCTION = re.compile(r",? (?:configuring the layer as follows|that meets the following criteria)$")
"""What leads to a list, at the end of a sentence that says enough without it."""
_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|etc|vs|et al|cf)\.$")


def documented(docstring: str | None) -> dict[str, str]:
    """What the `Args:` of a docstring say of each argument, in full."""
    found: dict[str, str] = {}
    for section in _SECTION.finditer(inspect.cleandoc(docstring or "") + "\n"):
        for names, text in _ENTRY.findall(textwrap.dedent(section[2])):
            for name in re.split(r", ?", names):
                found.setdefault(name, " ".join(_FIELD.sub("", text).split()))
    return found


def one_line(text: str) -> str:
    """The first sentences of `text`, as many as make a line; a list that they introduce is left out."""
    line = ""
    shown = _before_list(text)
    sentences = _sentences(shown)
    if shown != text and len(sentences) > 1 and not _is_whole(sentences[-1]):
        sentences.pop()
    for sentence in sentences:
        if line and (len(line) + len(sentence) >= _MAX_LENGTH) and len(line) > 20:
            break
        line = f"{line} {sentence}".strip()
    return _INTRODUCTION.sub("", line.rstrip(":, ")).removesuffix(" One of").removesuffix(" Options are")


def _is_whole(sentence: str) -> bool:
    """Whether a sentence before a list says something without it: it ends, or in a value."""
    return _INTRODUCTION.sub("", sentence.rstrip(":, ")).rstrip("\")'").endswith((".", "?", "!", "`"))


def _before_list(text: str) -> str:
    """What stands before the first dash or number that begins an item of a list; a dash in code is a minus."""
    for dash in re.finditer(r" - |(?<=:) 1\. ", text):
        if text.count("`", 0, dash.start()) % 2 == 0:
            return text[: dash.start()]
    return text


def _sentences(text: str) -> list[str]:
    found: list[str] = []
    for match in _SENTENCE.finditer(text.strip()):
        sentence = match[0].strip()
        if found and _ABBREVIATED.search(found[-1]):
            found[-1] += f" {sentence}"
        elif sentence:
            found.append(sentence)
    return found


def of_class(cls: type, names: list[str]) -> dict[str, str]:
    """A line on each of the arguments `names` that `cls` or a parent documents, the nearest one first."""
    known: dict[str, str] = {}
    for base in cls.__mro__[:-1]:
        for text in (base.__dict__.get("__doc__"), getattr(base.__dict__.get("__init__"), "__doc__", None)):
            known = documented(text) | known
    return {name: one_line(known[name]) for name in names if known.get(name)}


def of_base(classes: dict[str, dict[str, str]], base_arguments: list[str]) -> dict[str, str]:
    """What most classes of a kind say of an argument that all of them inherit, for those that do not say it."""
    lines = {name: Counter(said[name] for said in classes.values() if name in said) for name in base_arguments}
    return {name: counted.most_common(1)[0][0] for name, counted in lines.items() if counted}


def of_function(function: Any) -> dict[str, str]:
    """A line on each argument that `function` documents."""
    known = documented(function.__doc__)
    named = [each.name for each in inspect.signature(function).parameters.values() if each.kind is not each.VAR_KEYWORD]
    return {name: one_line(known[name]) for name in named if known.get(name)}
