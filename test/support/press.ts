/** A click on a button of a page that the test's browser shows. */
import type { Browser } from "./dashboard-world.ts";

/** Where the form with this button leads, and its hidden fields: what a click would send. */
export async function press(
  browser: Browser,
  page: string,
  button: RegExp,
  more: Record<string, string> = {},
) {
  const html = await (await browser.get(page)).text();
  const form = html
    .split("<form")
    .slice(1)
    .map((part) => part.slice(0, part.indexOf("</form>")))
    .find((part) => button.test(part.replaceAll(/<[^>]*>/g, "")) && part.includes('method="post"'));
  if (form === undefined) throw new Error(`no button ${button} on ${page}`);
  const fields = [...form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(
    ([, name = "", value = ""]) => [name, value] as const,
  );
  const action = /action="([^"]*)"/.exec(form)?.[1] ?? "";
  return browser.post(action, { ...Object.fromEntries(fields), ...more });
}
