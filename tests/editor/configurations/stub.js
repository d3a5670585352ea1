// As much of VS Code and its language client as the extension uses: what they do to it is written down in `seen`.
"use strict";

const seen = {errors: [], tasks: [], pages: [], messages: [], clients: [], sent: [], executed: []};
const bound = {};
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
class LanguageClient {
  constructor(id, name, program, options) { seen.clients.push(options.initializationOptions); }
  protocol2CodeConverter = {asPosition: (place) => place, asLocation: (place) => place};
  start = async () => {};
  dispose = async () => {};
  sendNotification = async (...message) => seen.sent.push(message);
}
module.exports = {
  seen, bound, panel, LanguageClient, Uri: {parse: (text) => text}, Task, ProcessExecution, TaskScope: {Workspace: 2}, ViewColumn: {Beside: -2},
  window: {
    createWebviewPanel: () => panel,
    showErrorMessage: async (message) => void seen.errors.push(message),
  },
  workspace: {
    getConfiguration: () => ({get: () => process.env.PROGRAM ?? "graphspec"}),
    getWorkspaceFolder: () => undefined,
  },
  commands: {
    registerCommand: (name, act) => ((bound[name] = act), {dispose() {}}),
    executeCommand: async (...command) => seen.executed.push(command),
  },
  tasks: {executeTask: async (task) => seen.tasks.push(task)},
};
