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

/** A checksum is two hashes of 32 bits each, as hexadecimal digits. */
const LANE_CHARS = 8;
/** Before the first line; the lanes differ, so that they do all along. */
const EMPTY_CHECKSUM = "0000000046495245";

/** What is known of the file as a whole. */
export type SentFile = Pick<ImportRecord, "fileDigest" | "sentLine" | "sentDigest">;

/** Of a sending that begins. */
export function restartFile<T extends Pick<SentFile, "fileDigest">>(record: T): T & SentFile {
  return { ...record, sentLine: 0, sentDigest: EMPTY_CHECKSUM };
}

/** Of an import that begins. */
export function beginFile(): SentFile {
  return restartFile({ fileDigest: EMPTY_CHECKSUM });
}

/** Where an older release took the first lines, by a digest of another kind or none, any file is taken for the same. */
function isKnown({ fileDigest }: Pick<SentFile, "fileDigest">): boolean {
  return fileDigest.length === EMPTY_CHECKSUM.length;
}

/** The file after the lines of a batch, in rising order; null when it is not the one that was sent before. */
export function followFile(record: ImportRecord, lines: readonly NumberedLine[]): SentFile | null {
  const { fileDigest, lastLine } = record;
  const sentLine = Math.max(record.sentLine, lines.at(-1)?.line ?? 0);
  if (!isKnown(record)) return { fileDigest: "", sentLine, sentDigest: "" };
  const again = lines.filter(({ line }) => line > record.sentLine && line <= lastLine);
  const sentDigest = chainChecksum(record.sentDigest, again);
  if (sentLine < lastLine) return { fileDigest, sentLine, sentDigest };
  if (sentDigest !== fileDigest) return null;
  const fresh = lines.filter(({ line }) => line > lastLine);
  const whole = chainChecksum(fileDigest, fresh);
  return { fileDigest: whole, sentLine, sentDigest: whole };
}

/** Whether all lines that were taken came in this sending too. */
export function isWholeFile(file: SentFile): boolean {
  return !isKnown(file) || file.sentDigest === file.fileDigest;
}

/** What whoever sends another file is answered. */
export function refuseOtherFile(id: string): Result<never, Refusal> {
  return refuse("conflict", `another file was sent as import ${id} before: use another id for this one`);
}

function chainChecksum(before: string, lines: readonly NumberedLine[]): string {
  let lanes = [before.slice(0, LANE_CHARS), before.slice(LANE_CHARS)].map((lane) =>
    Number.parseInt(lane, 16),
  );
  for (const { line, account } of lines) {
    const text = `${line} ${JSON.stringify(account)}`;
    lanes = lanes.map((lane) => murmur3(text, lane));
  }
  return lanes.map((lane) => lane.toString(16).padStart(LANE_CHARS, "0")).join("");
}
