// As much of VS Code as the graph, the program and the terminal use: what they do to it is written down in `seen`.
"use strict";

const seen = {errors: [], tasks: [], pages: [], messages: []};
let onDispose = () => {};
const webview = {
  set html(page) { seen.pages.push(page); },
  postMessage: (message) => seen.messages.push(message),
};
const panel = {webview, reveal() {}, onDidDispose: (act) => (onDispose = act), dispose: () => onDispose()};
class Task {
  constructor(definition, scope, name, source, execution) { Object.assign(this, {name, execution}); }
}
class ProcessExecution {
  constructor(program, args, options) { Object.assign(this, {program, args, options}); }
}
module.exports = {
  seen, panel, Task, ProcessExecution, TaskScope: {Workspace: 2}, ViewColumn: {Beside: -2},
  window: {
    createWebviewPanel: () => panel,
    showErrorMessage: async (message) => void seen.errors.push(message),
  },
  workspace: {
    getConfiguration: () => ({get: () => process.env.PROGRAM ?? "graphspec"}),
    getWorkspaceFolder: () => undefined,
  },
  tasks: {executeTask: async (task) => seen.tasks.push(task)},
};
