/**
 * Maps that something is to be decided or made by, so that an edge must be able to answer from all of them: of a file, or
 * as they are published now. Opens and checks as an edge would; used by `maps diff|load|export` and `compare`.
 */
import { RUN } from "./command-line.ts";
import { cliFailure, type Failure } from "./failure.ts";
import { askForDump, openMaps, readDump, type Dump, type OpenMaps } from "./maps-dump.ts";
import type { Verification } from "./maps-verify.ts";
import { clean } from "./render.ts";
import type { Session } from "./verb.ts";

/** What was found wrong with maps, as the failure of a verb. */
export function badMaps(file: string, { findings, more }: Pick<Verification, "findings" | "more">): Failure {
  const lines = findings.map(({ key, fault, detail }) => `${clean(key)}: ${fault}, ${clean(detail)}`);
  const rest = more > 0 ? [`… and ${more.toLocaleString("en-US")} more`] : [];
  return cliFailure("bad-maps", {
    title: `An edge would refuse maps of ${file}, or could not answer from them`,
    detail: [...lines, ...rest].join("\n"),
    next: `Take another dump, or an older generation with \`${RUN}maps dump --generation\`.`,
  });
}

export interface GoodMaps {
  readonly maps: OpenMaps;
  readonly dump: Dump;
}

/** Opens a dump that must be good. */
export async function openGood(file: string): Promise<GoodMaps> {
  return openDump(file, await readDump(file));
}

/** The maps of `--maps`, else the published ones. */
export async function openGivenOrPublished(session: Session): Promise<GoodMaps> {
  const file = session.words.maybe("maps");
  return file === undefined ? openDump("the API", await askForDump(session)) : openGood(file);
}

function openDump(name: string, dump: Dump): GoodMaps {
  const { maps, findings } = openMaps(dump);
  if (maps === null || findings.length > 0) throw badMaps(name, { findings, more: 0 });
  return { maps, dump };
}
