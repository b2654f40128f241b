// Decides whether a command may start: dependencies are installed, and the Node that runs is the project's own
// (the `node` dependency, first on PATH under `npm run` and `npx`). Called before every npm script.
// Plain CommonJS for Node 14 and up, so an old Node gets the message and not a syntax error. Fails closed, exit 1.
"use strict";

const fs = require("fs");
const path = require("path");

const LOWEST_NODE_MAJOR = 22; // the floor of wrangler 4.155
const modules = path.join(__dirname, "..", "node_modules");

/** Prints what is wrong and what to do, one line each, and ends the process with exit code 1. */
function refuse(problem, remedy) {
  process.stderr.write(`firebreak: ${problem}\n  ${remedy}\n`);
  process.exit(1);
}

if (!fs.existsSync(path.join(modules, ".package-lock.json"))) {
  refuse("the dependencies are not installed.", "Run `npm ci` in the project folder, then try again.");
}
if (!["node", "node.exe", "node.cmd"].some((name) => fs.existsSync(path.join(modules, ".bin", name)))) {
  refuse(
    "the project's own Node is missing (installed with --ignore-scripts?).",
    "Run `npm ci --ignore-scripts=false`, then try again.",
  );
}
if (Number(process.versions.node.split(".")[0]) < LOWEST_NODE_MAJOR) {
  refuse(
    `this is Node ${process.version}, the tools need ${LOWEST_NODE_MAJOR} or newer.`,
    "Start it with `npm run <script>` or `npx <tool>`: they use the Node in node_modules/.bin.",
  );
}
