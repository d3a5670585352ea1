"""Loading of the modules and the data that every session needs, before its first request."""

from __future__ import annotations

from pathlib import Path

from graphspec.editor.server.checks import Checks
from graphspec.editor.server.completion import complete
from graphspec.editor.server.document import Document
from graphspec.editor.server.formatting import format_document
from graphspec.editor.server.hover import hover
from graphspec.editor.server.signatures import signature_help
from graphspec.editor.server.workspace import Workspace
from graphspec.garbage import keep_what_is_there

_TEXT = """\
graphspec: 1
inputs:   {x: [2]}
outputs: {y: {from: x, apply: {Dense: {units: 1}}, loss: mse}}
"""


def preload() -> None:
    """Answer as for an open document, and keep what that has loaded out of garbage collections."""
    document = Document("file:///preload.yaml", str(Path("preload.yaml").absolute()), _TEXT)
    workspace, checks = Workspace(documents={document.uri: document}), Checks()
    checks.update(workspace)
    checks.findings(workspace)
    for word in ("units", "Dense"):
        position = document.lines.position(_TEXT.index(word))
        complete(document, position, workspace)
        signature_help(document, position, workspace)
        hover(document, position, workspace, checks.specs_of(document))
    format_document(document)
    keep_what_is_there()
