"""The connection to one editor: the documents that it sends, what it can do, and what is published to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

from graphspec.catalog.versions import use_version
from graphspec.editor.server.document import Document
from graphspec.editor.server.session import Session
from graphspec.validation.settings import Finder
from graphspec.version import __version__

F = TypeVar("F", bound=Callable[..., Any])

_LOG = logging.getLogger(__name__)


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
        session.checks.settings = Finder()
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
        self.session = Session(self._publish, self._refresh, self._fail)

    def feature(self, feature_name: str, options: Any = None) -> Callable[[F], F]:
        """Bind a handler; while it runs, the catalogue answers for the Keras of the project of its document."""
        bind = super().feature(feature_name, options)

        def bind_in_project(handler: F) -> F:
            if asyncio.iscoroutinefunction(handler):

                @wraps(handler)
                async def answer_later(params: Any) -> Any:
                    with use_version(self._keras_of(params)):
                        return await handler(params)

                bind(answer_later)
            else:

                @wraps(handler)
                def answer(params: Any) -> Any:
                    with use_version(self._keras_of(params)):
                        return handler(params)

                bind(answer)
            return handler

        return bind_in_project

    def _keras_of(self, params: Any) -> str | None:
        """Return the version that the project of the document of a request sets; None if it sets none."""
        subject = getattr(params, "text_document", getattr(params, "item", params))
        uri = getattr(subject, "uri", getattr(params, "data", None))
        document = self.session.workspace.documents.get(str(uri))
        return self.session.checks.keras_of(document) if document is not None else None

    def _publish(self, uri: str, diagnostics: Sequence[types.Diagnostic], version: int | None) -> None:
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, diagnostics, version))

    def _refresh(self) -> None:
        workspace = self.client_capabilities.workspace
        hints = workspace.inlay_hint if workspace is not None else None
        lenses = workspace.code_lens if workspace is not None else None
        if hints is not None and hints.refresh_support:
            self.workspace_inlay_hint_refresh(None)
        if lenses is not None and lenses.refresh_support:
            self.workspace_code_lens_refresh(None)

    def _fail(self, error: Exception) -> None:
        _LOG.exception("a check failed", exc_info=error)
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, f"graphspec: {error!r}"))

    @property
    def is_shut_down(self) -> bool:
        """True once the editor has asked to end."""
        return self.protocol._shutdown

    @property
    def watches_files(self) -> bool:
        """True where the editor tells of files that change on the disk if it is asked to."""
        workspace = self.client_capabilities.workspace
        known = workspace.did_change_watched_files if workspace is not None else None
        return bool(known is not None and known.dynamic_registration)

    @property
    def resolves_edits(self) -> bool:
        """True where the editor asks for the edit of an action when it is chosen."""
        text_document = self.client_capabilities.text_document
        known = text_document.code_action if text_document is not None else None
        lazy = known.resolve_support if known is not None else None
        return lazy is not None and "edit" in lazy.properties and known is not None and bool(known.data_support)

    @property
    def has_snippets(self) -> bool:
        """True where the editor understands places to fill in."""
        text_document = self.client_capabilities.text_document
        known = text_document.completion if text_document is not None else None
        item = known.completion_item if known is not None else None
        return bool(item is not None and item.snippet_support)

    def document(self, uri: str) -> Document | None:
        """Return an open spec; None for a document that is none."""
        document = self.session.workspace.documents.get(uri)
        return document if document is not None and document.is_spec else None
