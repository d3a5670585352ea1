"""The schema in an editor: the YAML language server, driven over its standard input as an editor drives it."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphspec.editor.json_schema import schema_text

pytestmark = pytest.mark.slow

VERSION = "1.25.0"
SHIPPED = sorted((Path(__file__).parents[2] / "specs").rglob("*.yaml"))
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "graphspec-tests"
TIMEOUT = 60.0


@pytest.fixture(scope="module")
def program() -> list[str]:
    """The command that starts the language server: of GRAPHSPEC_YAML_LS, or of what npm installs once."""
    if given := os.environ.get("GRAPHSPEC_YAML_LS"):
        return [given, "--stdio"]
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("there is no node and npm, and GRAPHSPEC_YAML_LS names no YAML language server")
    folder = CACHE / f"yaml-language-server-{VERSION}"
    script = folder / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
    if not script.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [
            npm,
            "install",
            "--no-audit",
            "--no-fund",
            "--prefix",
            str(folder),
            f"yaml-language-server@{VERSION}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode or not script.exists():
            pytest.skip(f"npm cannot install the YAML language server: {done.stderr.strip()[-300:]}")
    return [node, str(script), "--stdio"]


class Editor:
    """As much of an editor as the tests need: it opens texts and asks what the server shows at a place."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.folder = folder
        self.server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        self.messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self.found: dict[str, list[dict[str, Any]]] = {}
        self.count = 0
        threading.Thread(target=self._receive, daemon=True).start()
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {"completion": {"completionItem": {"snippetSupport": True}}, "publishDiagnostics": {}},
        }
        self.ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities})
        self.tell("initialized", {})

    def _receive(self) -> None:
        assert self.server.stdout is not None
        while head := self.server.stdout.readline():
            length = int(head.split(b":")[1])
            while self.server.stdout.readline().strip():
                pass
            self.messages.put(json.loads(self.server.stdout.read(length)))

    def _send(self, message: dict[str, Any]) -> None:
        assert self.server.stdin is not None
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self.server.stdin.flush()

    def tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        """The server's answer; what it asks and says meanwhile is answered and kept."""
        self.count += 1
        number = self.count
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def _next(self) -> dict[str, Any]:
        message = self.messages.get(timeout=TIMEOUT)
        if message.get("method") == "textDocument/publishDiagnostics":
            self.found[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            settings = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}
            items = (message.get("params") or {}).get("items", [])
            asked = [settings if item.get("section") == "yaml" else {} for item in items]
            self._send({"id": message["id"], "result": asked if items else None})
        return message

    def open(self, name: str, text: str) -> str:
        """Open `text` as a file of this name, not saved; its URI."""
        return self.open_file(self.folder / name, text)

    def open_file(self, path: Path, text: str) -> str:
        uri = path.as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.found.pop(uri, None)
        self.tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def problems(self, uri: str) -> list[dict[str, Any]]:
        """What the server finds in an open text."""
        while uri not in self.found:
            self._next()
        return self.found[uri]

    def close(self) -> None:
        self.ask("shutdown", None)
        self.tell("exit", None)
        self.server.wait(10)


@pytest.fixture(scope="module")
def editor(program: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    folder = tmp_path_factory.mktemp("editor")
    (folder / "graphspec.schema.json").write_text(schema_text(), encoding="utf-8")
    editor = Editor(program, folder)
    yield editor
    editor.close()


MODELINE = "# yaml-language-server: $schema=graphspec.schema.json\n"
BODY = """\
graphspec: 1
inputs: {x: [8]}
outputs:
  y:
    from: x
    apply:
      - Dense:
          units: 3
      - Flatten
    loss: mse
training: {optimizer: adam}
"""


def labels(editor: Editor, name: str, text: str) -> dict[str, Any]:
    """What is suggested where `|` stands in `text`, by label."""
    before, _, after = (MODELINE + text).partition("|")
    uri = editor.open(name, before + after)
    lines = before.split("\n")
    position = {"line": len(lines) - 1, "character": len(lines[-1])}
    answer = editor.ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
    items = answer["items"] if isinstance(answer, dict) else answer
    return {item["label"]: item for item in items}


def hover(editor: Editor, name: str, word: str) -> str:
    """What is shown over the first `word` of the spec."""
    text = MODELINE + BODY
    uri = editor.open(name, text)
    lines = text[: text.index(word) + 1].split("\n")
    position = {"line": len(lines) - 1, "character": len(lines[-1])}
    answer = editor.ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": position})
    return str(answer["contents"]["value"]) if answer else ""


def test_a_sound_spec_has_no_problems(editor: Editor) -> None:
    """The server takes the schema and finds nothing in a spec that validates."""
    assert editor.problems(editor.open("sound.yaml", MODELINE + BODY)) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_specs_have_no_problems(editor: Editor, path: Path) -> None:
    """The server finds nothing in a shipped spec, and leads from its own first line to the schema."""
    text = path.read_text(encoding="utf-8")
    assert editor.problems(editor.open_file(path, text)) == []
    wrong = text.replace("\ninputs:", "\ninptus:", 1)
    messages = [
        problem["message"] for problem in editor.problems(editor.open_file(path.with_suffix(".wrong.yaml"), wrong))
    ]
    assert any("inptus" in message for message in messages)


@pytest.mark.parametrize(
    ("right", "wrong", "line", "message"),
    [
        ("units: 3", "unit: 3", 8, "unit is not allowed"),
        ("units: 3", 'units: "3"', 8, ""),
        ("Dense:\n          units: 3", "Conv2D: {filters: 3}", 7, "kernel_size"),
        ("Dense:\n          units: 3", "Lambda: x", 7, "a spec cannot use `Lambda`: use operations"),
        ("Flatten", "ops.sqare: 1", 9, "keras.ops has no operation of this name"),
        ("loss: mse", "los: mse", 10, "los is not allowed"),
        ("loss: mse", "loss: msee", 10, "Valid values"),
        ("optimizer: adam", "optimizer: {Adam: {lr: 1}}", 11, "lr is not allowed"),
    ],
)
def test_mistakes_are_underlined(editor: Editor, right: str, wrong: str, line: int, message: str) -> None:
    """A wrong argument, key or name is a problem at its line, said in words."""
    text = MODELINE + BODY.replace(right, wrong)
    problems = editor.problems(editor.open(f"wrong-{abs(hash(wrong))}.yaml", text))
    assert any(message in each["message"] and each["range"]["start"]["line"] == line for each in problems), problems


STEP = "graphspec: 1\ninputs: {x: [8]}\noutputs:\n  y:\n    from: x\n    apply:\n      - "


def test_arguments_of_a_layer_are_completed(editor: Editor) -> None:
    """Under a layer stand its own arguments, each with its documentation; in braces as well."""
    for number, text in enumerate((f"{STEP}Dense:\n          |\n", f"{STEP}Dense: {{un|}}\n")):
        found = labels(editor, f"arguments-{number}.yaml", text)
        assert {"units", "activation", "use_bias"} <= set(found)
        assert "filters" not in found
        assert "output space" in found["units"]["documentation"]
        assert found["units"]["insertText"].startswith("units")


def test_names_are_completed(editor: Editor) -> None:
    """Layers and operations in a step, losses under `loss`, keys in a node: each where it belongs."""
    steps = labels(editor, "steps.yaml", f"{STEP}De|\n")
    assert {"Dense", "Flatten", "ops.transpose"} <= set(steps)
    assert not {"Lambda", "mse", "property"} & set(steps)
    losses = labels(editor, "losses.yaml", "graphspec: 1\noutputs:\n  y:\n    from: x\n    loss: |\n")
    assert {"mse", "BinaryCrossentropy"} <= set(losses)
    keys = labels(editor, "keys.yaml", "graphspec: 1\noutputs:\n  y:\n    from: x\n    |\n")
    assert {"apply", "merge", "loss", "metrics"} <= set(keys)
    truths = labels(editor, "truths.yaml", f"{STEP}Dense: {{units: 1, use_bias: |}}\n")
    assert {"true", "false"} <= set(truths)


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("Dense", "densely-connected"),
        ("units", "output space"),
        ("Flatten", "Flattens the input"),
        ("loss", "The loss to minimize"),
        ("optimizer", "The optimizer"),
    ],
)
def test_hovering_shows_documentation(editor: Editor, word: str, shown: str) -> None:
    """Over a layer, an argument or a key stands what it is."""
    assert shown in hover(editor, f"hover-{word}.yaml", word)
