/**
 * An agent, with the door in its hands, puts words made for a log, a terminal and a SIEM wherever it may send text at all. They may reach whoever the
 * text is for; none of them reaches the log, and whatever reads the log reads what the kernel wrote.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readKey } from "../../../console/audit/note.ts";
import { verifyLog } from "../../../console/audit/verify.ts";
import { showEntries } from "../../../console/cli/audit.ts";
import { edgeBetween } from "../../../kernel/abi/edges.ts";
import { canonical } from "../../../kernel/abi/json.ts";
import { doorToKernel } from "../../../kernel/abi/messages.ts";
import { readLog } from "../../../kernel/audit/log.ts";
import { openPublisher } from "../../../kernel/audit/publish.ts";
import { doorHandlers } from "../../../kernel/handlers.ts";
import { listen } from "../../../kernel/process/listen.ts";
import { openLog } from "../../../kernel/process/log.ts";
import { eventOf } from "../../../proxies/siem/event.ts";
import { formats } from "../../../proxies/siem/formats.ts";
import { beginning, readHead, readPortion } from "../../../proxies/siem/read.ts";
import type { Format, LogRecord } from "../../../proxies/siem/record.ts";
import { syslogMessage } from "../../../proxies/siem/sinks/syslog.ts";
import { entriesOf } from "../../kernel/abi/entries.ts";
import { KEY, only } from "../../kernel/audit/log-world.ts";
import { openRig, type Rig } from "../../kernel/rig.ts";
import { submitTask } from "../../kernel/world.ts";
import { readCef } from "../../proxies/siem/cef-line.ts";
import { say } from "../arguments/kin.ts";

const MARK = "zq7x";
/** What an entry of the log is made of. */
const PLAIN = /^[\x20-\x7e]+$/;
const MEGABYTE = 1024 * 1024;
const words = {
  "a line of its own": `${MARK}\n{"verb":"start","time":1}\r\n`,
  "a NUL": `${MARK}\0${MARK}`,
  "escape sequences": `${MARK}\u001b[2J\u001b[1;31mOK\u001b]0;root\u0007\u009b31m`,
  "CEF's separators and fields": `${MARK}|9|CEF:0|a|b|c|d|e|10| suser=root act=grant\\ rawEvent=x`,
  "the end of a JSON text": `${MARK}"},"decision":"allowed","who":"admin","x":{"y":"`,
  "an exported event": `${MARK} {"log":"silo/test","kind":"entry","index":0,"leaf":"","prev":"","raw":""}`,
  "a syslog header": `${MARK}\n<110>1 2026-11-22T12:00:00Z host silo - start [silo@32473 index="0"] x`,
  "separators of lines and directions": `${MARK}\u2028\u2029\u202e\u200b\u0085`,
  "a megabyte": MARK.repeat(MEGABYTE / MARK.length),
};

const edge = edgeBetween("door", "kernel");
const run = mkdtempSync(join(tmpdir(), "silo-words-"));
let rig: Rig;
let server: Server;
beforeAll(async () => {
  rig = await openRig();
  mkdirSync(join(run, "kernel", "door"), { recursive: true });
  const log = openLog("kernel");
  log.level = "silent";
  server = await listen(edge, doorToKernel, doorHandlers(rig.world.core, rig.dispatch), { run, log });
});
afterAll(async () => {
  server.close();
  await rig.close();
  rmSync(run, { recursive: true });
});

async function held() {
  const task = submitTask(rig.world);
  rig.dispatch.wake();
  const of = () => rig.bound.find(({ document }) => document.task === task);
  await rig.until(() => of() !== undefined, "bound");
  const { cell, assignment, epoch } = of() ?? expect.fail("not bound");
  return { cell, assignment, epoch };
}

const sayJson = (message: string, body: unknown) => say(run, edge, message, JSON.stringify(body));

/** Everywhere a cell, or a door that was taken over, can put a text in what it says to the kernel. */
async function sendEverywhere(word: string): Promise<string[]> {
  const first = await held();
  const refund = { order: "O1234", amount: 500, currency: "USD", reason: "broken" };
  const mail = { to: "[EMAIL_1]", subject: "s", body: "b" };
  const intents = [
    ...Object.keys(refund).map((name) => ({ capability: "refund:create", arguments: { ...refund, [name]: word } })),
    ...Object.keys(mail).map((name) => ({ capability: "email:send", arguments: { ...mail, [name]: word } })),
    { capability: "refund:create", arguments: { ...refund, [word]: 1 } },
    { capability: word, arguments: refund },
  ];
  const ends: string[] = [];
  for (const [at, intent] of intents.entries())
    ends.push(
      ((await sayJson("intend", { ...first, step: at + 1, ...intent })) as { end?: string }).end ?? "violation",
    );
  const finding = { cell: first.cell, code: "MALFORMED", capability: "email:send", step: 1, detail: "d" };
  for (const name of ["cell", "code", "capability", "detail"])
    ends.push(
      ((await sayJson("finding", { finding: { ...finding, [name]: word } })) as { end?: string }).end ?? "violation",
    );
  const escalate = { how: "escalate", reason: word, recommendation: word, facts: { fact: word } };
  for (const ending of [
    { ...escalate, facts: { [word]: 1 } },
    { how: "complete", text: word, fields: { [word]: word } },
    escalate,
  ])
    ends.push(((await sayJson("end", { ...first, ending })) as { end?: string }).end ?? "violation");
  const complete = { how: "complete", text: word, fields: { said: word } };
  ends.push(((await sayJson("end", { ...(await held()), ending: complete })) as { end?: string }).end ?? "violation");
  return ends;
}

const entries = () => rig.world.store.audit.all().map(({ value }) => value.entry);

test.each(Object.entries(words))(
  "%s, in every place: each entry is one canonical line without it",
  { timeout: 120_000 },
  async (name, word) => {
    const before = entries().length;
    const ends = await sendEverywhere(word);
    expect(ends).toContain(name === "a megabyte" ? "violation" : "done");
    expect(ends).toContain("refused");
    const written = entries().slice(before);
    expect(written.length).toBeGreaterThan(8);
    for (const entry of written) {
      expect(entry).toBe(canonical(JSON.parse(entry)));
      expect(entry).toMatch(PLAIN);
      expect(entry).not.toContain(MARK);
      expect(entry.length).toBeLessThan(2048);
    }
  },
);

test("the log they leave proves itself, is shown without a control character, and leaves in every format as it is", async () => {
  const { store, core } = rig.world;
  const folder = join(run, "audit");
  await openPublisher({ store, commit: core.commit, folder, keys: only(KEY) }).tend();
  const { size } = await verifyLog({ folder, key: readKey(KEY.verifier) }, 1);
  expect(size).toBeGreaterThan(100);
  const written = entries().slice(0, size);

  const shown = showEntries(readLog(store, { task: null, from: 0, limit: written.length }).entries);
  expect(shown.split("\n")).toHaveLength(written.length + 1);
  expect(shown).not.toMatch(/[^\n\x20-\x7e]/);

  const head = readHead(folder, KEY.verifier) ?? expect.fail("no head");
  const records: LogRecord[] = [];
  for (let at = beginning; at.edge.size < head.size; ) {
    const portion = readPortion(folder, head, at);
    records.push(...portion.records);
    at = portion.after;
  }
  expect(records.map((record) => record.kind === "entry" && record.text)).toEqual(written);
  for (const record of records) for (const [name, format] of Object.entries(formats)) expectWhole(name, format, record);
});

test.each(Object.entries(words))("%s, were it in an entry after all, breaks no event and makes no field", (_, word) => {
  const [sample] = entriesOf("intend", { role: word, code: word, capability: word });
  const leaf = "a".repeat(64);
  const record: LogRecord = { kind: "entry", index: 7, leaf, prev: leaf, text: JSON.stringify(sample) };
  for (const [name, format] of Object.entries(formats)) expectWhole(name, format, record);
  const shown = showEntries([{ index: 7, leaf, entry: JSON.parse(record.text) }]);
  expect(shown.split("\n")).toHaveLength(2);
  expect(shown).not.toMatch(/[^\n\P{C}]/u);
});

/** One line in which the entry is found again, byte for byte where it is plain; so in syslog, behind its header. */
function expectWhole(name: string, format: Format, record: LogRecord): void {
  if (record.kind !== "entry") throw new Error("It is no entry.");
  const event = eventOf(record, format, "silo/test", Date.now);
  expect([...event.line].every((char) => char >= " ")).toBe(true);
  const found = entryIn(name, event.line);
  expect(JSON.parse(found)).toEqual(JSON.parse(record.text));
  if (PLAIN.test(record.text)) expect(found).toBe(record.text);
  const [, body] =
    /^<\d+>1 [^ ]+ [^ ]+ silo - [a-z_]+ \[silo@32473 index="\d+" leaf="\w+" prev="\w+"\] (.*)$/s.exec(
      syslogMessage(event).toString(),
    ) ?? [];
  expect(body).toBe(event.line);
}

function entryIn(name: string, line: string): string {
  if (name === "native") return JSON.parse(line).raw;
  if (name === "ocsf") return JSON.parse(line).raw_data;
  const { fields } = readCef(line);
  expect(Object.keys(fields).at(-1)).toBe("rawEvent");
  return fields["rawEvent"] ?? "";
}
