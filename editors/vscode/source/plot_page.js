// The page of `graphspec plot --watch` as a webview shows it.
"use strict";

const {createHash, randomBytes} = require("node:crypto");

// Runs in the webview before the page's own script. News reach the page as messages of the extension, in the place of the
// events of a server. Places of the cursor do too: `showPlace` is the page's.
function bridge() {
  window.EventSource = class extends EventTarget {
    constructor() {
      super();
      addEventListener("message", ({data: {news, place}}) => {
        if (news) this.dispatchEvent(new MessageEvent("message", {data: news}));
        if (place) showPlace(place.file, place.line);
      });
    }
  };
}

// The page is dark where the system is. Here it is dark where the theme of the editor is, which may be another.
const DARK_SYSTEM = /@media screen and \(prefers-color-scheme: dark\) \{\s*:root \{/;
const DARK_THEME = `@media screen {
  :root:has([data-vscode-theme-kind="vscode-dark"], [data-vscode-theme-kind="vscode-high-contrast"]) { color-scheme: dark;`;

// Return the hash of the style of a page, by which its policy allows it.
function hashOf(page) {
  const style = page.match(/<style>([^]*?)<\/style>/)[1];
  return createHash("sha256").update(style).digest("base64");
}

// Return the page with the bridge. Its policy stays, and allows this one script more and no connection.
function asWebview(page, nonce = randomBytes(16).toString("base64")) {
  const policy = page.replace(/; connect-src [^"]*"/, '"').replace("script-src ", `script-src 'nonce-${nonce}' `);
  const themed = policy.replace(DARK_SYSTEM, DARK_THEME);
  return themed.replace(hashOf(page), () => hashOf(themed)).replace("<body>", () => `<body><script nonce="${nonce}">(${bridge})();</script>`);
}

module.exports = {asWebview};
