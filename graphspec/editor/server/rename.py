"""Rename of tensors, layers, models, blocks and variables, across the files that include each other.

A new name is refused where it is no name, is taken, or would make a use mean something else. What nobody foresaw the
compiler sees: a rename after which `graphspec validate` finds more errors than before is refused as well. That is not
asked of a plain rename, which can change nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property

from lsprotocol import types

from graphspec import catalog
from graphspec.diagnostics import Diagnostic
from graphspec.editor.server.checks import Checks, analyse
from graphspec.editor.server.document import Document
from graphspec.editor.server.name_index import KEYWORDS, NAME
from graphspec.editor.server.names import BESIDE, DECLARED, TENSORS, Name, Use
from graphspec.editor.server.navigation import declaration_at
from graphspec.editor.server.plain_rename import is_plain
from graphspec.editor.server.project import declared_names, included, uses_of
from graphspec.editor.server.workspace import Workspace
from graphspec.language.expand.operators import FUNCTIONS

_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_RESERVED = (*BESIDE, "each")
_MAX_CHECKED = 20
"""The number of documents that are checked before and after a rename."""


class RefusedRenameError(Exception):
    """A rename that would break the spec; the message says why."""


def name_range(document: Document, position: types.Position, workspace: Workspace) -> types.Range | None:
    """Return the range of the name at a position if it can be renamed; None where there is no such name."""
    found = document.names.at(document.lines.offset(position)) if document.names is not None else None
    if found is None or declaration_at(document, position, workspace) is None:
        return None
    return document.lines.range(found.start, found.end)


@dataclass(frozen=True)
class Rename:
    """A rename that no name stands in the way of.

    Attributes:
        home: The document that declares the name.
        uses: The uses of the name, each with its document.
        workspace: The open documents and the specs beside them, before the rename.
    """

    home: Document
    name: Name
    new: str
    uses: list[tuple[Document, Use]]
    workspace: Workspace

    @cached_property
    def documents(self) -> dict[str, Document]:
        """The documents that change, by their URIs."""
        return {each.uri: each for each in (self.home, *(document for document, _ in self.uses))}

    @cached_property
    def places(self) -> dict[str, set[tuple[int, int]]]:
        """The offsets of the name in each of them."""
        places: dict[str, set[tuple[int, int]]] = {self.home.uri: {(self.name.start, self.name.end)}}
        for document, use in self.uses:
            places.setdefault(document.uri, set()).add((use.start, use.end))
        return places

    @property
    def is_plain(self) -> bool:
        """True where it can change nothing, and need not be checked."""
        return is_plain(self.home, self.name, self.new, places=self.places, workspace=self.workspace)

    @property
    def edit(self) -> types.WorkspaceEdit:
        """The edits that give the name its new form wherever it stands."""
        return types.WorkspaceEdit(
            {
                uri: [types.TextEdit(self.documents[uri].lines.range(*each), self.new) for each in sorted(ranges)]
                for uri, ranges in self.places.items()
            }
        )

    def check(self, checks: Checks | None = None) -> None:
        """Refuse a rename after which a use means another name, or the specs have more errors.

        Args:
            checks: The analyses of the open documents, so that none is made again.

        Raises:
            RefusedRenameError: It is refused.
        """
        changed = {uri: _renamed(self.documents[uri], ranges, self.new) for uri, ranges in self.places.items()}
        after = copy(self.workspace)
        after.documents = {**self.workspace.documents, **changed}
        if self._uses_after(changed[self.home.uri], after) != len(self.uses):
            raise RefusedRenameError(
                f"`{self.new}` would mean something else in one of the places that use `{self.name.text}`"
            )
        for each in [each for each in after.specs() if each.uri in changed][:_MAX_CHECKED]:
            errors = _errors(each, after)
            known = Counter(
                found.rule.code
                for found in (_errors(self.documents[each.uri], self.workspace, checks) if errors else ())
            )
            for found in errors:
                known[found.rule.code] -= 1
                if known[found.rule.code] < 0:
                    raise RefusedRenameError(f"with this name, {found.message} ({found.rule.code})")

    def _uses_after(self, home: Document, after: Workspace) -> int | None:
        """Return how often the new name is used; None where it is not declared."""
        own = [use for document, use in self.uses if document.uri == home.uri and use.start < self.name.start]
        start = self.name.start + len(own) * (len(self.new) - len(self.name.text))
        names = home.names.names if home.names is not None else []
        renamed = next((each for each in names if each.text == self.new and each.start == start), None)
        return sum(1 for _ in uses_of(home, renamed, after)) if renamed is not None else None


def plan_rename(document: Document, position: types.Position, new: str, workspace: Workspace) -> Rename | None:
    """Return the rename of the name at a position; None where it has the new name already.

    Args:
        document: The document.
        position: A place in a name.
        new: The new name.
        workspace: The open documents and the specs beside them.

    Raises:
        RefusedRenameError: There is no name, or the new one cannot be taken.
    """
    declared = declaration_at(document, position, workspace)
    if declared is None:
        raise RefusedRenameError("there is no name of the spec here")
    home, name = declared
    if new == name.text:
        return None
    _refuse_name(name, new)
    uses = list(uses_of(home, name, workspace))
    _refuse_clash(home, name, new, workspace)
    return Rename(home, name, new, uses, workspace)


def rename(document: Document, position: types.Position, new: str, workspace: Workspace) -> types.WorkspaceEdit:
    """Return the edits that give the name at a position a new name wherever it stands, as `plan_rename` does."""
    planned = plan_rename(document, position, new, workspace)
    if planned is None:
        return types.WorkspaceEdit({})
    if not planned.is_plain:
        planned.check()
    return planned.edit


def _refuse_name(name: Name, new: str) -> None:
    is_variable = name.kind in ("variable", "parameter", "each")
    if not (_VARIABLE if is_variable else NAME).fullmatch(new):
        raise RefusedRenameError(f"`{new}` is not a name: letters, digits and `_`, and no digit first")
    if is_variable and (new in KEYWORDS or new in FUNCTIONS):
        raise RefusedRenameError(f"`{new}` is a word of expressions")
    if name.kind in DECLARED and (new in _RESERVED or catalog.find("layers", new) is not None):
        raise RefusedRenameError(f"`{new}` is reserved: it is a layer of Keras or a key of a step")


def _refuse_clash(home: Document, name: Name, new: str, workspace: Workspace) -> None:
    """Refuse a name that the body, a file that it includes or a file that includes it declares."""
    is_taken = new in name.body.names_like(name.kind)
    if name.kind not in TENSORS and name.body.kind == "spec":
        variables = name.kind == "variable"
        for each in workspace.specs():
            if each.key != home.key and home.key not in {inner.key for inner in included(each, workspace)}:
                continue
            root = each.declarations.root if each.declarations is not None else None
            own = (root.variables if variables else root.declared) if root is not None else {}
            others = (other.text for _, other in declared_names(each, workspace, variables=variables))
            is_taken = is_taken or new in own or new in others
    if is_taken:
        raise RefusedRenameError(f"`{new}` is declared already")


def _renamed(document: Document, ranges: Iterable[tuple[int, int]], new: str) -> Document:
    text = document.text
    for start, end in sorted(ranges, reverse=True):
        text = f"{text[:start]}{new}{text[end:]}"
    change = types.TextDocumentContentChangeWholeDocument(text)
    return document.changed([change], document.version)


def _errors(document: Document, workspace: Workspace, checks: Checks | None = None) -> list[Diagnostic]:
    known = checks.current(document, workspace) if checks is not None else None
    analysis = known if known is not None else analyse(document, workspace.texts())
    return [each for each in analysis.check.findings if each.is_error]
