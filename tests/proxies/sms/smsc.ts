/** A real SMSC of this test's own, jSMPP's server simulator, and a wire to it on which PDUs can be held, changed or cut. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SMSC_TREE } from "../../smsc/bind.ts";
import { apart } from "../proxy/apart.ts";
import { COMMAND, commandOf, readSubmitted, type Submitted } from "./pdu.ts";
import { openWire, type Wire } from "./wire.ts";

export type Smsc = Wire & {
  /** What the proxy's credential holds: it leads over the wire. */
  credential: { host: string; port: number; tls: "none"; system_id: string; password: string; from: string } & {
    receipt_ids: "decimal";
    receipts_carry_reference: boolean;
  };
  /** Messages whose text contains `words`, as the SMSC's own log has them, after `expected` of them could arrive. */
  messages(words: string, expected: number): Promise<Submitted[]>;
  end(): Promise<void>;
};

const ACCOUNT = { system_id: "silo", password: "secret" } as const;
const READY_MS_MAX = 20_000;
const ARRIVAL_MS_MAX = 3000;
/** So long a message too many may take to show. */
const QUIET_MS = 300;

/** `references`: the wire puts user_message_reference into receipts, as other SMSCs do. */
export async function openSmsc({ references }: { references: boolean }): Promise<Smsc> {
  const scratch = mkdtempSync(join(tmpdir(), "silo-smsc-"));
  const log = join(scratch, "log");
  const port = await freePort();
  const child = startSimulator(port, log);
  const said = () => readFileSync(log, "latin1");
  for (const until = Date.now() + READY_MS_MAX; !said().includes(`Listening on port ${port}`); await sleep(50))
    if (child.exitCode !== null || Date.now() > until) throw new Error(`The SMSC does not listen: ${said()}`);
  const wire = await openWire(port, references);
  const matching = (words: string) => received(said()).filter((message) => wordsOf(message).includes(words));
  return {
    ...wire,
    credential: {
      host: "127.0.0.1",
      port: wire.port,
      tls: "none",
      ...ACCOUNT,
      from: "Shop",
      receipt_ids: "decimal",
      receipts_carry_reference: references,
    },
    async messages(words, expected) {
      for (const until = Date.now() + ARRIVAL_MS_MAX; matching(words).length < expected && Date.now() < until; )
        await sleep(20);
      await sleep(QUIET_MS);
      return matching(words);
    },
    async end() {
      await wire.close();
      child.kill("SIGKILL");
      await once(child, "exit");
      rmSync(scratch, { recursive: true });
    },
  };
}

function startSimulator(port: number, log: string): ChildProcess {
  const account = [`-Djsmpp.client.systemId=${ACCOUNT.system_id}`, `-Djsmpp.client.password=${ACCOUNT.password}`];
  const settings = [`-Djsmpp.simulator.port=${port}`, ...account, "-Dorg.slf4j.simpleLogger.defaultLogLevel=debug"];
  const small = ["-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"];
  const java = "/usr/lib/jvm/java-21-openjdk-amd64/bin/java";
  const simulator = ["-cp", "/opt/smsc/*", "org.jsmpp.examples.SMPPServerSimulator"];
  const [program, ...argv] = apart(
    [
      ["/proc", `${SMSC_TREE}/proc`],
      ["/dev", `${SMSC_TREE}/dev`],
    ],
    [
      "/usr/bin/setpriv",
      "--pdeathsig=KILL",
      "--",
      "/usr/sbin/chroot",
      SMSC_TREE,
      java,
      ...small,
      ...settings,
      ...simulator,
    ],
  );
  const output = openSync(log, "a");
  return spawn(program, argv, { stdio: ["ignore", output, output] });
}

/** Every submit_sm the SMSC read. */
function received(log: string): Submitted[] {
  const pdus = [...log.matchAll(/ Received PDU ([0-9a-f]+)$/gm)].map(([, hex]) => Buffer.from(hex as string, "hex"));
  return pdus.filter((pdu) => commandOf(pdu) === COMMAND.submit_sm).map(readSubmitted);
}

function wordsOf({ coding, bytes }: Submitted): string {
  return coding === 8 ? Buffer.from(bytes).swap16().toString("utf16le") : bytes.toString("latin1");
}

/** A port nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
