/**
 * Runs, as root, what the acceptance asks through a port of the machine: a line of JSON `{id, argv, input}` in, one `{id, status, out,
 * err}` back. It is in no image that ships: image/steps/kernel.ts says how it gets in.
 */
import { execFile } from "node:child_process";
import { createReadStream, createWriteStream, openSync } from "node:fs";
import { createInterface } from "node:readline";

const PORT = "/dev/virtio-ports/silo.acceptance";
const OUTPUT_BYTES_MAX = 8 * 1024 * 1024;

/** It can be open once. */
const fd = openSync(PORT, "r+");
const answers = createWriteStream(PORT, { fd });

function answer({ id, argv: [program, ...args], input }) {
  const child = execFile(program, args, { maxBuffer: OUTPUT_BYTES_MAX }, (error, out, err) => {
    const status = error === null ? 0 : (error.code ?? error.signal);
    answers.write(`${JSON.stringify({ id, status, out, err })}\n`);
  });
  child.stdin?.on("error", () => {}).end(input ?? "");
}

for await (const line of createInterface({ input: createReadStream(PORT, { fd }) })) answer(JSON.parse(line));
