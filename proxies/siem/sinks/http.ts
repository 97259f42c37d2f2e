/** One receiver that speaks HTTP: requests one after the other on a connection that is kept. */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Credential } from "../credential.ts";
import { NotTaken, shown } from "../sink.ts";

const ANSWER_MS_MAX = 60_000;
const ANSWER_BYTES_MAX = 64 * 1024;

export type Answer = { status: number; text: string };

export type Receiver = {
  post(url: string, headers: Record<string, string>, body: string): Promise<Answer>;
  close(): void;
};

export function openReceiver(url: string, { ca, certificate, key }: Credential): Receiver {
  const isTls = url.startsWith("https:");
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate, key: key as string }),
  };
  const options = { keepAlive: true, maxSockets: 1 };
  const agent = isTls ? new HttpsAgent({ ...options, ...tls, minVersion: "TLSv1.2" }) : new HttpAgent(options);
  return {
    async post(to, headers, body) {
      const bytes = Buffer.from(body);
      const all = { "content-type": "application/json", "content-length": String(bytes.length), ...headers };
      try {
        return await ask(isTls, to, { method: "POST", agent, headers: all, timeout: ANSWER_MS_MAX }, bytes);
      } catch (error) {
        throw new NotTaken(`${new URL(to).host} cannot be reached: ${shown((error as Error).message)}.`);
      }
    },
    close: () => agent.destroy(),
  };
}

type Options = Parameters<typeof httpsRequest>[1];

function ask(isTls: boolean, url: string, options: Options, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = isTls ? httpsRequest(url, options) : httpRequest(url, options);
    asked.once("timeout", () => asked.destroy(new Error("it did not answer in time")));
    asked.once("error", reject);
    asked.once("response", (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) asked.destroy(new Error("its answer is too long"));
        else chunks.push(chunk);
      });
      response.once("error", reject);
      response.once("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    asked.end(body);
  });
}
