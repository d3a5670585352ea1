// A command of graphspec on a spec, in a terminal of its own.
"use strict";

const path = require("node:path");
const vscode = require("vscode");
const {programOf} = require("./program");

// A task starts the program itself, without a shell: no name of a file can be read as a command.
async function runInTerminal(name, document) {
  await document.save();
  const folder = vscode.workspace.getWorkspaceFolder(document.uri);
  const file = document.uri.fsPath;
  const cwd = folder?.uri.fsPath ?? path.dirname(file);
  const task = new vscode.Task(
    {type: "process"},
    folder ?? vscode.TaskScope.Workspace,
    `${name} ${path.basename(file)}`,
    "graphspec",
    new vscode.ProcessExecution(programOf(), [name, file], {cwd}),
  );
  await vscode.tasks.executeTask(task);
}

module.exports = {runInTerminal};
