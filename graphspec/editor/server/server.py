"""The language server: each feature bound to its request of the protocol."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

from graphspec.editor.server import actions, formatting
from graphspec.editor.server.document import Document
from graphspec.editor.server.positions import Encoding
from graphspec.editor.server.session import Session
from graphspec.version import __version__

_LOG = logging.getLogger(__name__)
T = TypeVar("T")


class Protocol(LanguageServerProtocol):
    """The protocol with the documents of a `Session` in the place of its own, which split lines as Python does."""

    _server: Server

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        session, text = self._server.session, params.text_document
        path = session.workspace.path_of(text.uri)
        session.workspace.put(
            Document.opened(
                text.uri,
                path,
                text.text,
                text.version,
                language=str(text.language_id),
                encoding=session.workspace.encoding,
            )
        )
        session.checks.settings = type(session.checks.settings)()
        session.changed()

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        session = self._server.session
        document = session.workspace.documents.get(params.text_document.uri)
        if document is not None:
            session.workspace.put(document.changed(params.content_changes, params.text_document.version))
            session.changed()

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        session = self._server.session
        session.workspace.documents.pop(params.text_document.uri, None)
        session.checks.forget(params.text_document.uri)
        session.changed()


class Server(LanguageServer):
    """The server of one editor."""

    def __init__(self) -> None:
        super().__init__("graphspec", __version__, protocol_cls=Protocol)
        self.session = Session(self._publish, self._fail)

    def _publish(self, uri: str, diagnostics: Sequence[types.Diagnostic], version: int | None) -> None:
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, diagnostics, version))

    def _fail(self, error: Exception) -> None:
        _LOG.exception("a check failed", exc_info=error)
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, f"graphspec: {error!r}"))

    @property
    def is_shut_down(self) -> bool:
        """True once the editor has asked to end."""
        return self.protocol._shutdown

    def document(self, uri: str) -> Document | None:
        """Return an open spec; None for a document that is none."""
        document = self.session.workspace.documents.get(uri)
        return document if document is not None and document.is_spec else None


def _encoding_of(chosen: types.PositionEncodingKind | str | None) -> Encoding:
    known: dict[str, Encoding] = {"utf-8": "utf-8", "utf-32": "utf-32"}
    return known.get(str(getattr(chosen, "value", chosen)), "utf-16")


def make_server() -> Server:
    """Return a server with all features."""
    server = Server()
    _bind_session(server)
    _bind_edits(server)
    return server


def _bind_session(server: Server) -> None:
    session = server.session

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        workspace = session.workspace
        workspace.encoding = _encoding_of(server.workspace.position_encoding)
        uris = [folder.uri for folder in params.workspace_folders or []] or [params.root_uri or ""]
        workspace.folders = [workspace.path_of(uri) for uri in uris if uri]

    @server.feature(types.SHUTDOWN)
    def shutdown(_: Any) -> None:
        session.close()

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(_: types.DidSaveTextDocumentParams) -> None:
        session.checks.forget_disk()
        session.changed()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def did_change_files(_: types.DidChangeWatchedFilesParams) -> None:
        session.checks.forget_disk()
        session.changed()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def did_change_folders(params: types.DidChangeWorkspaceFoldersParams) -> None:
        workspace = session.workspace
        gone = {workspace.path_of(folder.uri) for folder in params.event.removed}
        new = [workspace.path_of(folder.uri) for folder in params.event.added]
        workspace.folders = [*(each for each in workspace.folders if each not in gone), *new]


def _bind_edits(server: Server) -> None:
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(actions.KINDS))
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        document = server.document(params.text_document.uri)
        if document is None or await session.analysis(document) is None:
            return []
        findings = session.checks.findings(session.workspace)
        only = [str(getattr(each, "value", each)) for each in params.context.only] if params.context.only else None
        return actions.code_actions(document, findings, session.workspace, range=params.range, only=only)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def format_document(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        document = server.document(params.text_document.uri)
        return formatting.format_document(document) if document is not None else []

    @server.feature(types.TEXT_DOCUMENT_RANGE_FORMATTING)
    def format_range(params: types.DocumentRangeFormattingParams) -> list[types.TextEdit]:
        document = server.document(params.text_document.uri)
        return formatting.format_range(document, params.range) if document is not None else []
