"""An editor without a process: documents that are opened and edited, and what the server makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lsprotocol import types

from graphspec.diagnostics.formats.outcome import FileFinding
from graphspec.editor.server.checks import Analysis, Checks
from graphspec.editor.server.document import LANGUAGE, Document
from graphspec.editor.server.workspace import Workspace
from graphspec.validation import validate

CURSOR = "▮"
"""Marks the cursor in the text of a test."""


@dataclass
class Editor:
    """The open documents of a test, in a folder that may hold further files."""

    folder: Path
    workspace: Workspace = field(init=False)
    checks: Checks = field(default_factory=Checks)

    def __post_init__(self) -> None:
        self.workspace = Workspace([str(self.folder)])

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def open(self, text: str, name: str = "spec.yaml", language: str = LANGUAGE) -> Document:
        uri = self.uri(name)
        path = self.workspace.path_of(uri)
        document = Document.opened(uri, path, text, 1, language=language, encoding=self.workspace.encoding)
        self.workspace.put(document)
        return document

    def write(self, text: str, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
        return path

    def at_cursor(self, text: str, name: str = "spec.yaml") -> tuple[Document, types.Position]:
        """Open a text, and return its document and the place of the cursor in it."""
        before, _, after = text.partition(CURSOR)
        document = self.open(before + after, name)
        return document, document.lines.position(len(before))

    def edit(self, document: Document, start: int, end: int, text: str) -> Document:
        """Replace the text from one offset to another."""
        change = types.TextDocumentContentChangePartial(document.lines.range(start, end), text)
        changed = document.changed([change], document.version + 1)
        self.workspace.put(changed)
        return changed

    def apply(self, edits: dict[str, list[types.TextEdit]] | None) -> None:
        """Make the edits of the server in the open documents and in files."""
        for uri, each in (edits or {}).items():
            document = self.workspace.documents.get(uri)
            if document is None:
                path = self.workspace.path_of(uri)
                document = self.workspace.document_at(path)
                assert document is not None
                Path(path).write_text(apply_edits(document, each), encoding="utf-8")
            else:
                changed = document.changed(
                    [types.TextDocumentContentChangeWholeDocument(apply_edits(document, each))], document.version + 1
                )
                self.workspace.put(changed)

    def text(self, name: str = "spec.yaml") -> str:
        return self.workspace.documents[self.uri(name)].text

    def analysis(self, document: Document) -> Analysis:
        self.checks.update(self.workspace)
        return self.checks.analyses[document.uri]

    def findings(self) -> list[FileFinding]:
        self.checks.update(self.workspace)
        return self.checks.findings(self.workspace)

    def validated(self, name: str = "spec.yaml") -> list[tuple[str, str, str]]:
        """Return what `graphspec validate` finds in the text of a document, written to its file."""
        path = self.write(self.text(name), name)
        return summary(validate(path).found)


def apply_edits(document: Document, edits: list[types.TextEdit]) -> str:
    """Return the text after edits, which do not overlap."""
    text = document.text
    places = [(document.lines.offset(each.range.start), document.lines.offset(each.range.end)) for each in edits]
    for (start, end), edit in sorted(zip(places, edits, strict=True), key=lambda each: each[0], reverse=True):
        text = text[:start] + edit.new_text + text[end:]
    return text


def summary(found: list) -> list[tuple[str, str, str]]:  # type: ignore[type-arg]
    """Return code, place and message of each finding."""
    return sorted((each.rule.code, each.span.place if each.span else "", each.message) for each in found)
