/**
 * The one script of the dashboard: draws the page anew every few seconds, so that what is shown is what is. Pages are
 * complete without it. It leaves a page alone while somebody writes in a form of it, has an opened part in it, or looks
 * elsewhere. Text only, served by `assets.ts`, so that the policy against inline scripts stays whole.
 */
export const LIVE_SCRIPT = `
const EVERY_MS = 5000;
const main = document.querySelector("main[data-live]");
const told = document.querySelector("[data-live-state]");
const busy = () =>
  document.hidden ||
  main.querySelector("details[open]") !== null ||
  (document.activeElement !== null && document.activeElement.closest("form") !== null && main.contains(document.activeElement)) ||
  [...main.querySelectorAll("input:not([type=hidden]), textarea")].some((field) => field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);
async function refresh() {
  if (busy()) return;
  try {
    const response = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
    if (response.redirected) { location.reload(); return; }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const next = page.querySelector("main[data-live]");
    if (next === null || busy()) return;
    main.replaceChildren(...next.childNodes);
    const state = page.querySelector("[data-state]");
    const shown = document.querySelector("[data-state]");
    if (state !== null && shown !== null) shown.replaceChildren(...state.childNodes);
    if (told !== null) told.textContent = "Live";
  } catch {
    if (told !== null) told.textContent = "Not live: the admin host did not answer just now";
  }
}
if (main !== null) setInterval(refresh, EVERY_MS);
`;
