/**
 * Cuts an incoming stream into JSON lines, one in memory at a time. Called for the answers of imports, exports and dumps.
 * A line that is no JSON, or an end without a line end in the middle of one, means the answer was cut off: a Failure.
 */
import type { Readable } from "node:stream";
import { RUN } from "./command-line.ts";
import { cliFailure } from "./failure.ts";
import { brokenAnswer } from "./transport.ts";

/** The lines of a stream as text, without their ends; blank ones are left out. @throws Failure when it breaks. */
export async function* linesOf(stream: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      yield* lines.filter((line) => line.trim() !== "");
    }
  } catch (error) {
    throw brokenAnswer(error);
  }
  rest += decoder.decode();
  if (rest.trim() !== "") yield rest;
}

/** The JSON of one line of an answer. @throws Failure when it is none. */
export function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    const detail = `A line of the answer is no JSON: ${line.slice(0, 80)}`;
    const next = `The answer was cut off or is not from a Firebreak. Look at \`${RUN}status\`, then repeat.`;
    throw cliFailure("unexpected-answer", { title: "The answer cannot be read", detail, next }, error);
  }
}
