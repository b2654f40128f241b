/** What routing by exported maps loses against Firebreak itself, in words: what is always so, and what these maps use. */
import type { Side } from "../maps-diff.ts";

const ALWAYS: readonly string[] = [
  "Nothing moves any more: this is what every account gets at that generation, written down once.",
  "The overrides of testers do not count, and the header Firebreak (account, version, signature) is not sent: origins that ask for it refuse.",
  "Hosts are checked less strictly, X-Forwarded-* of clients is replaced, and nobody counts, gates or alarms.",
  "Reading with git, which posts, is refused on read-only accounts.",
];

/** One sentence for each thing that is lost. `bindings` are versions that only Cloudflare can reach. */
export function limitsOf(
  { maps: { root }, breakGlass }: Side,
  bindings: readonly string[],
): readonly string[] {
  const products = Object.values(root.products);
  const versions = products.flatMap((product) => Object.values(product.versions));
  const some = (holds: boolean, text: string): readonly string[] => (holds ? [text] : []);
  return [
    ...ALWAYS,
    ...some(
      root.rollouts.length > 0,
      `Running rollouts stay where they are: ${root.rollouts.map(({ id }) => id).join(", ")}. Whoever was being moved with its data gets the maintenance page until somebody changes its line.`,
    ),
    ...some(
      products.some(({ fleet }) => fleet !== undefined),
      "Products that today's fleet serves are written as they would be if they were active.",
    ),
    ...some(
      breakGlass !== null,
      "The break-glass document in force is part of it, and does not expire here.",
    ),
    ...some(
      versions.some(({ assets }) => (assets ?? []).length > 0),
      "Old tabs ask the account's present version for their files: asset prefixes of versions do not count.",
    ),
    ...some(
      products.some(({ timeouts }) => timeouts.length > 0),
      "Time-outs by path do not count: 100 s everywhere.",
    ),
    ...some(
      products.some(({ standby }) => standby !== null),
      "The default (unknown accounts) has no standby.",
    ),
    ...some(
      bindings.length > 0,
      `Only Cloudflare reaches ${bindings.join(", ")} (a service binding): their accounts get 503.`,
    ),
    "The operators' words on maintenance pages are left out.",
  ];
}
