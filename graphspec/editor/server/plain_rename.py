"""Plain renames: those that put one word in the place of another and can change nothing else.

The compiler takes names as they come. So where each occurrence of a name is renamed or is known to mean something
else, and the new one is a word that neither the texts nor the language know, nobody needs to check the spec again. A
rename is not plain as soon as something may look at the letters of a name, as patterns of layers, data files and
metrics do. Nor is it where the compiler may make the old name or the new one out of others: `head_1` for a node `head`
with `each`, `head_dense` for its layer, and what an expression gives.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Set

from graphspec.checks.layer_patterns import is_glob
from graphspec.diagnostics.suggest import TRUTHS
from graphspec.editor.json_schema import schema_text
from graphspec.editor.server.document import Document
from graphspec.editor.server.names import Name, NameIndex
from graphspec.editor.server.project import included
from graphspec.editor.server.values import Value
from graphspec.editor.server.workspace import Workspace
from graphspec.language.document.scalars import resolve

_SECTIONS = frozenset({"vars", "layers", "models", "blocks", "inputs", "graph", "outputs", "losses"})
"""The sections in which a name is nothing but a name."""

_ADDED_NUMBER = re.compile(r"\+\s*\d|\d\s*\+")

_WORD = re.compile(r"[A-Za-z0-9_]+")

_ABOUT = ("name", "description")
"""The keys whose texts name no part of the spec."""

_FOR_DATA = ("input", "output", "loss")
"""The kinds of names by which data files may be read, even where no text holds them."""

Places = Mapping[str, Set[tuple[int, int]]]
"""The offsets of each place of a name, by the URIs of the documents."""


def is_plain(home: Document, name: Name, new: str, *, places: Places, workspace: Workspace) -> bool:
    """Return whether a rename gives specs of the same meaning, whatever else they hold.

    Args:
        home: The document that declares the name.
        name: The name.
        new: The new name, which has the form of a name.
        places: Where it is renamed.
        workspace: The open documents and the specs beside them.
    """
    if not isinstance(resolve(new), str) or new.lower() in TRUTHS or f'"{new}"' in schema_text():
        return False
    if any(each.text == name.text for each in name.body.clashes):
        return False
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(name.text)}(?![A-Za-z0-9])")
    for document in _documents_around(home, workspace):
        if document.root is None or document.names is None or "\\" in document.text:
            return False
        ranges = places.get(document.uri, frozenset())
        meanings = _Meanings(document.text, document.root, document.names)
        if meanings.may_clash(name, new):
            return False
        if not all(_is_in_sections(document.root, start) for start, _ in ranges):
            return False
        others = (match.span() for match in word.finditer(document.text) if match.span() not in ranges)
        if not all(meanings.is_known(*each) for each in others) or meanings.has_composed_names:
            return False
        if name.kind in _FOR_DATA and name.body.parent is None and document.root.get("data") is not None:
            return False
        training = document.root.get("training")
        if training is not None and any(is_glob(each.text) for each in training.scalars(keys=True)):
            return False
    return True


class _Meanings:
    """The meanings of the words of a document."""

    def __init__(self, text: str, root: Value, names: NameIndex) -> None:
        self.text, self.root, self.names = text, root, names
        self.scalars = sorted((each.start, each.end) for each in root.scalars(keys=True))
        self.declared = {each.start for each in names.names}
        self.used = {
            each.start for each in names.uses if each.target is not None or each.kind in ("object", "argument")
        }
        arguments = (each.value for each in names.uses if each.kind == "argument" and each.text != "name")
        self.arguments = [(each.start, each.end) for each in arguments if each is not None]

    def may_clash(self, name: Name, new: str) -> bool:
        """Return whether the document has the new name, or the compiler may make it, or another out of it."""
        words = {each.casefold() for each in _WORD.findall(self.text)}
        return any(each == new.casefold() or each.startswith(f"{new.casefold()}_") for each in words) or any(
            new.startswith(f"{each.text}_") for each in self.names.names if each.text != name.text
        )

    def is_known(self, start: int, end: int) -> bool:
        """Return whether it is known what a word means, or one that it is a part of, in a place that is not renamed."""
        scalar = bisect_right(self.scalars, (start, len(self.text))) - 1
        if scalar < 0 or self.scalars[scalar][1] <= start:
            return True  # a comment
        if any(each is not None and each.start <= start < each.end for each in map(self.root.get, _ABOUT)):
            return True
        words = _WORD.finditer(self.text, self.scalars[scalar][0])
        whole = next(each for each in words if each.end() > start)
        is_of_language = whole.span() != (start, end) and f'"{whole[0]}"' in schema_text()
        return is_of_language or whole.start() in self.declared or whole.start() in self.used

    @property
    def has_composed_names(self) -> bool:
        """True where an expression makes a text out of parts that may be a name, as an argument of a layer is not."""
        composed = [
            each.start
            for section in _SECTIONS
            if (value := self.root.get(section)) is not None
            for each in value.scalars(keys=True)
            if _is_composed(each.text)
        ]
        return not all(any(start <= each < end for start, end in self.arguments) for each in composed)


def _is_composed(text: str) -> bool:
    """Return whether an expression makes a text out of parts, alone or within a text around it."""
    if "${" not in text:
        return False
    is_whole = text.startswith("${") and text.endswith("}") and "${" not in text[2:]
    return not is_whole or any(each in _ADDED_NUMBER.sub("", text) for each in "'\"+")


def _documents_around(home: Document, workspace: Workspace) -> Iterator[Document]:
    """Yield the document, the specs that include it, and all that these include, each once."""
    found = {home.key: home}
    for spec in workspace.specs():
        inner = included(spec, workspace)
        if spec.key == home.key or any(each.key == home.key for each in inner):
            found |= {each.key: each for each in (spec, *inner)}
    yield from found.values()


def _is_in_sections(root: Value, offset: int) -> bool:
    """Return whether an offset is in a section that declares names."""
    return any(each.key.text in _SECTIONS and each.key.end <= offset < each.end for each in root.entries)
