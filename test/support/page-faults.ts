/**
 * What is wrong with a page in a real browser: what its console and its network say, axe-core's serious findings, and a
 * page wider than its screen. Scripts of ours run in the page as text, since there is no DOM on this side.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { z } from "zod";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** WCAG 2.2 AA and what axe's authors hold to be good practice; only what it calls serious or worse counts. */
const RUN_AXE = `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .flatMap(({ id, nodes }) => nodes.map((node) => id + ": " + node.html.slice(0, 200) + " " + node.any.map((each) => each.message).join("; "))))`;
const WIDER_BY = "document.documentElement.scrollWidth - document.documentElement.clientWidth";

const FindingsSchema = z.array(z.string());

/** Collects what the browser complains about from now on; `take` gives it once. */
export function collectComplaints(page: Page): { readonly take: () => readonly string[] } {
  let complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`script: ${error.message}`));
  page.on("requestfailed", (request) => {
    // A page that is left while it asks for news is no fault.
    const why = request.failure()?.errorText ?? "";
    if (why !== "net::ERR_ABORTED") complaints.push(`${request.url()}: ${why}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.url()}: ${response.status()}`);
  });
  return {
    take() {
      const taken = complaints;
      complaints = [];
      return taken;
    },
  };
}

/** Serious and critical findings, each with its element. The page's own policy stays in force. */
export async function findBarriers(page: Page): Promise<readonly string[]> {
  if ((await page.evaluate("typeof axe")) === "undefined") await page.evaluate(AXE);
  return FindingsSchema.parse(await page.evaluate(RUN_AXE));
}

/** Pixels by which the page is wider than its screen; 0 is right. */
export async function widerBy(page: Page): Promise<number> {
  return z.number().parse(await page.evaluate(WIDER_BY));
}
