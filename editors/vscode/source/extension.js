// What begins and ends with VS Code: the language of documents, the client of the server, the commands and the graph.
"use strict";

const vscode = require("vscode");
const {Server} = require("./server");
const {GraphPanels} = require("./graph_panels");
const {isJsonSpec, isYamlSpec} = require("./first_key");
const {runInTerminal} = require("./terminal");

const LANGUAGE = "graphspec";
const COMMANDS = ["validate", "fmt", "summary", "train"];

let server = null;

function activate(context) {
  const output = vscode.window.createOutputChannel("graphspec");
  const panels = new GraphPanels(output);
  server = new Server(LANGUAGE, output);
  const forSpec = (act) => () => {
    const document = vscode.window.activeTextEditor?.document;
    if (document?.uri.scheme === "file") return act(document);
    return vscode.window.showInformationMessage("Open a spec that is saved on the disk first.");
  };
  const command = (name, act) => vscode.commands.registerCommand(`graphspec.${name}`, act);
  context.subscriptions.push(
    output,
    panels,
    server,
    ...COMMANDS.map((name) => command(name, forSpec((document) => runInTerminal(name, document)))),
    command("graph", forSpec((document) => panels.show(document))),
    command("restart", () => server.restart()),
    vscode.workspace.onDidOpenTextDocument(meet),
    vscode.workspace.onDidSaveTextDocument(meet),
    vscode.window.onDidChangeTextEditorSelection(({textEditor}) => panels.follow(textEditor)),
    vscode.workspace.onDidChangeConfiguration((change) => server.configure(change)),
  );
  vscode.workspace.textDocuments.forEach(meet);
}

// Look at a document that is opened or saved; not while one types, so that nothing flickers. The first spec starts the
// server: who opens other YAML pays nothing, and is told of no missing program.
function meet(document) {
  const {languageId} = document;
  if (languageId === "yaml" && isYamlSpec(document.getText())) {
    return vscode.languages.setTextDocumentLanguage(document, LANGUAGE); // it is opened again, as a spec
  }
  if (languageId === LANGUAGE || (languageId === "json" && isJsonSpec(document.getText()))) return server.start();
}

// VS Code calls it before it closes.
function deactivate() {
  return server?.stop();
}

module.exports = {activate, deactivate};
