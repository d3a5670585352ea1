"""Quick fixes: those of `graphspec validate --fix`, one by one and all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lsprotocol import types

from graphspec.diagnostics import Fix, Span
from graphspec.diagnostics.formats.outcome import FileFinding
from graphspec.editor.server.diagnostics import to_protocol
from graphspec.editor.server.document import Document
from graphspec.editor.server.positions import Lines
from graphspec.editor.server.shift import Shift
from graphspec.editor.server.workspace import Workspace
from graphspec.language.document.overlay import key, overlay
from graphspec.validation.check import FileCheck, check_file
from graphspec.validation.fix import fix
from graphspec.validation.run import Selections
from graphspec.validation.settings import Finder

FIX_ALL = "source.fixAll.graphspec"
KINDS = [types.CodeActionKind.QuickFix, FIX_ALL]
MANY = 100
"""The number of quick fixes of one place."""


def code_actions(
    document: Document,
    findings: Iterable[FileFinding],
    workspace: Workspace,
    *,
    range: types.Range,
    only: Sequence[str] | None = None,
    is_lazy: bool = False,
) -> list[types.CodeAction]:
    """Return the quick fixes of findings in a range, and one that makes all safe fixes of the document.

    Args:
        document: The document.
        findings: The findings of all open documents.
        workspace: The open documents.
        range: The range that the editor asks about.
        only: The kinds of actions that it asks for; None for any.
        is_lazy: Leave the edit of all fixes to `fix_all`, which the editor asks for when it is chosen.
    """
    own = [each for each in findings if each.finding.fix is not None and key(each.file) == document.key]
    actions = []
    if _asks_for(types.CodeActionKind.QuickFix, only):
        actions += list(_quick_fixes(document, own, workspace, range))[:MANY]
    if _asks_for(FIX_ALL, only) and any(each.finding.fix and each.finding.fix.is_safe for each in own):
        edit = None if is_lazy else fix_all(document, workspace)
        actions.append(types.CodeAction("Make all safe fixes", FIX_ALL, edit=edit, data=document.uri))
    return actions


def fix_all(document: Document, workspace: Workspace) -> types.WorkspaceEdit:
    """Return the edit that makes all safe fixes of a document."""
    text = fixed(document, workspace)
    edits = [types.TextEdit(document.lines.whole, text)] if text != document.text else []
    return types.WorkspaceEdit({document.uri: edits})


def _asks_for(kind: str, only: Sequence[str] | None) -> bool:
    return only is None or any(kind == each or kind.startswith(f"{each}.") or not each for each in only)


def _quick_fixes(
    document: Document, findings: Iterable[FileFinding], workspace: Workspace, asked: types.Range
) -> Iterator[types.CodeAction]:
    for each in findings:
        fix, span = each.finding.fix, each.span
        if fix is None or span is None or any(key(edit.span.source.name) != document.key for edit in fix.edits):
            continue
        place = _moved(document, span)
        edits = [(_moved(document, edit.span), edit.text) for edit in fix.edits]
        if place is None or place.end < asked.start or asked.end < place.start:
            continue
        if any(where is None for where, _ in edits):
            continue  # an edit has touched it since it was found
        yield types.CodeAction(
            _title(fix),
            types.CodeActionKind.QuickFix,
            diagnostics=[to_protocol(each.finding, span, workspace)],
            is_preferred=fix.is_safe,
            edit=types.WorkspaceEdit(
                {document.uri: [types.TextEdit(where, text) for where, text in edits if where is not None]}
            ),
        )


def _moved(document: Document, span: Span) -> types.Range | None:
    """Return the range of a span in the document as it is now; None where it was edited since."""
    if span.source.text == document.text.lstrip("\ufeff"):
        return document.lines.span_range(span)
    old = Lines(span.source.text)
    shift = Shift(span.source.text, document.text)
    moved = shift.to_new(old.offset_at(*span.start), old.offset_at(*span.end))
    return document.lines.range(*moved) if moved is not None else None


def _title(fix: Fix) -> str:
    title = fix.description[:1].upper() + fix.description[1:]
    return title if fix.is_safe else f"{title} (may change the meaning)"


def fixed(document: Document, workspace: Workspace) -> str:
    """Return the text of a document after all safe fixes, as `graphspec validate --fix` writes it."""
    selections = Selections(Finder())

    def check(paths: Sequence[str]) -> list[FileCheck]:
        return [check_file(path) for path in paths]

    with overlay(workspace.texts()):
        _, done = fix([document.path], check, selections.apply, unsafe=False)
    data = done.after.get(document.path)
    return data.decode("utf-8") if data is not None else document.text
