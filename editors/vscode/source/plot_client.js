// What `graphspec plot --watch` serves: its page, and news of it.
//
// The extension asks, not the webview: the server lets no other page frame it, and this works over SSH and in containers
// too, where the server is on the other machine.
"use strict";

const http = require("node:http");

// Return the page at an address.
function read(address) {
  return new Promise((done, fail) => {
    http
      .get(address, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part) => (text += part)).on("error", fail);
        response.on("end", () => (response.statusCode === 200 ? done(text) : fail(new Error(text.trim()))));
      })
      .on("error", fail);
  });
}

// Call `tell` with each drawing that the server sends; return what ends it.
function listen(address, tell) {
  const request = http.get(new URL("events", address), (response) => {
    let text = "";
    response.setEncoding("utf8").on("error", () => {}).on("data", (part) => {
      const events = (text + part).split("\n\n");
      text = events.pop();
      for (const event of events) if (event.startsWith("data: ")) tell(event.slice("data: ".length));
    });
  });
  request.on("error", () => {}); // the server ended, which its process says too
  return () => request.destroy();
}

module.exports = {listen, read};
