"""A session of `graphspec server` in the process of the sandbox, at whose standard streams an editor sits."""

from __future__ import annotations

import json
import os
import select
import threading
from contextlib import suppress
from typing import Any

LAST = "last"
"""The id of the request after whose answer the editor ends the session."""

ANSWERED = f'"id": "{LAST}"'

_REQUESTS = (
    *("signatureHelp", "definition", "references", "documentSymbol", "foldingRange", "semanticTokens/full"),
    *("formatting", "completion", "prepareRename", "codeAction", "inlayHint", "codeLens"),
)


def message(method: str, params: Any = None, id: str | None = None) -> str:
    """Return a message of the protocol, with an id a request."""
    body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params} | ({"id": id} if id else {}))
    return f"Content-Length: {len(body)}\r\n\r\n{body}"


def session_text(folder: str, name: str, text: str) -> str:
    """Return what an editor sends that opens a folder and a text in it, and asks for all that the server shows."""
    uri = f"file://{folder}/{name}"
    start, end = {"line": 0, "character": 0}, {"line": 3, "character": 40}
    item = {"uri": uri, "languageId": "graphspec", "version": 1, "text": text}
    asked = {
        "textDocument": {"uri": uri},
        "position": end,
        "range": {"start": start, "end": end},
        "context": {"includeDeclaration": True, "diagnostics": []},
        "options": {"tabSize": 2, "insertSpaces": True},
    }
    return "".join(
        [
            message("initialize", {"processId": None, "rootUri": f"file://{folder}", "capabilities": {}}, "first"),
            message("initialized", {}),
            message("textDocument/didOpen", {"textDocument": item}),
            *(message(f"textDocument/{each}", asked, each) for each in _REQUESTS),
            message("textDocument/hover", asked, LAST),  # waits for the check
        ]
    )


class EditorSession:
    """An editor at the standard streams of this process, which sends `text` and then ends the session."""

    def __init__(self, text: str) -> None:
        source, self._send = os.pipe()
        self._receive, output = os.pipe()
        for pipe, stream in ((source, 0), (output, 1)):
            os.dup2(pipe, stream)
            os.close(pipe)
        self._text, self._answers = text, bytearray()
        self._is_answered, self._is_over = False, False
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    def close(self) -> str:
        """Return what the server has sent, once its checks have ended; the standard streams then lead nowhere."""
        for thread in threading.enumerate():
            if thread.name.startswith("checks"):
                thread.join()
        self._is_over = True
        self._thread.join()
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)
        os.close(nowhere)
        os.close(self._receive)
        return self._answers.decode("utf-8", "replace")

    def _talk(self) -> None:
        with suppress(BrokenPipeError):
            left = memoryview(self._text.encode("utf-8", "surrogatepass"))
            while left and not self._is_over:
                left = left[os.write(self._send, left[:4096]) :]
                self._hear(0)
            while not self._is_answered and self._hear(0.05):
                pass
            os.write(self._send, (message("shutdown", id="end") + message("exit")).encode())
        os.close(self._send)
        while self._hear(0.05):
            pass

    def _hear(self, seconds: float) -> bool:
        """Read what was sent; return whether there may be more."""
        if select.select([self._receive], [], [], seconds)[0]:
            part = os.read(self._receive, 65536)
            self._answers += part
            self._is_answered = self._is_answered or ANSWERED.encode() in self._answers[-len(part) - 100 :]
            return bool(part)
        return not self._is_over
