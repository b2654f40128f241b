/**
 * Reads a HAProxy map file of today's fleet, line by line: `acme.kiln.example.com be_kiln_2_8_0` or `acme be_name`.
 * Only exact names can be taken over; what stands for many names at once (prefixes, whole domains, expressions) and what
 * names no account is told with the reason. Pure. The format: https://docs.haproxy.org/2.6/management.html#9.3-add%20map,
 * https://docs.haproxy.org/2.6/configuration.html#7.3.1-map: a comment is a whole line, the value is the rest of a line.
 */
import { parseHost } from "../../../src/core/parse-host.ts";
import { isSlug } from "../../../src/core/slug.ts";
import { RUN } from "../command-line.ts";

/** What turns names of the map into ours. */
export interface MapReading {
  readonly product: string;
  /** Base domains of the product. */
  readonly domains: readonly string[];
  /** Versions by the names of backends. */
  readonly backends: ReadonlyMap<string, string>;
}

/** What stands on one line. `host` is the name as a client sends it, or the bare slug. */
export type MapLine =
  | { readonly kind: "blank" }
  | { readonly kind: "entry"; readonly account: string; readonly backend: string }
  | { readonly kind: "unreadable"; readonly key: string; readonly reason: string };

/** Reads one line, without its line end. `place` says what a name is. */
export function readMapLine(text: string, place: (key: string) => Placed): MapLine {
  const line = text.trim();
  if (line === "" || line.startsWith("#")) return { kind: "blank" };
  const [, key = "", backend = ""] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
  const unreadable = (reason: string): MapLine => ({ kind: "unreadable", key, reason });
  if (/\bmap_?(?:beg|dom|dir|end|sub|reg|regm|len|ip|int|str)?\(|^use_backend\b/.test(line))
    return unreadable("is a line of a configuration: the map file that it names is what can be taken over");
  const many = standsForMany(key);
  if (many !== null) return unreadable(many);
  if (backend === "") return unreadable("has no backend after the name");
  const placed = place(key);
  return placed.ok ? { kind: "entry", account: placed.account, backend } : unreadable(placed.reason);
}

/** Why a key is no exact name; null when it is. */
function standsForMany(key: string): string | null {
  const only = "only exact names (map, map_str) can be taken over";
  if (/^\*?\./.test(key)) return `is for a whole domain (map_dom, map_end): ${only}`;
  if (/[\^$()[\]\\|+?*]/.test(key)) return `is an expression (map_reg): ${only}`;
  if (key.includes("/") || /^[^.]+\.$/.test(key)) return `is a prefix or a path (map_beg, map_dir): ${only}`;
  return null;
}

export type Placed =
  | { readonly ok: true; readonly account: string }
  | { readonly ok: false; readonly reason: string };

/** The account that a name of today's fleet is: a slug as it stands, or the label under a base domain. */
export function placeAccount(
  key: string,
  { product, domains }: Pick<MapReading, "product" | "domains">,
): Placed {
  const refused = (reason: string): Placed => ({ ok: false, reason });
  const parsed = parseHost(key);
  if (parsed.kind !== "name") return refused("is no host name and no account");
  const { name } = parsed;
  if (domains.includes(name))
    return refused(
      `is the base domain of ${product}, no account: set its version with \`${RUN}default promote\``,
    );
  const domain = domains.find((each) => name.endsWith(`.${each}`));
  if (domain === undefined && name.includes("."))
    return refused(
      `lies under no base domain of ${product} (${domains.join(", ")}): give custom domains to their account, with \`${RUN}accounts put\` or the column domains of a CSV`,
    );
  const account = domain === undefined ? name : name.slice(0, -domain.length - 1);
  if (account.includes("."))
    return refused(`has more than one label before ${domain ?? ""}: such names get the default version`);
  return isSlug(account)
    ? { ok: true, account }
    : refused("is no account slug: one lower-case DNS label, not xn--");
}
