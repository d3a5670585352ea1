"""The server as an editor drives it: a process, over standard input and output."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from tests.editor.server.test_checks import LIBRARY, MISTAKE, USER

COMMAND = [sys.executable, "-m", "graphspec", "server"]


@pytest_lsp.fixture(  # type: ignore[untyped-decorator]
    config=ClientServerConfig(server_command=COMMAND)
)
async def client(lsp_client: LanguageClient, tmp_path: Path) -> AsyncIterator[None]:
    capabilities = client_capabilities("visual-studio-code")
    params = types.InitializeParams(capabilities=capabilities, root_uri=tmp_path.as_uri())
    await lsp_client.initialize_session(params)
    yield
    await lsp_client.shutdown_session()


async def open_text(client: LanguageClient, uri: str, text: str) -> list[types.Diagnostic]:
    item = types.TextDocumentItem(uri, "yaml", 1, text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    return await diagnostics(client, uri, 1)


async def change(
    client: LanguageClient, uri: str, version: int, place: types.Range, text: str
) -> list[types.Diagnostic]:
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(version, uri),
            [types.TextDocumentContentChangePartial(place, text)],
        )
    )
    return await diagnostics(client, uri, version)


async def diagnostics(client: LanguageClient, uri: str, version: int) -> list[types.Diagnostic]:
    """Wait for the diagnostics of a version of a document."""
    while True:
        news: Any = await client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        if news.uri == uri and news.version == version:
            return list(news.diagnostics)


def at(line: int, column: int, end: int | None = None) -> types.Range:
    return types.Range(types.Position(line, column), types.Position(line, column if end is None else end))


@pytest.mark.asyncio
async def test_a_session(client: LanguageClient, tmp_path: Path) -> None:
    """A mistake is found, fixed by the editor's action, and gone; includes are read from open documents."""
    uri = (tmp_path / "spec.yaml").as_uri()
    document = types.TextDocumentIdentifier(uri)
    [found] = await open_text(client, uri, MISTAKE)
    assert (found.code, found.range) == ("GS201", at(3, 23, 27))
    assert await change(client, uri, 2, at(3, 23, 27), "Dense") == []
    [found] = await change(client, uri, 3, at(5, 0, 3), "  y😀")
    assert found.code == "GS105"
    assert await change(client, uri, 4, at(5, 3, 5), "") == []
    edits = await client.text_document_formatting_async(
        types.DocumentFormattingParams(document, types.FormattingOptions(2, insert_spaces=True))
    )
    assert not edits
    library, user = (tmp_path / "lib.yaml").as_uri(), (tmp_path / "user.yaml").as_uri()
    assert [each.code for each in await open_text(client, user, USER)] == ["GS001"]
    await open_text(client, library, LIBRARY)
    assert list(client.diagnostics[user]) == [] or await diagnostics(client, user, 1) == []
    client.text_document_did_close(types.DidCloseTextDocumentParams(document))


@pytest.mark.asyncio
async def test_a_hostile_session(client: LanguageClient, tmp_path: Path) -> None:
    """Nothing that an editor sends ends the server."""
    uri = (tmp_path / "spec.yaml").as_uri()
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(1, "file:///never/opened.yaml"),
            [types.TextDocumentContentChangeWholeDocument("x")],
        )
    )
    client.text_document_did_close(
        types.DidCloseTextDocumentParams(types.TextDocumentIdentifier("file:///never/opened.yaml"))
    )
    await open_text(client, "untitled:Untitled-1", MISTAKE)
    [found] = await open_text(client, uri, "graphspec: 1\n" + "\0\ud83d")
    assert found.code in ("GS001", "GS002")
    [found] = await change(client, uri, 2, types.Range(types.Position(99, 9), types.Position(0, 9)), "[" * 200)
    assert await change(client, uri, 3, types.Range(types.Position(0, 0), types.Position(2**31 - 1, 0)), MISTAKE)
