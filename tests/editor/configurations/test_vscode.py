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
  const workspace = {inlayHint: {refreshSupport: true}};
  const capabilities = {workspace, textDocument: {hover: {contentFormat: ["markdown"]}}};
  let refreshed = () => {};
  connection.onRequest(library.InlayHintRefreshRequest.type, () => refreshed());
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
  const again = new Promise((done) => (refreshed = done));
  await connection.sendNotification(library.DidChangeConfigurationNotification.type,
    {settings: {graphspec: {inlayHints: false}}});
  await again;
  const hidden = await connection.sendRequest(library.InlayHintRequest.type, {textDocument: {uri}, range: whole});
  await connection.sendRequest(library.ShutdownRequest.type);
  await connection.sendNotification(library.ExitNotification.type);
  const code = await new Promise((done) => server.on("exit", done));
  const {name} = begun.serverInfo;
  console.log(JSON.stringify({name, found, hover: hover.contents.value, hints: hints.length, hidden, code}));
  process.exit();
})();
"""


@pytest.mark.slow
def test_the_library_of_vscode_talks_to_the_server(built: Path, tmp_path: Path) -> None:
    """A mistake is gone after its fix, hover and hints answer, a setting counts at once; the server ends in order."""
    seen = node(CLIENT, built, MISTAKE, env=environment_with_program(tmp_path))
    assert (seen["name"], seen["code"]) == ("graphspec", 0)
    assert seen["found"] == [["GS201"], []]
    assert "densely-connected" in seen["hover"]
    assert seen["hints"] >= 2
    assert not seen["hidden"]


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


IS_SPEC = """
const is = require("./source/first_key.js")[process.argv[1]];
console.log(JSON.stringify(JSON.parse(process.argv[2]).map(is)));
"""


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
    assert node(IS_SPEC, "isYamlSpec", json.dumps(specs + others)) == [True] * len(specs) + [False] * len(others)
    texts = ['{"graphspec": 1}', '\ufeff\n{\n "graphspec" : 1', '{"a": {"graphspec": 1}}', '["graphspec"]', ""]
    assert node(IS_SPEC, "isJsonSpec", json.dumps(texts)) == [True, True, False, False, False]
    begun_and_record = ['{"graphspec":', '{\n "graphspec": {\n  "value": 1']
    assert node(IS_SPEC, "isJsonSpec", json.dumps(begun_and_record)) == [True, False]


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
    colours = "getComputedStyle(document.documentElement).getPropertyValue('--page')"
    light = browser.run(colours)
    browser.run("document.body.dataset.vscodeThemeKind = 'vscode-dark'")
    assert browser.run(colours) != light
    assert (browser.requests, browser.complaints) == ([page.as_uri()], [])


STUB = """
const module = require("node:module"), resolve = module._resolveFilename;
module._resolveFilename = (name, ...more) => /^vscode/.test(name) ? process.env.STUB : resolve(name, ...more);
const vscode = require("vscode"), {seen} = vscode, file = process.argv[1];
const until = async (holds) => { while (!holds()) await new Promise((done) => setTimeout(done, 20)); };
const end = () => console.log(JSON.stringify(seen));
"""

GRAPH = """
const {GraphPanels} = require("./source/graph_panels.js"), fs = require("node:fs");
(async () => {
  const panels = new GraphPanels({appendLine() {}}), uri = {fsPath: file, scheme: "file"};
  panels.show({uri});
  panels.show({uri}); // the same panel again
  await until(() => seen.messages.length === 1);
  panels.follow({document: {uri}, selection: {active: {line: 3}}});
  fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace("Dens:", "Dense:"));
  await until(() => seen.messages.length === 3);
  const {server} = [...panels.open.values()][0];
  panels.dispose();
  await until(() => server.exitCode !== null);
  seen.left = panels.open.size;
  end();
})();
"""

MISSING = """
const {GraphPanels} = require("./source/graph_panels.js"), {checkProgram, programOf} = require("./source/program.js");
(async () => {
  seen.runs = await checkProgram(programOf());
  new GraphPanels({appendLine() {}}).show({uri: {fsPath: file}});
  await until(() => seen.errors.length === 2);
  end();
})();
"""

TERMINAL = """
const document = {uri: {fsPath: file}, save: async () => (seen.saved = true)};
require("./source/terminal.js").runInTerminal("train", document).then(end);
"""


SERVER = """
const {Server} = require("./source/server.js"), {bound} = vscode;
(async () => {
  const server = new Server("graphspec", {appendLine() {}});
  const changed = (...names) => server.configure({affectsConfiguration: (name) => names.includes(name)});
  await changed("graphspec", "graphspec.path"); // before there is one
  bound["graphspec.showReferences"]("file:///a.yaml", {line: 1, character: 2}, []);
  await server.start();
  await bound["graphspec.showReferences"]("file:///a.yaml", {line: 1, character: 2}, ["a place"]);
  await changed("editor");
  await changed("graphspec");
  await changed("graphspec", "graphspec.path");
  end();
})();
"""


def seen_by_stub(script: str, file: Path, folder: Path, **variables: str) -> Any:
    """Run a part of the extension with a stub of VS Code, and return what it has done to it."""
    stub = Path(__file__).with_name("stub.js")
    return node(STUB + script, file, env={**environment_with_program(folder), "STUB": str(stub), **variables})


@pytest.mark.slow
@needs_node
def test_the_graph_is_drawn_again_on_each_save(tmp_path: Path) -> None:
    """A panel shows the page of `plot --watch`, is told of drawings and of the cursor, and ends it when it closes."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(MISTAKE, encoding="utf-8")
    seen = seen_by_stub(GRAPH, spec, tmp_path)
    assert (len(seen["pages"]), seen["errors"], seen["left"]) == (1, [], 0)
    assert "script-src 'nonce-" in seen["pages"][0]
    assert "connect-src" not in seen["pages"][0]
    first, place, second = seen["messages"]
    assert [each["rule"] for each in json.loads(first["news"])["findings"]] == ["GS201 unknown-object"]
    assert place == {"place": {"file": str(spec), "line": 4}}
    assert json.loads(second["news"])["findings"] == []


@needs_node
def test_a_program_that_is_missing_is_told_of(tmp_path: Path) -> None:
    """The message names the program, how to install it and the setting; the graph says the same of its own."""
    seen = seen_by_stub(MISSING, tmp_path / "spec.yaml", tmp_path, PROGRAM="/nowhere/graphspec")
    about_program, about_graph = seen["errors"]
    assert about_program.startswith("The program /nowhere/graphspec is not found. Install it by pip install")
    assert "graphspec.path" in about_program
    assert "ENOENT" in about_graph
    assert seen["runs"] is False


@needs_node
def test_the_server_has_the_settings_and_shows_places(tmp_path: Path) -> None:
    """Another program is started anew, any other setting is sent; a click on a lens shows the places that it counts."""
    seen = seen_by_stub(SERVER, tmp_path / "spec.yaml", tmp_path)
    assert [each["showReferences"] for each in seen["clients"]] == ["graphspec.showReferences"] * 2
    assert [name for name, _ in seen["sent"]] == ["workspace/didChangeConfiguration"]
    assert list(seen["sent"][0][1]["settings"]["graphspec"]) == ["inlayHints"]
    place = {"line": 1, "character": 2}
    assert seen["executed"] == [["editor.action.showReferences", "file:///a.yaml", place, ["a place"]]]
    assert seen["errors"] == []


@needs_node
def test_a_command_runs_without_a_shell(tmp_path: Path) -> None:
    """The name of a file is one argument, whatever it holds, and the spec is saved first."""
    spec = tmp_path / "a $(touch b); c.yaml"
    seen = seen_by_stub(TERMINAL, spec, tmp_path)
    assert seen["saved"]
    assert seen["tasks"] == [
        {
            "name": f"train {spec.name}",
            "execution": {"program": "graphspec", "args": ["train", str(spec)], "options": {"cwd": str(tmp_path)}},
        }
    ]
