// The page of `graphspec plot --watch` as a webview shows it.
"use strict";

const {randomBytes} = require("node:crypto");

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

// Return the page with the bridge. Its policy stays, and allows this one script more and no connection.
function asWebview(page, nonce = randomBytes(16).toString("base64")) {
  const policy = page.replace(/; connect-src [^"]*"/, '"').replace("script-src ", `script-src 'nonce-${nonce}' `);
  return policy.replace("<body>", () => `<body><script nonce="${nonce}">(${bridge})();</script>`);
}

module.exports = {asWebview};
