// The program that the settings name, and what to tell a person where it is missing.
"use strict";

const {execFile} = require("node:child_process");
const path = require("node:path");
const vscode = require("vscode");

// Return the program: a bare name is looked up on the PATH, a relative path begins at the first folder of the workspace.
function programOf() {
  const given = vscode.workspace.getConfiguration("graphspec").get("path").trim() || "graphspec";
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  return folder && /[\\/]/.test(given) ? path.resolve(folder, given) : given;
}

// Return whether the program runs; where it does not, say why and how to go on.
async function checkProgram(program) {
  const error = await new Promise((done) => execFile(program, ["--version"], {timeout: 60_000}, done));
  if (!error) return true;
  const reason = error.code === "ENOENT" ? "is not found" : `does not run: ${error.message.split("\n")[0]}`;
  const message = `The program ${program} ${reason}. Install it by pip install 'graphspec[editor]', or set graphspec.path.`;
  // Not awaited: a message that nobody answers must not keep the extension from starting.
  vscode.window.showErrorMessage(message, "Open the setting").then((answer) => {
    if (answer) vscode.commands.executeCommand("workbench.action.openSettings", "graphspec.path");
  });
  return false;
}

module.exports = {checkProgram, programOf};
