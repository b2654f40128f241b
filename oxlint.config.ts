/**
 * Lint rules of the whole repository, and the one place where the rooms of src/ and their permitted imports are listed.
 * Read by `oxlint --type-aware`; src/ is checked room by room, from the tables ROOMS and PACKAGES below.
 * An override replaces a rule's options as a whole, so each room gets one complete list, built by `roomRule`.
 * Every restriction says in its message what to do instead.
 */
import { defineConfig } from "oxlint";
import type { OxlintOverride } from "oxlint";

const MAX_FILE_LINES = 300;
const MAX_FUNCTION_LINES = 80;
const MAX_PARAMETERS = 3;

/** Rooms from top to bottom, each with the rooms it may import. `(types)` permits `import type` and nothing more. */
const ROOMS: Record<string, readonly string[]> = {
  edge: ["adapters", "core", "contracts"],
  dashboard: ["admin", "core", "contracts"],
  admin: ["control (types)", "adapters", "core", "contracts"],
  control: ["adapters", "core", "contracts"],
  adapters: ["core", "contracts"],
  core: ["contracts"],
  contracts: [],
};

/** Rooms that may load classic zod: they start on an admin request, never with the Worker. */
const ZOD_ROOMS: readonly string[] = ["admin", "dashboard", "contracts/api"];

/** The only packages the pure rooms may import. */
const PACKAGES: Record<string, readonly string[]> = {
  core: ["@noble/hashes", "temporal-polyfill"],
  contracts: [],
  "contracts/api": ["zod", "@asteasolutions/zod-to-openapi"],
};

const ZOD_COST = "classic zod adds about 22 ms to the Worker's start";

/** What scripts leave alone: every room but contracts and core, and the composition root. */
const SCRIPTS_MAY_NOT = ["edge", "dashboard", "admin", "control", "adapters", "index"];

interface ImportPattern {
  readonly regex: string;
  readonly message: string;
  readonly allowTypeImports?: boolean;
}

/** Matches a relative path that leaves the present folder for `room`: `../room/x.ts`, `../../room/x.ts`. */
const toRoom = (room: string): string => `^(?:\\.\\./)+${room}(?:/|$)`;

/** Upward imports of one room: everything in ROOMS that is not permitted, and the composition root. */
function roomPatterns(room: string): ImportPattern[] {
  const permitted = ROOMS[room] ?? [];
  const named = permitted.length === 0 ? "no other room" : permitted.join(", ");
  const closed = Object.keys(ROOMS).filter((other) => other !== room && !permitted.includes(other));
  return [
    ...closed.map((other) => ({
      regex: toRoom(other),
      message: `src/${room} may import ${named}. Move the shared part down to core or contracts, or pass it in from index.ts.`,
      ...(permitted.includes(`${other} (types)`) ? { allowTypeImports: true } : {}),
    })),
    {
      regex: "^(?:\\.\\./)+(?:index|compose)(?:\\.ts)?$",
      message:
        "The composition root imports the rooms, never the other way round. Take what is needed as an argument.",
    },
  ];
}

/** Keeps classic zod, and src/contracts/api which needs it, out of what runs when the Worker starts. */
function zodPatterns(room: string): ImportPattern[] {
  if (ZOD_ROOMS.includes(room)) return [WHOLE_ZOD];
  return [
    {
      regex: "^(?:zod|@asteasolutions/zod-to-openapi)(?:/|$)",
      message: `${ZOD_COST}. Parse by hand as src/contracts does, or move this to src/contracts/api, src/admin or src/dashboard.`,
    },
    {
      regex: room === "contracts" ? "^(?:\\.\\.?/)+api(?:/|$)" : "^(?:\\.\\.?/)+contracts/api(?:/|$)",
      message: `src/contracts/api loads zod, and ${ZOD_COST}. Use \`import type\`, or move the shape to src/contracts.`,
      allowTypeImports: true,
    },
  ];
}

const WHOLE_ZOD: ImportPattern = {
  regex: "^(?:zod|@hono/zod-openapi)(?:/|$)",
  message:
    'It brings all of zod into the bundle, 60 kB compressed: `import * as z from "…/contracts/api/zod.ts"`.',
  allowTypeImports: true,
};

const NODE_MODULES: ImportPattern = {
  regex: "^node:",
  message:
    "The Worker runs without Node's modules. Use a web standard API, or move this to scripts/ or test/.",
};

const CLOCK = "This room has no clock: take `nowMs` as an argument; src/adapters/clock.ts reads the time.";
const CHANCE = "This room has no randomness: take the value as an argument; src/adapters draws it.";
const NETWORK =
  "This room does no I/O: take the answer as an argument; src/adapters/origin.ts does the fetching.";
const TIMER = "This room does not wait: return what is due and when, and let the caller schedule it.";
const LOG = "Logs go through src/adapters/logger.ts: return the fact, or call the logger that was passed in.";

const AMBIENT_PROPERTIES = [
  { object: "Date", property: "now", message: CLOCK },
  { object: "performance", property: "now", message: CLOCK },
  { object: "Math", property: "random", message: CHANCE },
  { object: "crypto", property: "getRandomValues", message: CHANCE },
  { object: "crypto", property: "randomUUID", message: CHANCE },
  { object: "globalThis", property: "fetch", message: NETWORK },
  { object: "globalThis", property: "console", message: LOG },
];

const AMBIENT_GLOBALS = [
  { name: "fetch", message: NETWORK },
  { name: "caches", message: NETWORK },
  { name: "WebSocket", message: NETWORK },
  { name: "setTimeout", message: TIMER },
  { name: "setInterval", message: TIMER },
  { name: "queueMicrotask", message: TIMER },
  { name: "scheduler", message: TIMER },
];

/** One complete override for one room. `files` is given because contracts/api is a room inside a room. */
function roomRule(room: string, files: string[]): OxlintOverride {
  const parent = room.split("/")[0] ?? room;
  const pure = parent === "core" || parent === "contracts";
  const patterns = [...roomPatterns(parent), ...zodPatterns(room), NODE_MODULES];
  return {
    files,
    rules: {
      "no-restricted-imports": ["error", { patterns }],
      "no-restricted-globals": pure ? ["error", ...AMBIENT_GLOBALS] : "off",
      "no-restricted-properties": pure ? ["error", ...AMBIENT_PROPERTIES] : "off",
      "rooms/no-clock": pure ? "error" : "off",
      "rooms/no-async": pure ? "error" : "off",
      "rooms/packages": pure ? ["error", PACKAGES[room] ?? []] : "off",
    },
  };
}

export default defineConfig({
  plugins: ["eslint", "typescript", "unicorn", "oxc", "import"],
  jsPlugins: ["./scripts/lint/rooms.ts"],
  categories: { correctness: "error" },
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: "error" },
  ignorePatterns: ["dist", ".firebreak", ".wrangler", "node_modules"],
  rules: {
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    "typescript/no-explicit-any": "error",
    "typescript/no-non-null-assertion": "error",
    "import/no-cycle": "error",
    "max-lines": ["error", { max: MAX_FILE_LINES, skipBlankLines: false, skipComments: false }],
  },
  overrides: [
    {
      files: ["src/**"],
      rules: {
        "max-lines-per-function": ["error", { max: MAX_FUNCTION_LINES }],
        "max-params": ["error", { max: MAX_PARAMETERS }],
        "import/no-default-export": "error",
        "no-console": "error",
      },
    },
    { files: ["src/index.ts"], rules: { "import/no-default-export": "off" } },
    { files: ["src/adapters/**"], rules: { "no-console": "off" } },
    { files: ["test/**"], rules: { "max-lines": "off" } },
    ...Object.keys(ROOMS).map((room) => roomRule(room, [`src/${room}/**`])),
    roomRule("contracts/api", ["src/contracts/api/**"]),
    {
      files: ["src/index.ts", "src/compose.ts"],
      rules: {
        "no-restricted-imports": ["error", { patterns: [...zodPatterns("index"), NODE_MODULES] }],
        "rooms/on-demand": ["error", ["./admin/", "./dashboard/"]],
      },
    },
    {
      files: ["scripts/**"],
      rules: {
        "no-restricted-imports": [
          "error",
          {
            patterns: [
              {
                regex: `^(?:\\.\\./)+src/(?:${SCRIPTS_MAY_NOT.join("|")})(?:/|\\.|$)`,
                message:
                  "Scripts share src/contracts and src/core only. Talk to the running Worker through the admin API.",
              },
            ],
          },
        ],
      },
    },
  ],
});
