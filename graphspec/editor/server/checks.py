"""The analyses of the open documents: what `graphspec validate` finds in them, and their specs.

An analysis is current as long as every text that it read is the one that is open. So the texts alone tell what is
checked again after an edit: the document, and those that include it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from graphspec.diagnostics.formats.outcome import FileFinding, Outcome
from graphspec.editor.server.document import Document
from graphspec.editor.server.shift import Shift
from graphspec.editor.server.spec_calls import SpecCalls, View
from graphspec.editor.server.workspace import Workspace
from graphspec.garbage import rare_collection
from graphspec.language.document.overlay import overlay
from graphspec.spec import Spec
from graphspec.validation.check import FileCheck, inspect_file
from graphspec.validation.run import Selections, settings_faults
from graphspec.validation.settings import Finder


@dataclass(frozen=True, eq=False)
class Analysis:
    """The analysis of a document at one state of the open texts.

    Attributes:
        check: The findings, before comments and settings apply.
        spec: The spec, its faulty parts marked; None where too little of it can be read.
        texts: The open texts that it depends on, by their keys; None for a file that was not open.
        disk: The state of the disk that it has seen, see `Checks.disk`.
    """

    document: Document
    check: FileCheck
    spec: Spec | None
    texts: Mapping[str, bytes | None]
    disk: int

    @cached_property
    def calls(self) -> SpecCalls | None:
        """The calls of the spec."""
        return SpecCalls.of(self.spec) if self.spec is not None else None

    def view(self, document: Document) -> View:
        """Return the calls by the places of a document as it is now."""
        assert self.calls is not None
        data = self.texts.get(document.key)
        old = data.decode("utf-8", "surrogatepass") if data is not None else document.text
        return View(self.calls, document, Shift(old, document.text) if old != document.text else None)

    def is_current(self, texts: Mapping[str, bytes], disk: int) -> bool:
        """Return whether another analysis would find the same."""
        return self.disk == disk and all(texts.get(key) == text for key, text in self.texts.items())


def analyse(document: Document, texts: Mapping[str, bytes], disk: int = 0, keras: str | None = None) -> Analysis:
    """Check a document as `graphspec validate` checks its file.

    Args:
        document: The document.
        texts: The texts of all open documents, by their keys.
        disk: The state of the disk.
        keras: The minor version of Keras that its project sets.
    """
    with overlay(texts), rare_collection():
        check, spec = inspect_file(document.path, keras=keras)
    read = {key: texts.get(key) for key in (document.key, *check.dependencies)}
    return Analysis(document, check, spec, read, disk)


@dataclass
class Checks:
    """The newest analysis of each open spec, by its URI.

    Attributes:
        disk: A number that grows whenever files may have changed on the disk.
    """

    analyses: dict[str, Analysis] = field(default_factory=dict)
    disk: int = 0
    settings: Finder = field(default_factory=Finder)

    def keras_of(self, document: Document) -> str | None:
        """Return the minor version of Keras that the project of a document sets; None if it sets none."""
        return self.settings.of(document.path).keras

    def stale(self, workspace: Workspace) -> Iterator[Document]:
        """Yield the documents without a current analysis, the last one that changed first."""
        texts = workspace.texts()
        for document in reversed(list(workspace.documents.values())):
            known = self.analyses.get(document.uri)
            if document.is_spec and (known is None or not known.is_current(texts, self.disk)):
                yield document

    def current(self, document: Document, workspace: Workspace) -> Analysis | None:
        """Return the analysis of a document if it is current."""
        known = self.analyses.get(document.uri)
        return known if known is not None and known.is_current(workspace.texts(), self.disk) else None

    def put(self, analysis: Analysis, workspace: Workspace) -> bool:
        """Keep an analysis, unless it is stale already; return whether it is kept."""
        uri = analysis.document.uri
        if uri not in workspace.documents or not analysis.is_current(workspace.texts(), self.disk):
            return False
        self.analyses[uri] = analysis
        return True

    def specs_of(self, document: Document) -> list[View]:
        """Return views of the document in the specs that hold it, its own first, as of their last analysis."""
        found = [each for each in self.analyses.values() if document.key in each.texts and each.calls is not None]
        found.sort(key=lambda each: each.document.uri != document.uri)
        return [each.view(document) for each in found]

    def forget(self, uri: str) -> None:
        """Drop what is known of a document that is closed."""
        self.analyses.pop(uri, None)

    def forget_disk(self) -> None:
        """Take all analyses and settings as stale, since files may have changed."""
        self.disk += 1
        self.settings = Finder()

    def update(self, workspace: Workspace) -> None:
        """Analyse every document that has no current analysis."""
        while (document := next(self.stale(workspace), None)) is not None:
            self.put(analyse(document, workspace.texts(), self.disk, self.keras_of(document)), workspace)

    def outcome(self, workspace: Workspace) -> Outcome:
        """Return what `graphspec validate` shows of the open specs."""
        checks = [self.analyses[uri].check for uri in workspace.documents if uri in self.analyses]
        selections = Selections(self.settings)
        for check in checks:
            self.settings.of(check.path)
        return selections.apply([*checks, *settings_faults(self.settings)])

    def findings(self, workspace: Workspace) -> list[FileFinding]:
        """Return the findings of `outcome`, each with the file that shows it."""
        return list(self.outcome(workspace).located())
