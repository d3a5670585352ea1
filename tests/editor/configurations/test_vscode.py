"""The extension of VS Code: the package that its script builds, its parts, and the server as its library drives it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import graphspec
from graphspec.cli.main import COMMANDS
from graphspec.drawing import Drawings
from graphspec.drawing.page import as_json, plot_facts, plot_page
from graphspec.version import __version__
from tests.chromium import needs_chromium
from tests.chromium_session import Session, chromium_session
from tests.editor.configurations.program import EDITORS, ROOT, environment_with_program
from tests.editor.server.test_checks import MISTAKE

EXTENSION = EDITORS / "vscode"
MANIFEST: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
LOCK: dict[str, Any] = json.loads((EXTENSION / "package-lock.json").read_text(encoding="utf-8"))
SECONDS = 240

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed: apt-get install nodejs")


def node(script: str, *arguments: object, **options: Any) -> Any:
    """Run a script in the folder of the extension, and return the JSON that it prints."""
    command = ["node", "-e", script, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=EXTENSION, capture_output=True, text=True, timeout=SECONDS, check=False, **options
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the script builds in, with the package and the libraries."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: apt-get install npm")
    if int(node("console.log(process.versions.node.split('.')[0])")) < 20:
        pytest.skip("Node is older than 20")
    folder = tmp_path_factory.mktemp("vscode")
    ping = ["npm", "ping", "--fetch-retries=0", "--fetch-timeout=5000"]
    if subprocess.run(ping, capture_output=True, timeout=SECONDS, check=False).returncode:
        pytest.skip("npm does not reach its registry")
    command = [EXTENSION / "build.sh", folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_the_package_holds_what_it_needs_and_no_more(built: Path) -> None:
    """The bundle with its libraries, the manifest, and what the manifest names; no source and no package of npm."""
    with zipfile.ZipFile(built / "graphspec.vsix") as package:
        names = {name.removeprefix("extension/") for name in package.namelist() if name.startswith("extension/")}
        bundle = package.read("extension/extension.js").decode()
        manifest = json.loads(package.read("extension/package.json"))
    texts = {"readme.md", "LICENSE.txt"}
    assert names == {"extension.js", "package.json", "language-configuration.json", "grammar.json", *texts}
    assert set(re.findall(r'require\("([a-z@/:_-]+)"\)', bundle)) <= {"vscode", *_of_node()}
    assert manifest["version"] == __version__


def _of_node() -> set[str]:
    """The modules that come with Node, with and without their prefix."""
    names: list[str] = node("console.log(JSON.stringify(require('node:module').builtinModules))")
    return {*names, *(f"node:{name}" for name in names)}


CLIENT = """
const {spawn} = require("node:child_process");
const library = require(process.argv[1] + "/node_modules/vscode-languageserver-protocol/node.js");
const uri = "file:///nowhere/spec.yaml", text = process.argv[2];
const server = spawn("graphspec", ["server"], {stdio: ["pipe", "pipe", "inherit"]});
const connection = library.createProtocolConnection(
  new library.StreamMessageReader(server.stdout), new library.StreamMessageWriter(server.stdin));
const found = [];
let wake = () => {};
connection.onNotification(library.PublishDiagnosticsNotification.type, ({diagnostics}) => {
  found.push(diagnostics.map(({code}) => code));
  wake();
});
const pause = (count) => new Promise((done) => {
  wake = () => found.length >= count && done();
  wake();
});
connection.listen();
(async () => {
  const capabilities = {textDocument: {hover: {contentFormat: ["markdown"]}}};
  const begun = await connection.sendRequest(library.InitializeRequest.type,
    {processId: process.pid, rootUri: null, capabilities, initializationOptions: {inlayHints: true}});
  await connection.sendNotification(library.InitializedNotification.type, {});
  await connection.sendNotification(library.DidOpenTextDocumentNotification.type,
    {textDocument: {uri, languageId: "graphspec", version: 1, text}});
  await pause(1);
  const range = {start: {line: 3, character: 23}, end: {line: 3, character: 27}};
  await connection.sendNotification(library.DidChangeTextDocumentNotification.type,
    {textDocument: {uri, version: 2}, contentChanges: [{range, text: "Dense"}]});
  await pause(2);
  const place = {textDocument: {uri}, position: {line: 3, character: 24}};
  const hover = await connection.sendRequest(library.HoverRequest.type, place);
  const whole = {start: {line: 0, character: 0}, end: {line: 9, character: 0}};
  const hints = await connection.sendRequest(library.InlayHintRequest.type, {textDocument: {uri}, range: whole});
  await connection.sendRequest(library.ShutdownRequest.type);
  await connection.sendNotification(library.ExitNotification.type);
  const code = await new Promise((done) => server.on("exit", done));
  const {name} = begun.serverInfo;
  console.log(JSON.stringify({name, found, hover: hover.contents.value, hints: hints.length, code}));
  process.exit();
})();
"""


@pytest.mark.slow
def test_the_library_of_vscode_talks_to_the_server(built: Path, tmp_path: Path) -> None:
    """A mistake is found and gone after its fix, hover and hints answer, and the server ends as it is asked to."""
    seen = node(CLIENT, built, MISTAKE, env=environment_with_program(tmp_path))
    assert (seen["name"], seen["code"]) == ("graphspec", 0)
    assert seen["found"] == [["GS201"], []]
    assert "densely-connected" in seen["hover"]
    assert seen["hints"] >= 2


def test_packages_are_pinned() -> None:
    """Every package has one version and a checksum, and the extension has the version of graphspec."""
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in MANIFEST["devDependencies"].values())
    packages = {name: each for name, each in LOCK["packages"].items() if name}
    assert len(packages) > 100
    assert all("integrity" in each for each in packages.values())
    assert LOCK["packages"][""]["devDependencies"] == MANIFEST["devDependencies"]
    assert MANIFEST["version"] == LOCK["version"] == __version__


def test_commands_are_those_of_the_program() -> None:
    """Each command of the manifest is bound, and what runs in a terminal is a command of graphspec."""
    source = (EXTENSION / "source" / "extension.js").read_text(encoding="utf-8")
    names = {each["command"].removeprefix("graphspec.") for each in MANIFEST["contributes"]["commands"]}
    listed = re.search(r"const COMMANDS = (\[.*\])", source)
    assert listed
    in_terminal = set(json.loads(listed[1]))
    assert in_terminal <= set(COMMANDS)
    assert names == {*in_terminal, *re.findall(r'command\("(\w+)"', source)}


@needs_node
def test_a_spec_is_known_by_its_first_key() -> None:
    """Comments, directives and marks may stand before the key; another key, a value or a deeper one does not count."""
    specs = [
        "graphspec: 1",
        "# a\n\n  # b\n---\n'graphspec': 1",
        '%YAML 1.2\n--- # a\n"graphspec":\n',
        "\ufeffgraphspec: 1",
    ]
    others = [
        "",
        "a: 1\ngraphspec: 1",
        "a:\n  graphspec: 1",
        "  - graphspec: 1",
        "graphspec",
        "graphspec:1",
        "graphspecs: 1",
    ]
    script = "const {isSpec} = require('./source/first_key.js');" + (
        "console.log(JSON.stringify(JSON.parse(process.argv[1]).map(isSpec)))"
    )
    assert node(script, json.dumps(specs + others)) == [True] * len(specs) + [False] * len(others)


@pytest.fixture(scope="module")
def browser() -> Iterator[Session]:
    with chromium_session() as session:
        yield session


@needs_node
@needs_chromium
def test_the_graph_follows_the_cursor_and_the_file(browser: Session, tmp_path: Path) -> None:
    """In the page of a webview, messages of the extension select boxes and draw again; no connection is made."""
    spec = ROOT / "specs" / "wine.yaml"
    loaded = graphspec.load(spec)
    drawings = Drawings.of(loaded.graph)
    page = tmp_path / "page.html"
    script = "console.log(JSON.stringify(require('./source/plot_page.js').asWebview(process.env.PAGE)))"
    environment = {**os.environ, "PAGE": plot_page(drawings, [], None, watch=True)}
    page.write_text(node(script, env=environment), encoding="utf-8")
    browser.requests.clear()
    browser.open(page.as_uri())
    text = spec.read_text(encoding="utf-8").splitlines()
    line = next(number for number, each in enumerate(text, 1) if "colours:" in each)
    browser.run(f"postMessage({json.dumps({'place': {'file': str(spec), 'line': line}})}, '*')")
    browser.wait_for("selected === 'colours'")
    browser.run(f"postMessage({json.dumps({'place': {'file': '/elsewhere.yaml', 'line': line}})}, '*')")
    news = as_json(plot_facts(drawings, [], None, watch=True) | {"name": "again"})
    browser.run(f"postMessage({json.dumps({'news': news})}, '*')")
    browser.wait_for("data.name === 'again'")
    assert browser.run("[selected, document.activeElement.localName]") == ["colours", "body"]
    assert (browser.requests, browser.complaints) == ([page.as_uri()], [])
