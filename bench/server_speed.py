"""Latency of the language server: every request on a spec of 500 lines while it is edited, as an editor waits for it.

    python bench/server_speed.py [--lines 500] [--turns 60]

The server is a process of its own. Every request is made right after a character is typed, and again at rest. A time
is that from sending a request to its answer. `answer` is the time that a processor worked on it, which leaves out other
work of the machine, and the check of the edited text that may run beside it. The check that a rename asks for counts as
its answer at rest, where no other runs. The last row is a sum in pure Python, always the same: its times differ as far
as those of the machine do.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from graphspec.version import __version__

Ask = Callable[[types.Position], Awaitable[Any]]


def spec_of(lines: int) -> str:
    """Return a spec of so many lines: blocks, shared layers, and nodes of every form."""
    head = """\
graphspec: 1
vars: {width: 16, classes: 10}
layers:
  shared: {Dense: {units: "${width}", activation: relu}}
blocks:
  residual:
    params: {filters: , strides: 1}
    inputs: x
    graph:
      a:
        from: x
        apply:
          - Conv2D: {filters: "${filters}", kernel_size: 3, strides: "${strides}", padding: same}
          - BatchNormalization
          - ReLU
      skip:
        when: "${strides > 1}"
        from: x
        apply: {Conv2D: {filters: "${filters}", kernel_size: 1, strides: "${strides}"}}
        otherwise: x
    output: {from: [a, skip], merge: sum}
inputs:
  image: [32, 32, 3]
  measured: [16]
graph:
  stem: {from: image, apply: {Conv2D: {filters: "${width}", kernel_size: 3, padding: same}}}
"""
    tail = """\
outputs:
  label: {from: flat, apply: {Dense: {units: "${classes}", activation: softmax}}, loss: categorical_crossentropy}
training: {optimizer: {Adam: {learning_rate: 0.001}}, epochs: 3, batch_size: 32}
"""
    rows, before, dense, number = [head], "stem", "measured", 0
    while sum(each.count("\n") for each in (*rows, tail)) + 2 < lines:
        name = f"node_{number}"
        if number % 4 == 0:
            rows.append(f"  {name}:\n    from: {before}\n    apply:\n")
            rows.append('      - residual: "${width}"\n        repeat: 2\n      - ReLU\n')
        elif number % 4 == 1:
            convolution = "{Conv2D: {filters: 16, kernel_size: 3, padding: same}}"
            rows.append(f"  {name}: {{from: {before}, apply: [{convolution}, ReLU]}}\n")
        elif number % 4 == 2:
            rows.append(f"  {name}:\n    from: {dense}\n    apply:\n      - shared\n      - Dropout: 0.1\n")
        else:
            rows.append(f"  {name}: {{from: [{dense}, measured], merge: sum}}\n")
        before, dense = (name, dense) if number % 4 < 2 else (before, name)
        number += 1
    rows.append(f"  pooled: {{from: {before}, apply: GlobalAveragePooling2D}}\n")
    rows.append(f"  flat: {{from: [pooled, {dense}], merge: concat}}\n")
    return "".join([*rows, tail])


Times = dict[str, dict[str, list[tuple[float, float]]]]
"""For each request, and when it was made: the milliseconds that it took, and those that a processor worked for it."""

CHECKED = "rename, checked"
"""The request that has the server check a text, in a thread of its own."""

MACHINE = "the same sum"
"""The computation that tells how fast the machine is, and how evenly."""


async def measure(lines: int, turns: int) -> Times:
    """Return the times of each request: at rest, and right after an edit."""
    client = LanguageClient("bench", __version__)
    checked = asyncio.Event()
    client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda _: checked.set())
    await client.start_io(sys.executable, "-m", "graphspec", "server")
    server = client._server
    assert server is not None
    times: Times = {}
    with tempfile.TemporaryDirectory() as folder:
        capabilities = types.ClientCapabilities()
        await client.initialize_async(types.InitializeParams(capabilities, root_uri=Path(folder).as_uri()))
        client.initialized(types.InitializedParams())
        uri = (Path(folder) / "spec.yaml").as_uri()
        text = spec_of(lines)
        item = types.TextDocumentItem(uri, "graphspec", 0, text)
        client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        rows = text.split("\n")
        name = types.Position(rows.index("  image: [32, 32, 3]"), 3)
        requests = _requests(client, types.TextDocumentIdentifier(uri), name)
        for ask in requests.values():  # the process has imported what it needs
            await ask(types.Position(1, 8))
        chance = random.Random(0)
        version = 0
        for _ in range(turns):
            line = chance.randrange(26, len(rows) - 6)
            place = types.Position(line, chance.randrange(len(rows[line]) + 1))
            for request, ask in requests.items():
                times.setdefault(MACHINE, {}).setdefault("at rest", []).append(_sum())
                for when in ("edited", "at rest"):
                    if when == "edited":
                        checked.clear()
                        version += 1
                        _type(client, uri, version, types.Position(line, len(rows[line])))
                        rows[line] += " "
                    else:
                        await checked.wait()
                    whole = request == CHECKED and when == "at rest"
                    begin, before = time.perf_counter(), _worked(server.pid, whole=whole)
                    await ask(place)
                    spent = 1000 * (time.perf_counter() - begin), _worked(server.pid, whole=whole) - before
                    times.setdefault(request, {}).setdefault(when, []).append(spent)
        await client.shutdown_async(None)
        client.exit(None)
    return times


def _sum() -> tuple[float, float]:
    """Return the milliseconds of a sum, waited for and worked."""
    begin, before = time.perf_counter(), time.thread_time()
    sum(each * each for each in range(200_000))
    return 1000 * (time.perf_counter() - begin), 1000 * (time.thread_time() - before)


def _worked(pid: int, *, whole: bool) -> float:
    """Return the milliseconds that processors have worked for a process or for its main thread, on Linux."""
    stats = Path(f"/proc/{pid}/task").glob("*/schedstat" if whole else f"{pid}/schedstat")
    return sum(int(each.read_text(encoding="ascii").split()[0]) for each in stats) / 1e6


def _type(client: LanguageClient, uri: str, version: int, end: types.Position) -> None:
    """Type a blank at the end of a line, so that the text is one that the server has not seen."""
    document = types.VersionedTextDocumentIdentifier(version, uri)
    changes = [types.TextDocumentContentChangePartial(types.Range(end, end), " ")]
    client.text_document_did_change(types.DidChangeTextDocumentParams(document, changes))


def _requests(client: LanguageClient, document: types.TextDocumentIdentifier, name: types.Position) -> dict[str, Ask]:
    whole = types.Range(types.Position(0, 0), types.Position(100_000, 0))
    options = types.FormattingOptions(2, insert_spaces=True)
    context = types.CodeActionContext([])
    asks = types.ReferenceContext(include_declaration=True)
    return {
        "completion": lambda at: client.text_document_completion_async(types.CompletionParams(document, at)),
        "signature help": lambda at: client.text_document_signature_help_async(types.SignatureHelpParams(document, at)),
        "hover": lambda at: client.text_document_hover_async(types.HoverParams(document, at)),
        "inlay hints": lambda _: client.text_document_inlay_hint_async(types.InlayHintParams(document, whole)),
        "code lens": lambda _: client.text_document_code_lens_async(types.CodeLensParams(document)),
        "code action": lambda at: client.text_document_code_action_async(
            types.CodeActionParams(document, types.Range(at, at), context)
        ),
        "definition": lambda at: client.text_document_definition_async(types.DefinitionParams(document, at)),
        "references": lambda at: client.text_document_references_async(types.ReferenceParams(asks, document, at)),
        "rename": lambda _: client.text_document_rename_async(types.RenameParams(document, name, "renamed")),
        CHECKED: lambda _: client.text_document_rename_async(types.RenameParams(document, name, "node")),
        "symbols": lambda _: client.text_document_document_symbol_async(types.DocumentSymbolParams(document)),
        "folding": lambda _: client.text_document_folding_range_async(types.FoldingRangeParams(document)),
        "tokens": lambda _: client.text_document_semantic_tokens_full_async(types.SemanticTokensParams(document)),
        "call hierarchy": lambda _: client.text_document_prepare_call_hierarchy_async(
            types.CallHierarchyPrepareParams(document, types.Position(5, 3))
        ),
        "formatting": lambda _: client.text_document_formatting_async(
            types.DocumentFormattingParams(document, options)
        ),
        "range formatting": lambda at: client.text_document_range_formatting_async(
            types.DocumentRangeFormattingParams(document, types.Range(at, at), options)
        ),
    }


def main() -> None:
    """Print the times of each request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=500)
    parser.add_argument("--turns", type=int, default=60)
    options = parser.parse_args()
    times = asyncio.run(measure(options.lines, options.turns))
    python = platform.python_version()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {python}, graphspec {__version__}, {options.lines} lines"
    )
    print(f"{'':<17}{'edited: waited':>25}{'answer':>18}{'at rest: waited':>27}{'answer':>18}")
    print(f"{'':<17}{'':>6}{('median       p95' + ' ' * 3) * 4}")
    times[MACHINE] = times.pop(MACHINE)
    for name, found in times.items():
        row = [f"{name:<17}"]
        for when in ("edited", "at rest"):
            for each in zip(*found.get(when, ()), strict=True):
                row += [f"{statistics.median(each):10.1f}{p95(each):9.1f}"]
            if when not in found:
                row.append(" " * 38)
        print("".join(row))


def p95(times: Sequence[float]) -> float:
    """Return the time that 95 of 100 requests do not exceed."""
    return statistics.quantiles(times, n=20)[-1]


if __name__ == "__main__":
    main()
