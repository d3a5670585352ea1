"""The features of an editor, each bound to its request. What needs shapes or findings waits for the analysis."""

from __future__ import annotations

from functools import partial

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from graphspec.editor.server import (
    actions,
    call_hierarchy,
    code_lens,
    completion,
    formatting,
    hover,
    inlay_hints,
    navigation,
    outline,
    rename,
    semantic_tokens,
    signatures,
)
from graphspec.editor.server.connection import Server


def bind_edits(server: Server) -> None:
    """Bind fixes, formatting, completion and rename."""
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(actions.KINDS, resolve_provider=True))
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        document = server.document(params.text_document.uri)
        if document is None:
            return []
        await session.settle(document)
        findings = session.checks.findings(session.workspace)
        only = [str(getattr(each, "value", each)) for each in params.context.only] if params.context.only else None
        is_lazy = server.resolves_edits
        return actions.code_actions(
            document, findings, session.workspace, range=params.range, only=only, is_lazy=is_lazy
        )

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve(action: types.CodeAction) -> types.CodeAction:
        document = server.document(str(action.data))
        if document is not None and action.edit is None:
            fix_all = partial(actions.fix_all, document, session.workspace.snapshot())
            action.edit = await session.beside(document, fix_all)
        return action

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def format_document(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        document = server.document(params.text_document.uri)
        return formatting.format_document(document) if document is not None else []

    @server.feature(types.TEXT_DOCUMENT_RANGE_FORMATTING)
    def format_range(params: types.DocumentRangeFormattingParams) -> list[types.TextEdit]:
        document = server.document(params.text_document.uri)
        return formatting.format_range(document, params.range) if document is not None else []

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=completion.TRIGGERS))
    def complete(params: types.CompletionParams) -> list[types.CompletionItem]:
        document = session.workspace.documents.get(params.text_document.uri)
        if document is None or not (document.is_spec or "graphspec:".startswith(document.text.strip())):
            return []
        return completion.complete(document, params.position, session.workspace, snippets=server.has_snippets)

    @server.feature(
        types.TEXT_DOCUMENT_SIGNATURE_HELP, types.SignatureHelpOptions(trigger_characters=signatures.TRIGGERS)
    )
    def signature_help(params: types.SignatureHelpParams) -> types.SignatureHelp | None:
        document = server.document(params.text_document.uri)
        return signatures.signature_help(document, params.position, session.workspace) if document is not None else None

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def prepare_rename(params: types.PrepareRenameParams) -> types.Range | None:
        document = server.document(params.text_document.uri)
        return rename.name_range(document, params.position, session.workspace) if document is not None else None

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def rename_name(params: types.RenameParams) -> types.WorkspaceEdit | None:
        document = server.document(params.text_document.uri)
        if document is None:
            return None
        try:
            workspace = session.workspace.snapshot()
            planned = rename.plan_rename(document, params.position, params.new_name, workspace)
            if planned is not None and not planned.is_plain:
                await session.beside(document, partial(planned.check, session.checks))
            return planned.edit if planned is not None else types.WorkspaceEdit({})
        except rename.RefusedRenameError as error:
            raise JsonRpcInvalidParams(str(error)) from None


def bind_names(server: Server) -> None:
    """Bind what follows names through texts: definition, references, outline, colours, call hierarchy."""
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def definition(params: types.DefinitionParams) -> types.Location | None:
        document = server.document(params.text_document.uri)
        return navigation.definition(document, params.position, session.workspace) if document is not None else None

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def references(params: types.ReferenceParams) -> list[types.Location]:
        document = server.document(params.text_document.uri)
        if document is None:
            return []
        whole = params.context.include_declaration
        return navigation.references(document, params.position, session.workspace, with_declaration=whole)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def document_symbols(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        document = server.document(params.text_document.uri)
        return outline.document_symbols(document) if document is not None else []

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    def folding_ranges(params: types.FoldingRangeParams) -> list[types.FoldingRange]:
        document = server.document(params.text_document.uri)
        return outline.folding_ranges(document) if document is not None else []

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, semantic_tokens.LEGEND)
    def tokens(params: types.SemanticTokensParams) -> types.SemanticTokens | None:
        document = server.document(params.text_document.uri)
        return semantic_tokens.semantic_tokens(document) if document is not None else None

    @server.feature(types.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY)
    def prepare(params: types.CallHierarchyPrepareParams) -> list[types.CallHierarchyItem]:
        document = server.document(params.text_document.uri)
        return call_hierarchy.prepare(document, params.position, session.workspace) if document is not None else []

    @server.feature(types.CALL_HIERARCHY_INCOMING_CALLS)
    def incoming(params: types.CallHierarchyIncomingCallsParams) -> list[types.CallHierarchyIncomingCall]:
        return call_hierarchy.incoming_calls(params.item, session.workspace)

    @server.feature(types.CALL_HIERARCHY_OUTGOING_CALLS)
    def outgoing(params: types.CallHierarchyOutgoingCallsParams) -> list[types.CallHierarchyOutgoingCall]:
        return call_hierarchy.outgoing_calls(params.item, session.workspace)


def bind_shapes(server: Server) -> None:
    """Bind what shows shapes and numbers of parameters: hover, inlay hints, code lenses."""
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def show(params: types.HoverParams) -> types.Hover | None:
        document = server.document(params.text_document.uri)
        if document is None:
            return None
        return hover.hover(document, params.position, session.workspace, await session.specs(document))

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    async def hints(params: types.InlayHintParams) -> list[types.InlayHint]:
        document = server.document(params.text_document.uri)
        if document is None or not session.settings.inlay_hints:
            return []
        return inlay_hints.inlay_hints(document, params.range, await session.specs(document))

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    async def lenses(params: types.CodeLensParams) -> list[types.CodeLens]:
        document = server.document(params.text_document.uri)
        if document is None:
            return []
        command = session.settings.show_references
        specs = await session.specs(document)
        return code_lens.code_lenses(document, session.workspace, specs, show_references=command)
