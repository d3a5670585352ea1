// Whether a YAML text is a spec: its first key is `graphspec`.
"use strict";

// What may stand before the first key: comments, empty lines, directives and the mark of a document's start.
const BEFORE = /^(?:#.*|%.*|---(?:\s.*)?|\s*)$/;
const KEY = /^(["']?)graphspec\1\s*:(?:\s|$)/;

function isSpec(text) {
  // Only the head is read, so that a huge file of another kind costs nothing.
  const lines = text.slice(0, 20_000).replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);
  return KEY.test(lines.find((line) => !BEFORE.test(line) && !/^\s+#/.test(line)) ?? "");
}

module.exports = {isSpec};
