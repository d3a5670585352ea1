"""The server as an editor drives it: a process, over standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from tests.editor.server.test_checks import LIBRARY, MISTAKE, USER

PUBLISHED: dict[tuple[str, int | None], list[types.Diagnostic]] = {}
"""The newest diagnostics of each version of a document."""

COMMAND = [sys.executable, "-m", "graphspec", "server"]


@pytest_lsp.fixture(  # type: ignore[untyped-decorator]
    config=ClientServerConfig(server_command=COMMAND)
)
async def client(lsp_client: LanguageClient, tmp_path: Path) -> AsyncIterator[None]:
    capabilities = client_capabilities("visual-studio-code")
    assert capabilities.workspace is not None
    capabilities.workspace.did_change_watched_files = None
    capabilities.workspace.inlay_hint = capabilities.workspace.code_lens = None
    params = types.InitializeParams(capabilities=capabilities, root_uri=tmp_path.as_uri())
    features = lsp_client.protocol.fm.features

    def keep(news: types.PublishDiagnosticsParams) -> None:
        PUBLISHED[news.uri, news.version] = list(news.diagnostics)

    features[types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS] = keep
    PUBLISHED.clear()
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
    async with asyncio.timeout(60):
        while (found := PUBLISHED.get((uri, version))) is None:
            await asyncio.sleep(0.02)
    return found


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
    async with asyncio.timeout(60):
        while PUBLISHED[user, 1]:
            await asyncio.sleep(0.02)
    client.text_document_did_close(types.DidCloseTextDocumentParams(document))


@pytest.mark.asyncio
async def test_every_feature(client: LanguageClient, tmp_path: Path) -> None:
    """Each request of the protocol is answered for a spec that is typed just now."""
    uri = (tmp_path / "spec.yaml").as_uri()
    text = LIBRARY.replace("blocks:", "inputs: {x: [4]}\noutputs: {y: {from: x, apply: [{twice: 3}, Dense]}}\nblocks:")
    await open_text(client, uri, text)
    column = text.splitlines()[2].index("Dense]") + len("Dense")
    assert await change(client, uri, 2, at(2, column, column), ": 1") == []
    document, block = types.TextDocumentIdentifier(uri), types.Position(4, 3)
    items = await client.text_document_completion_async(types.CompletionParams(document, types.Position(2, column - 2)))
    assert isinstance(items, Sequence)
    assert "Dense" in {each.label for each in items}
    shown = await client.text_document_hover_async(types.HoverParams(document, block))
    assert shown is not None
    assert "used once" in str(shown.contents)
    hints = await client.text_document_inlay_hint_async(types.InlayHintParams(document, at(0, 0, 0)))
    assert not hints
    whole = types.Range(types.Position(0, 0), types.Position(99, 0))
    hints = await client.text_document_inlay_hint_async(types.InlayHintParams(document, whole))
    assert hints
    assert "→ (batch, 3)" in {each.label for each in hints}
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams({"graphspec": {"inlayHints": False}}))
    assert not await client.text_document_inlay_hint_async(types.InlayHintParams(document, whole))
    lenses = await client.text_document_code_lens_async(types.CodeLensParams(document))
    assert lenses
    context = types.ReferenceContext(include_declaration=False)
    uses = await client.text_document_references_async(types.ReferenceParams(context, document, block))
    assert uses
    [use] = uses
    target = await client.text_document_definition_async(types.DefinitionParams(document, use.range.start))
    assert isinstance(target, types.Location)
    assert target.range.start == types.Position(4, 2)
    edit = await client.text_document_rename_async(types.RenameParams(document, block, "pair"))
    assert edit is not None
    assert edit.changes is not None
    assert len(edit.changes[uri]) == 2
    with pytest.raises(JsonRpcException, match="reserved"):
        await client.text_document_rename_async(types.RenameParams(document, block, "Dense"))
    assert await client.text_document_document_symbol_async(types.DocumentSymbolParams(document))
    assert await client.text_document_folding_range_async(types.FoldingRangeParams(document))
    tokens = await client.text_document_semantic_tokens_full_async(types.SemanticTokensParams(document))
    assert tokens is not None
    assert tokens.data
    calls = await client.text_document_prepare_call_hierarchy_async(types.CallHierarchyPrepareParams(document, block))
    assert calls
    assert await client.call_hierarchy_incoming_calls_async(types.CallHierarchyIncomingCallsParams(calls[0]))
    help = await client.text_document_signature_help_async(types.SignatureHelpParams(document, types.Position(2, 36)))
    assert help is None or help.signatures


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


@pytest.mark.asyncio
async def test_the_keras_of_a_project(client: LanguageClient, tmp_path: Path) -> None:
    """Findings, completion and hover are those of the version that the project of a document sets."""
    (tmp_path / "pyproject.toml").write_text('[tool.graphspec]\nkeras = "3.9"\n', encoding="utf-8")
    uri = (tmp_path / "spec.yaml").as_uri()
    document = types.TextDocumentIdentifier(uri)
    text = "graphspec: 1\ninputs: {x: [4]}\noutputs:\n  y: {from: x, apply: {Dense: {lora_alpha: 2, }}}\n"
    found = await open_text(client, uri, text)
    assert "GS220" in [each.code for each in found]
    completed = await client.text_document_completion_async(
        types.CompletionParams(document, types.Position(3, text.splitlines()[3].index("}}}")))
    )
    assert isinstance(completed, list)
    assert "lora_rank" in {each.label for each in completed}
    assert "lora_alpha" not in {each.label for each in completed}
