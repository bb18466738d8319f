// A WebSocket peer made of the npm package "ws", driven through its standard streams by test_ws_npm.py.
//
//   node peer.mjs echo          prints {"port": N}; echoes messages, closes with 4002 "as asked" on "close me"
//   node peer.mjs client URL [PROTOCOL...]
//                               takes one command a line, prints one event a line, both as JSON
//
// With --deflate=OPTIONS, an object in JSON, both speak permessage-deflate, with these options of "ws".
// Payloads of binary messages travel as hexadecimal digits.

import { createInterface } from "node:readline";
import { WebSocket, WebSocketServer } from "ws";

const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const MOST = 64 * 1024 * 1024;
const DEFLATE = "--deflate=";

function echo(perMessageDeflate) {
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    maxPayload: MOST,
    perMessageDeflate,
    handleProtocols: (offered) => (offered.has("superchat") ? "superchat" : false),
  });
  server.on("listening", () => tell({ port: server.address().port }));
  server.on("connection", (socket, request) => {
    tell({
      event: "open",
      url: request.url,
      origin: request.headers.origin ?? null,
      extensions: socket.extensions,
      offered: request.headers["sec-websocket-extensions"] ?? null,
    });
    socket.on("message", (data, isBinary) => {
      if (!isBinary && data.toString() === "close me") socket.close(4002, "as asked");
      else if (!isBinary && data.toString() === "ping me") socket.ping("from upstream");
      else if (!isBinary && data.toString() === "fragments") {
        for (const [part, fin] of [["one ", false], ["", false], ["two", true]]) socket.send(part, { fin });
      } else socket.send(data, { binary: isBinary });
    });
    socket.on("pong", (data) => tell({ event: "pong", data: data.toString() }));
    socket.on("close", (code, reason) => tell({ event: "close", code, reason: reason.toString() }));
    socket.on("error", (error) => tell({ event: "error", message: error.message }));
  });
}

function client(perMessageDeflate, url, protocols) {
  const socket = new WebSocket(url, protocols, { maxPayload: MOST, origin: "https://app.test", perMessageDeflate });
  const commands = {
    text: ({ data }) => socket.send(data),
    binary: ({ hex }) => socket.send(Buffer.from(hex, "hex")),
    large: ({ size, fill }) => socket.send(Buffer.alloc(size, fill)),
    fragments: ({ parts }) => parts.forEach((part, at) => socket.send(part, { fin: at === parts.length - 1 })),
    ping: ({ data }) => socket.ping(data),
    close: ({ code, reason }) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
  socket.on("open", () => tell({ event: "open", protocol: socket.protocol, extensions: socket.extensions }));
  socket.on("unexpected-response", (request, response) => {
    const parts = [];
    response.on("data", (part) => parts.push(part));
    response.on("end", () => {
      tell({ event: "refused", status: response.statusCode, body: Buffer.concat(parts).toString() });
      process.exit(0);
    });
  });
  socket.on("message", (data, isBinary) => {
    if (data.length > 65536) tell({ event: "large", size: data.length, same: data.every((octet) => octet === data[0]) });
    else if (isBinary) tell({ event: "binary", hex: data.toString("hex") });
    else tell({ event: "text", data: data.toString() });
  });
  socket.on("ping", (data) => tell({ event: "ping", data: data.toString() }));
  socket.on("pong", (data) => tell({ event: "pong", data: data.toString() }));
  socket.on("close", (code, reason) => tell({ event: "close", code, reason: reason.toString() }));
  socket.on("error", (error) => tell({ event: "error", message: error.message }));
  createInterface({ input: process.stdin }).on("line", (line) => {
    const command = JSON.parse(line);
    commands[command.do](command);
  });
}

const options = process.argv.find((argument) => argument.startsWith(DEFLATE));
const deflate = options !== undefined && JSON.parse(options.slice(DEFLATE.length));
const [mode, url, ...protocols] = process.argv.slice(2).filter((argument) => argument !== options);
if (mode === "echo") echo(deflate);
else client(deflate, url, protocols);
