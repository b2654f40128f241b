/**
 * Tells another file from the same one sent again under the id of an import. A checksum is chained over the lines with
 * their numbers as they come, anew for each sending, so that it does not depend on how lines are batched; where the lines
 * that were taken end, the two must be the same. It guards against mistakes: who sends may change accounts anyway, and
 * SHA-256 of every line would be a seventh of an import. Until then a batch that came before is answered as it was, which
 * changes nothing. Two senders of one id at a time disturb each other: the one that began first is refused. Pure.
 */
import type { NumberedLine } from "../../contracts/import-port.ts";
import type { Refusal } from "../../contracts/problems.ts";
import type { Result } from "../../contracts/result.ts";
import { murmur3 } from "../../core/murmur3.ts";
import { refuse } from "../refuse.ts";
import type { ImportRecord } from "../store/imports.ts";
import { chainDigest, EMPTY_DIGEST } from "./accepted-digest.ts";

/** A checksum is two hashes of 32 bits each, as hexadecimal digits. */
const LANE_CHARS = 8;
/** Before the first line; the lanes differ, so that they do all along. */
const EMPTY_CHECKSUM = "0000000046495245";

/** What is known of the file as a whole. */
export type SentFile = Pick<ImportRecord, "fileDigest" | "sentLine" | "sentDigest">;

/** How lines are chained, and what there is before the first. */
interface Chain {
  readonly empty: string;
  readonly follow: (before: string, lines: readonly string[]) => string;
}

const CHECKSUM: Chain = { empty: EMPTY_CHECKSUM, follow: chainChecksum };
/** Of imports that an older release began, which are remembered for a week: told by its length. */
const SHA_256: Chain = { empty: EMPTY_DIGEST, follow: chainDigest };

/** Of a sending that begins. */
export function restartFile<T extends Pick<SentFile, "fileDigest">>(record: T): T & SentFile {
  return { ...record, sentLine: 0, sentDigest: chainOf(record)?.empty ?? "" };
}

/** Of an import that begins. */
export function beginFile(): SentFile {
  return restartFile({ fileDigest: CHECKSUM.empty });
}

/** Null where a still older release took the first lines and kept nothing: then any file is taken for the same. */
function chainOf({ fileDigest }: Pick<SentFile, "fileDigest">): Chain | null {
  return [CHECKSUM, SHA_256].find(({ empty }) => empty.length === fileDigest.length) ?? null;
}

/** The file after the lines of a batch, in rising order; null when it is not the one that was sent before. */
export function followFile(record: ImportRecord, lines: readonly NumberedLine[]): SentFile | null {
  const { fileDigest, lastLine } = record;
  const sentLine = Math.max(record.sentLine, lines.at(-1)?.line ?? 0);
  const chain = chainOf(record);
  if (chain === null) return { fileDigest, sentLine, sentDigest: "" };
  const again = lines.filter(({ line }) => line > record.sentLine && line <= lastLine);
  const sentDigest = chain.follow(record.sentDigest, again.map(textOf));
  if (sentLine < lastLine) return { fileDigest, sentLine, sentDigest };
  if (sentDigest !== fileDigest) return null;
  const fresh = lines.filter(({ line }) => line > lastLine);
  const whole = chain.follow(fileDigest, fresh.map(textOf));
  return { fileDigest: whole, sentLine, sentDigest: whole };
}

/** Whether all lines that were taken came in this sending too. */
export function isWholeFile(file: SentFile): boolean {
  return chainOf(file) === null || file.sentDigest === file.fileDigest;
}

/** What whoever sends another file is answered. */
export function refuseOtherFile(id: string): Result<never, Refusal> {
  return refuse("conflict", `another file was sent as import ${id} before: use another id for this one`);
}

function textOf({ line, account }: NumberedLine): string {
  return `${line} ${JSON.stringify(account)}`;
}

function chainChecksum(before: string, lines: readonly string[]): string {
  let lanes = [before.slice(0, LANE_CHARS), before.slice(LANE_CHARS)].map((lane) =>
    Number.parseInt(lane, 16),
  );
  for (const text of lines) lanes = lanes.map((lane) => murmur3(text, lane));
  return lanes.map((lane) => lane.toString(16).padStart(LANE_CHARS, "0")).join("");
}
