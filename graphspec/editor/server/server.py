"""The language server: a connection with all features, and what begins, changes and ends a session."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from graphspec.editor.server.connection import Server
from graphspec.editor.server.features import bind_edits, bind_names, bind_shapes
from graphspec.editor.server.positions import Encoding


def _encoding_of(chosen: types.PositionEncodingKind | str | None) -> Encoding:
    known: dict[str, Encoding] = {"utf-8": "utf-8", "utf-32": "utf-32"}
    return known.get(str(getattr(chosen, "value", chosen)), "utf-16")


def make_server() -> Server:
    """Return a server with all features."""
    server = Server()
    _bind_session(server)
    bind_edits(server)
    bind_names(server)
    bind_shapes(server)
    return server


def _bind_session(server: Server) -> None:
    session = server.session

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        workspace = session.workspace
        workspace.encoding = _encoding_of(server.workspace.position_encoding)
        uris = [folder.uri for folder in params.workspace_folders or []] or [params.root_uri or ""]
        workspace.folders = [workspace.path_of(uri) for uri in uris if uri]
        session.settings.update(params.initialization_options)

    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        session.prepare()
        if server.watches_files:
            watchers = [types.FileSystemWatcher("**/*")]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            registration = types.Registration("graphspec-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            with suppress(JsonRpcException):  # then files are looked at on each save
                await server.client_register_capability_async(types.RegistrationParams([registration]))

    @server.feature(types.SHUTDOWN)
    def shutdown(_: Any) -> None:
        session.close()

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(_: types.DidSaveTextDocumentParams) -> None:
        session.forget_disk()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def did_change_files(_: types.DidChangeWatchedFilesParams) -> None:
        session.forget_disk()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def did_change_configuration(params: types.DidChangeConfigurationParams) -> None:
        session.settings.update(params.settings)
        session.refresh()  # what is shown already is of the settings before

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def did_change_folders(params: types.DidChangeWorkspaceFoldersParams) -> None:
        workspace = session.workspace
        gone = {workspace.path_of(folder.uri) for folder in params.event.removed}
        new = [workspace.path_of(folder.uri) for folder in params.event.added]
        workspace.folders = [*(each for each in workspace.folders if each not in gone), *new]
        workspace.forget_disk()
