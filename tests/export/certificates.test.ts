/** Over TLS both ends are held to their certificates: a stranger gets no event, and nobody takes events from one. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTls, type TlsOptions } from "node:tls";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Destination } from "../../kernel/abi/export.ts";
import type { Credential } from "../../proxies/siem/credential.ts";
import { eventOf } from "../../proxies/siem/event.ts";
import { formats } from "../../proxies/siem/formats.ts";
import { openSink } from "../../proxies/siem/open.ts";
import { type Certificates, makeCertificates } from "./certificates.ts";

let certificates: Certificates;
beforeAll(() => {
  certificates = makeCertificates(mkdtempSync(join(tmpdir(), "silo-certificates-")));
});
afterAll(() => rmSync(certificates.folder, { recursive: true }));

const PATIENCE = { timeout: 30_000, interval: 50 };
const format = "native" as const;
const record = { kind: "checkpoint" as const, size: 1, root: "a".repeat(64), note: "" };
const event = () => eventOf(record, formats.native, "silo/test", Date.now);
const carriers = ["syslog-tls", "splunk", "otlp"] as const;
type Carrier = (typeof carriers)[number];

/** A receiver that shows `name`'s certificate and demands one of our authority; `got`: what it was sent. */
async function receive(carrier: Carrier, name: "receiver" | "stranger") {
  const text = (file: string) => readFileSync(join(certificates.folder, file), "utf8");
  const own: TlsOptions = { key: text(`${name}.key`), cert: text(`${name}.pem`), ca: text("ca.pem") };
  const options = { ...own, requestCert: true, rejectUnauthorized: true };
  const came: string[] = [];
  const got = () => came.join("");
  const server =
    carrier === "syslog-tls"
      ? createTls(options, (socket) =>
          socket.on("data", (bytes) => came.push(String(bytes))).on("error", () => undefined),
        )
      : createHttps(options, (request, response) => {
          request.on("data", (bytes) => came.push(String(bytes)));
          request.once("end", () => response.end(carrier === "splunk" ? '{"text":"Success","code":0}' : "{}"));
        });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { port: (server.address() as AddressInfo).port, got, close: () => void server.close() };
}

function to(carrier: Carrier, host: string, port: number): Destination {
  if (carrier === "syslog-tls") return { to: carrier, host, port, format };
  const url = `https://${host}:${port}`;
  return carrier === "splunk" ? { to: carrier, url, acknowledge: false, format } : { to: carrier, url, format };
}

/** Why it was not taken; null where it was. */
async function send(destination: Destination, credential: Credential): Promise<string | null> {
  const sink = openSink(destination, { ...credential, token: "t" }, "silo/test", certificates.folder);
  try {
    await sink.send([event()]);
    if (sink.overlapBytes === 0) return null;
    // In TLS 1.3 a sender hears behind its first bytes that it was refused.
    const refused = vi.waitFor(() => expect(sink.lost()).not.toBeNull(), { timeout: 3000, interval: 50 });
    return await refused.then(() => sink.lost()).catch(() => null);
  } catch (error) {
    return (error as Error).message;
  } finally {
    sink.close();
  }
}

test.each(carriers)("%s: a receiver and a sender that one authority vouches for trust each other", async (carrier) => {
  const receiver = await receive(carrier, "receiver");
  expect(await send(to(carrier, "127.0.0.1", receiver.port), certificates.sender)).toBeNull();
  await vi.waitFor(() => expect(receiver.got()).toContain("silo/test"), PATIENCE);
  receiver.close();
});

test.each(carriers)("%s: a receiver of another authority gets nothing, and it is said", async (carrier) => {
  const receiver = await receive(carrier, "stranger");
  const { sender } = certificates;
  expect(await send(to(carrier, "127.0.0.1", receiver.port), sender)).toMatch(
    /cannot be reached: .*(certificate|issuer)/,
  );
  expect(receiver.got()).toBe("");
  receiver.close();
});

test.each(carriers)("%s: a receiver of another name gets nothing, and it is said", async (carrier) => {
  const receiver = await receive(carrier, "receiver");
  const { sender } = certificates;
  expect(await send(to(carrier, "localhost", receiver.port), sender)).toMatch(/cannot be reached: .*does not match/);
  expect(receiver.got()).toBe("");
  receiver.close();
});

test.each(carriers)(
  "%s: a receiver that demands a certificate takes nothing from a stranger or from nobody",
  async (carrier) => {
    const receiver = await receive(carrier, "receiver");
    const destination = to(carrier, "127.0.0.1", receiver.port);
    const { ca } = certificates.sender;
    for (const credential of [certificates.stranger, ca === undefined ? {} : { ca }])
      expect(await send(destination, credential)).not.toBeNull();
    expect(receiver.got()).toBe("");
    receiver.close();
  },
);
