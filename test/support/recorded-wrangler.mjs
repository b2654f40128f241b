#!/usr/bin/env node
/**
 * Wrangler as it was recorded (test/vectors/wrangler-4.155.0.json: its own runs against a local stand-in for the API, so
 * texts, exit codes and ND-JSON are its own), with the deployment it is asked about kept in a folder. What goes wrong is
 * written in `faults.json` there: the first that matches the command line is used up, unless it says `always`.
 */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.env["RECORDED_WRANGLER"] ?? "";
const line = process.argv.slice(2).join(" ");
const recorded = JSON.parse(
  readFileSync(new URL("../vectors/wrangler-4.155.0.json", import.meta.url), "utf8"),
);
const file = (name) => join(folder, name);
const read = (name) => JSON.parse(readFileSync(file(name), "utf8"));
appendFileSync(file("calls.log"), `${line}\n`);

const faults = read("faults.json");
const at = faults.findIndex(({ match }) => new RegExp(match).test(line));
const fault = at < 0 ? null : faults[at].how;
if (at >= 0 && faults[at].always !== true)
  writeFileSync(file("faults.json"), JSON.stringify(faults.toSpliced(at, 1)));

function play(name, { entries = recorded[name].entries, stdout = recorded[name].stdout } = {}) {
  for (const entry of entries)
    appendFileSync(process.env["WRANGLER_OUTPUT_FILE_PATH"], `${JSON.stringify(entry)}\n`);
  process.stdout.write(stdout);
  process.stderr.write(recorded[name].stderr);
  process.exitCode = recorded[name].code;
}

function deploy() {
  const versions = [...line.matchAll(/([0-9a-f-]{36})@(\d+)%/g)].map(([, version_id, percentage]) => ({
    version_id,
    percentage: Number(percentage),
  }));
  writeFileSync(file("deployed.json"), JSON.stringify(versions));
}

if (fault === "hang" || fault === "done-and-hang") {
  if (fault === "done-and-hang") deploy();
  setInterval(() => undefined, 1000);
} else if (fault === "slow") {
  deploy();
  setTimeout(() => play("deploy"), 1500);
} else if (fault === "odd") {
  process.stdout.write("<html>502 Bad Gateway</html>\n");
} else if (fault === "done-and-failed") {
  deploy();
  play("deploy-refused");
} else if (fault === "not-done") {
  play("deploy");
} else if (fault !== null) {
  play(fault);
} else if (line.startsWith("deployments status --json")) {
  const whole = JSON.parse(recorded["status"].stdout);
  play("status", { stdout: `${JSON.stringify({ ...whole, versions: read("deployed.json") }, null, 2)}\n` });
} else if (line.startsWith("versions upload")) {
  play("upload");
} else if (line.startsWith("versions deploy")) {
  deploy();
  play("deploy");
} else {
  process.stderr.write(`not recorded: ${line}\n`);
  process.exitCode = 1;
}
