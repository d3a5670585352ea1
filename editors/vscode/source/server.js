// The language server, `graphspec server`, and its one client.
"use strict";

const vscode = require("vscode");
const {LanguageClient} = require("vscode-languageclient/node");
const {checkProgram, programOf} = require("./program");

class Server {
  constructor(language, output) {
    // JSON stays JSON: the server takes what holds the key `graphspec`, and leaves other files alone.
    this.selector = [{language}, {language: "json", scheme: "file"}];
    this.output = output;
    this.client = null;
    this.started = null;
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
    await client?.dispose().catch(() => {}); // one that did not start cannot be stopped
  }

  async run() {
    const program = programOf();
    if (!(await checkProgram(program))) return;
    this.client = new LanguageClient("graphspec", "graphspec", {command: program, args: ["server"]}, {
      documentSelector: this.selector,
      initializationOptions: {inlayHints: vscode.workspace.getConfiguration("graphspec").get("inlayHints")},
      synchronize: {configurationSection: "graphspec"},
      outputChannel: this.output,
    });
    try {
      await this.client.start();
    } catch (error) {
      this.output.appendLine(String(error));
      this.explain(`${program} does not start as a language server. Its extra may be missing: pip install 'graphspec[editor]'`);
    }
  }

  // Not awaited: a message that nobody answers must hold up nothing.
  explain(message) {
    vscode.window.showErrorMessage(message, "Show what it says").then((answer) => {
      if (answer) this.output.show();
    });
  }
}

module.exports = {Server};
