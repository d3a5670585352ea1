// The live graph beside a spec: one panel a file, each with a `graphspec plot --watch` of its own.
"use strict";

const {spawn} = require("node:child_process");
const path = require("node:path");
const vscode = require("vscode");
const {programOf} = require("./program");
const {listen, read} = require("./plot_client");
const {asWebview} = require("./plot_page");

class GraphPanels {
  constructor(output) {
    this.output = output;
    this.open = new Map();
  }

  // Show the panel of a document; the cursor stays in the text.
  show(document) {
    const file = document.uri.fsPath;
    const known = this.open.get(file);
    if (known) return known.panel.reveal(undefined, true);
    const place = {viewColumn: vscode.ViewColumn.Beside, preserveFocus: true};
    const options = {enableScripts: true, localResourceRoots: [], retainContextWhenHidden: true, enableFindWidget: true};
    const panel = vscode.window.createWebviewPanel("graphspec.graph", `Graph of ${path.basename(file)}`, place, options);
    const server = spawn(programOf(), ["plot", "--watch", file], {
      cwd: path.dirname(file),
      stdio: ["ignore", "ignore", "pipe"],
    });
    const shown = {panel, server, said: "", stop: null};
    this.open.set(file, shown);
    panel.onDidDispose(() => {
      this.open.delete(file);
      shown.stop?.();
      server.kill("SIGINT"); // as Ctrl-C does in a terminal
    });
    server.on("error", (error) => this.fail(shown, error.message));
    server.on("exit", () => this.open.get(file) === shown && this.fail(shown, shown.said));
    server.stderr.setEncoding("utf8").on("data", (text) => {
      if (shown.stop === null) this.begin(shown, text);
    });
  }

  // Take the address that the server says first, and show its page.
  begin(shown, text) {
    shown.said += text;
    const address = shown.said.match(/http:\/\/127\.0\.0\.1:\d+\//)?.[0];
    if (!address) return;
    const tell = (news) => shown.panel.webview.postMessage({news});
    shown.stop = () => {};
    read(address)
      .then((page) => {
        shown.panel.webview.html = asWebview(page);
        shown.stop = listen(address, tell);
      })
      .catch((error) => this.fail(shown, error.message));
  }

  // Show the box that the cursor of an editor is in, in the panels of all specs that hold its file.
  follow(editor) {
    if (editor.document.uri.scheme !== "file") return;
    const place = {file: editor.document.uri.fsPath, line: editor.selection.active.line + 1};
    for (const {panel} of this.open.values()) panel.webview.postMessage({place});
  }

  fail(shown, reason) {
    const lines = reason.trim().split("\n");
    this.output.appendLine(reason);
    vscode.window.showErrorMessage(`The live graph ended: ${lines[0] || "graphspec plot --watch said nothing"}`);
    shown.panel.dispose();
  }

  dispose() {
    for (const {panel} of [...this.open.values()]) panel.dispose();
  }
}

module.exports = {GraphPanels};
