/** Carriers by themselves: what counts as taken, what does not, and what they say. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compile } from "../../../kernel/process/schema.ts";
import { Credential } from "../../../proxies/siem/credential.ts";
import type { Event } from "../../../proxies/siem/event.ts";
import { eventOf } from "../../../proxies/siem/event.ts";
import { formats } from "../../../proxies/siem/formats.ts";
import { openSink } from "../../../proxies/siem/open.ts";
import { DATAGRAM_BYTES_MAX } from "../../../proxies/siem/sinks/udp.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "silo-sinks-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const format = "native" as const;

function event(index: number, more = ""): Event {
  const text = JSON.stringify({ time: 1_800_000_000_000, verb: "intend", decision: "refused", who: more });
  const record = { kind: "entry" as const, index, leaf: "a".repeat(64), prev: "b".repeat(64), text };
  return eventOf(record, formats.native, "silo/test", Date.now);
}

async function serve(answer: () => [number, string]) {
  const server = createServer((request, response) => {
    request.resume().once("end", () => {
      const [status, text] = answer();
      response.writeHead(status).end(text);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, close: () => server.closeAllConnections() ?? server.close() };
}

test("syslog is RFC 5424, its length before it in octets", async () => {
  const server = createTcp();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const sink = openSink({ to: "syslog-tcp", host: "127.0.0.1", port, format }, {}, "silo/test", folder);
  const received = new Promise<Buffer>((resolve) =>
    server.once("connection", (socket) => socket.once("data", resolve)),
  );
  const { said } = await sink.send([event(7, "zoë")]);
  const bytes = await received;
  const [, length = "", rest = ""] = /^(\d+) (.*)$/su.exec(bytes.toString()) ?? [];
  expect(Number(length)).toBe(Buffer.byteLength(rest));
  expect(rest).toMatch(
    /^<108>1 2027-01-15T08:00:00\.000Z \S+ silo - intend \[silo@32473 index="7" leaf="a{64}" prev="b{64}"\] \{"log":/,
  );
  expect(said).toMatch(/plain TCP; syslog answers nothing/);
  sink.close();
  server.close();
});

test("a datagram holds one event; the one that fits no datagram is counted", async () => {
  const server = createSocket("udp4");
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  const sink = openSink(
    { to: "syslog-udp", host: "127.0.0.1", port: server.address().port, format },
    {},
    "silo/test",
    folder,
  );
  const received = once(server, "message");
  expect((await sink.send([event(1), event(2, "x".repeat(DATAGRAM_BYTES_MAX))])).dropped).toBe(1);
  expect(String((await received)[0])).toContain('index="1"');
  sink.close();
  server.close();
});

test.each([
  [401, '{"text":"Invalid token","code":3}', /HTTP 401, .*Invalid token/],
  [200, '{"text":"Server is busy","code":9}', /Server is busy/],
  [200, "<html>", /HTTP 200/],
  [200, '{"text":"Success","code":0}', /gave no ackId/],
])("Splunk's %i %s is not taken", async (status, text, why) => {
  const server = await serve(() => [status, text]);
  const sink = openSink(
    { to: "splunk", url: server.url, acknowledge: true, format },
    { token: "t" },
    "silo/test",
    folder,
  );
  await expect(sink.send([event(1)])).rejects.toThrow(why);
  sink.close();
  server.close();
});

test("Splunk's events are taken when its indexers have them, not before", async () => {
  let asked = 0;
  const server = await serve(() => {
    asked++;
    return [200, asked === 1 ? '{"text":"Success","code":0,"ackId":4}' : `{"acks":{"4":${asked > 3}}}`];
  });
  const sink = openSink(
    { to: "splunk", url: server.url, acknowledge: true, format },
    { token: "t" },
    "silo/test",
    folder,
  );
  expect((await sink.send([event(1)])).said).toMatch(/its indexers acknowledged/);
  expect(asked).toBe(4);
  sink.close();
  server.close();
});

test.each([
  [503, "", /HTTP 503/],
  [200, '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"no room"}}', /rejected 1 of 1 events: .*no room/],
])("an OTLP collector's %i %s is not taken", async (status, text, why) => {
  const server = await serve(() => [status, text]);
  const sink = openSink({ to: "otlp", url: `${server.url}/v1/logs`, format }, {}, "silo/test", folder);
  await expect(sink.send([event(1)])).rejects.toThrow(why);
  sink.close();
  server.close();
});

test("nobody at the other end is said with its name", async () => {
  for (const to of ["syslog-tls", "syslog-tcp"] as const) {
    const sink = openSink({ to, host: "127.0.0.1", port: 1, format }, {}, "silo/test", folder);
    await expect(sink.send([event(1)])).rejects.toThrow(/127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/);
  }
});

test("files begin anew by size under the index of their first event, and a torn line is taken away", async () => {
  const to = { to: "file" as const, bytes_max: 2000, format };
  const first = openSink(to, {}, "silo/test", folder);
  await first.send(Array.from({ length: 10 }, (_, index) => event(index)));
  first.close();
  const names = readdirSync(folder).sort();
  expect(names[0]).toBe("0000000000000000.log");
  expect(names.length).toBeGreaterThan(1);
  appendFileSync(join(folder, names.at(-1) as string), '{"log":"torn');
  const second = openSink(to, {}, "silo/test", folder);
  await second.send([event(10)]);
  second.close();
  const all = readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("");
  expect(
    all
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).index),
  ).toEqual(Array.from({ length: 11 }, (_, index) => index));
});

test("what could break out of a header is no credential", () => {
  const check = compile(Credential);
  expect(check({ token: "a b" }).ok).toBe(false);
  expect(check({ headers: { authorization: "x\r\ny: z" } }).ok).toBe(false);
  expect(check({ headers: { authorization: "Bearer x" } }).ok).toBe(true);
});
