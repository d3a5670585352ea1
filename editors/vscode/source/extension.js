// What begins and ends with VS Code: the language of documents, the server's client, the commands and the graph.
"use strict";

const vscode = require("vscode");
const {LanguageClient} = require("vscode-languageclient/node");
const {GraphPanels} = require("./graph_panels");
const {isSpec} = require("./first_key");
const {checkProgram, programOf} = require("./program");
const {runInTerminal} = require("./terminal");

const LANGUAGE = "graphspec";
const COMMANDS = ["validate", "fmt", "summary", "train"];
const settings = () => vscode.workspace.getConfiguration("graphspec");

let client = null;

async function activate(context) {
  const output = vscode.window.createOutputChannel("graphspec");
  const panels = new GraphPanels(output);
  const forSpec = (act) => () => {
    const document = vscode.window.activeTextEditor?.document;
    if (document?.uri.scheme === "file") return act(document);
    return vscode.window.showInformationMessage("Open a spec that is saved on the disk first.");
  };
  const command = (name, act) => vscode.commands.registerCommand(`graphspec.${name}`, act);
  context.subscriptions.push(
    output,
    panels,
    ...COMMANDS.map((name) => command(name, forSpec((document) => runInTerminal(name, document)))),
    command("graph", forSpec((document) => panels.show(document))),
    command("restart", () => restart(output)),
    vscode.workspace.onDidOpenTextDocument(name),
    vscode.workspace.onDidSaveTextDocument(name),
    vscode.window.onDidChangeTextEditorSelection(({textEditor}) => panels.follow(textEditor)),
    vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration("graphspec.path") && restart(output)),
  );
  vscode.workspace.textDocuments.forEach(name);
  await restart(output);
}

// Give YAML whose first key is `graphspec` the language. It is not asked while one types, so that nothing flickers.
async function name(document) {
  if (document.languageId === "yaml" && isSpec(document.getText())) {
    await vscode.languages.setTextDocumentLanguage(document, LANGUAGE);
  }
}

async function restart(output) {
  await deactivate();
  const program = programOf();
  if (!(await checkProgram(program))) return;
  const options = {
    // JSON stays JSON: the server takes what holds the key `graphspec`, and leaves other files alone.
    documentSelector: [{language: LANGUAGE}, {language: "json", scheme: "file"}],
    initializationOptions: {inlayHints: settings().get("inlayHints")},
    synchronize: {configurationSection: "graphspec"},
    outputChannel: output,
  };
  client = new LanguageClient("graphspec", "graphspec", {command: program, args: ["server"]}, options);
  try {
    await client.start();
  } catch (error) {
    output.appendLine(String(error));
    const answer = await vscode.window.showErrorMessage(
      `${program} does not start as a language server. Its extra may be missing: pip install 'graphspec[editor]'`,
      "Show what it says",
    );
    if (answer) output.show();
  }
}

// Ends the server; VS Code calls it before it closes.
async function deactivate() {
  const old = client;
  client = null;
  await old?.dispose().catch(() => {}); // one that did not start cannot be stopped
}

module.exports = {activate, deactivate};
