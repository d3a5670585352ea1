// The language server, `graphspec server`, and its one client.
"use strict";

const vscode = require("vscode");
const {LanguageClient} = require("vscode-languageclient/node");
const {checkProgram, programOf} = require("./program");

// What a click on "used 3 times" runs. The server names the places; VS Code shows them as it shows references.
const SHOW_REFERENCES = "graphspec.showReferences";

const settings = () => ({inlayHints: vscode.workspace.getConfiguration("graphspec").get("inlayHints")});

class Server {
  constructor(language, output) {
    // JSON stays JSON: the server takes what holds the key `graphspec`, and leaves other files alone.
    this.selector = [{language}, {language: "json", scheme: "file"}];
    this.output = output;
    this.client = null;
    this.started = null;
    this.command = vscode.commands.registerCommand(SHOW_REFERENCES, (...places) => this.showReferences(...places));
  }

  showReferences(uri, position, places) {
    if (!this.client) return;
    const {asPosition, asLocation} = this.client.protocol2CodeConverter;
    const found = places.map((place) => asLocation(place));
    return vscode.commands.executeCommand("editor.action.showReferences", vscode.Uri.parse(uri), asPosition(position), found);
  }

  // Start the server, once; a program that is missing is told of once too.
  start() {
    this.started ??= this.run();
    return this.started;
  }

  async restart() {
    await this.stop();
    return this.start();
  }

  async stop() {
    await this.started;
    const client = this.client;
    this.client = this.started = null;
    await client?.dispose().catch(() => {}); // one that has crashed cannot be stopped
  }

  // Take the settings as they are now: another program is started, the one that runs is told of all else.
  async configure(change) {
    if (!change.affectsConfiguration("graphspec") || !this.started) return;
    if (change.affectsConfiguration("graphspec.path")) return this.restart();
    await this.started;
    return this.client?.sendNotification("workspace/didChangeConfiguration", {settings: {graphspec: settings()}});
  }

  async run() {
    const program = programOf();
    if (!(await checkProgram(program))) return;
    this.client = new LanguageClient("graphspec", "graphspec", {command: program, args: ["server"]}, {
      documentSelector: this.selector,
      initializationOptions: {...settings(), showReferences: SHOW_REFERENCES},
      outputChannel: this.output,
    });
    try {
      await this.client.start();
    } catch (error) {
      this.client = null;
      this.output.appendLine(String(error));
      this.explain(`${program} does not start as a language server. Its extra may be missing: pip install 'graphspec[editor]'`);
    }
  }

  dispose() {
    this.command.dispose();
  }

  // Not awaited: a message that nobody answers must hold up nothing.
  explain(message) {
    vscode.window.showErrorMessage(message, "Show what it says").then((answer) => {
      if (answer) this.output.show();
    });
  }
}

module.exports = {Server};
