// Whether a text is a spec: its first key is `graphspec`.
"use strict";

// What may stand before the first key of YAML: comments, empty lines, directives and the mark of a document's start.
const BEFORE = /^(?:\s*#.*|%.*|---(?:\s.*)?|\s*)$/;
const KEY = /^(["']?)graphspec\1\s*:(?:\s|$)/;
// The record of a run, `provenance.json`, has a mapping there.
const JSON_KEY = /^\s*\{\s*"graphspec"\s*:(?!\s*\{)/;

// Only the head is read, so that a huge file of another kind costs nothing.
const headOf = (text) => text.slice(0, 20_000).replace(/^\uFEFF/, "");

function isYamlSpec(text) {
  const lines = headOf(text).split(/\r\n|\r|\n/);
  return KEY.test(lines.find((line) => !BEFORE.test(line)) ?? "");
}

function isJsonSpec(text) {
  return JSON_KEY.test(headOf(text));
}

module.exports = {isJsonSpec, isYamlSpec};
