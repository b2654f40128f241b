/**
 * The lines of a stream with blank ones, which keep the numbers right, without their line ends (LF or CRLF). One line is in
 * memory at a time. Used where a file of an operator's own is read line by line.
 */

/** Yields every line; the last one also when no line end follows it. */
export async function* physicalLines(stream: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield line.replace(/\r$/, "");
  }
  if (rest !== "") yield rest.replace(/\r$/, "");
}
