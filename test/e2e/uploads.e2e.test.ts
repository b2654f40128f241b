/**
 * Large uploads pass through workerd unbuffered, in real sockets: its memory is read while they do, so nothing else runs
 * beside them.
 */
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, it } from "vitest";
import { z } from "zod";
import type { Instance } from "../../scripts/local/instance.ts";
import { listWorkerd } from "../../scripts/local/workerd-processes.ts";
import { inForm } from "../support/form.ts";
import { readResidentBytes, startTestInstance } from "../support/local-instance.ts";

const ACME = "acme.kiln.localhost";
const MIB = 1024 * 1024;
const UPLOAD_BYTES = inForm({ short: 512, long: 2048 }) * MIB;
const MAX_GROWTH_BYTES = 100 * MIB;
const SAMPLE_EVERY_MS = 25;

const EchoSchema = z.looseObject({ bytes: z.int() });

let instance: Instance;

beforeAll(async () => {
  instance = await startTestInstance();
});
afterAll(async () => {
  await instance?.stop();
});

describe("an upload", () => {
  it.for(["Content-Length", "chunked"])(
    "of many times what may be held (%s) passes without filling workerd's memory",
    async (kind, { expect, annotate }) => {
      const workerd = listWorkerd();
      expect(workerd.length).toBeGreaterThan(0);
      const resident = (): number => workerd.reduce((sum, { pid }) => sum + readResidentBytes(pid), 0);
      const before = resident();
      let peak = before;
      const sampler = setInterval(() => (peak = Math.max(peak, resident())), SAMPLE_EVERY_MS);
      const [port = 0] = instance.ports;
      const text = await upload(port, kind === "chunked" ? null : UPLOAD_BYTES);
      clearInterval(sampler);
      await annotate(
        `${UPLOAD_BYTES / MIB} MB uploaded (${kind}): workerd's memory ${Math.round((peak - before) / MIB)} MB above before at its peak`,
      );
      expect(EchoSchema.parse(JSON.parse(text)).bytes).toBe(UPLOAD_BYTES);
      expect(peak - before).toBeLessThan(MAX_GROWTH_BYTES);
    },
  );
});

/** Sends UPLOAD_BYTES to /upload as fast as they are taken; `length` null sends chunked. */
async function upload(port: number, length: number | null): Promise<string> {
  const piece = Buffer.alloc(MIB, "firebreak");
  return new Promise((resolve, reject) => {
    const headers = { Host: ACME, ...(length === null ? {} : { "Content-Length": length }) };
    const sent = httpRequest({
      host: "127.0.0.1",
      port,
      method: "PUT",
      path: "/upload",
      headers,
      setHost: false,
    });
    let left = UPLOAD_BYTES / MIB;
    const send = (): void => {
      while (left > 0) {
        left -= 1;
        if (!sent.write(piece)) return void sent.once("drain", send);
      }
      sent.end();
    };
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    });
    send();
  });
}
