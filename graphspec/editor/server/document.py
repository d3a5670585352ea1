"""The snapshot of an open document, which an edit replaces by another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from lsprotocol.types import TextDocumentContentChangeEvent, TextDocumentContentChangePartial

from graphspec.editor.server.declarations import declarations_of
from graphspec.editor.server.name_index import index_names
from graphspec.editor.server.names import Declarations, NameIndex
from graphspec.editor.server.positions import Encoding, Lines
from graphspec.editor.server.syntax import parse
from graphspec.editor.server.values import Value
from graphspec.language.document.overlay import key
from graphspec.validation.spec_files import holds_spec

MAX_CHARACTERS = 1_000_000
"""The size of a text above which the server only validates."""

_OWN_NAME = re.compile(r"\.graphspec\.(?:ya?ml|json)$")
LANGUAGE = "graphspec"
"""The id of the language, by which an editor says that a document is a spec whatever it holds."""


@dataclass(frozen=True)
class Document:
    """An open text at one moment.

    Attributes:
        path: The file; for a text that is none, the path that it would have in the folder of the workspace.
        is_spec: It is a spec, or was one since it is open.
    """

    uri: str
    path: str
    text: str
    version: int = 0
    language: str = ""
    encoding: Encoding = "utf-16"
    is_spec: bool = True

    @classmethod
    def opened(cls, uri: str, path: str, text: str, version: int, *, language: str, encoding: Encoding) -> Document:
        """Return the document of a text that an editor opens."""
        document = cls(uri, path, text, version, language, encoding, is_spec=False)
        return replace(document, is_spec=document._reads_as_spec)

    def changed(self, changes: Iterable[TextDocumentContentChangeEvent], version: int) -> Document:
        """Return the document after changes, which are made one after the other."""
        text = self.text
        for change in changes:
            if isinstance(change, TextDocumentContentChangePartial):
                lines = Lines(text, self.encoding)
                start, end = sorted((lines.offset(change.range.start), lines.offset(change.range.end)))
                text = text[:start] + change.text + text[end:]
            else:
                text = change.text
        document = replace(self, text=text, version=version)
        return document if self.is_spec else replace(document, is_spec=document._reads_as_spec)

    @property
    def _reads_as_spec(self) -> bool:
        return self.language == LANGUAGE or bool(_OWN_NAME.search(self.path)) or holds_spec(self.data)

    @cached_property
    def key(self) -> str:
        """The key of the file, by which overlays find the text."""
        return key(self.path)

    @cached_property
    def data(self) -> bytes:
        """The bytes that the file would hold."""
        return self.text.encode("utf-8", "surrogatepass")

    @cached_property
    def lines(self) -> Lines:
        """The lines of the text."""
        return Lines(self.text, self.encoding)

    @cached_property
    def is_json(self) -> bool:
        """True for a spec in JSON."""
        return self.path.endswith(".json")

    @cached_property
    def root(self) -> Value | None:
        """The values of the text as far as they can be read; None for a text that is too large to look at."""
        return parse(self.text) if len(self.text) <= MAX_CHARACTERS else None

    @cached_property
    def declarations(self) -> Declarations | None:
        """Return the declarations of the text; None for a text that is too large to look at."""
        return declarations_of(self.root) if self.root is not None else None

    @cached_property
    def names(self) -> NameIndex | None:
        """The names of the text; None for a text that is too large to look at."""
        return index_names(self.declarations) if self.declarations is not None else None
