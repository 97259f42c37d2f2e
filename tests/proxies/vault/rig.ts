/**
 * A vault with real sockets, slot file and seals, and a small peer at the other side of each edge: a kernel that keeps what it is told, a door, an
 * ingress, and the gate of the acting proxies before a made-up world.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PERMIT_MS } from "../../../kernel/abi/bounds.ts";
import { type ProcessName, proxies as proxyNames } from "../../../kernel/abi/edges.ts";
import { done, type End, refused } from "../../../kernel/abi/ends.ts";
import { newId } from "../../../kernel/abi/ids.ts";
import { digest, type Json, type JsonObject } from "../../../kernel/abi/json.ts";
import {
  doorToVault,
  ingressToVault,
  kernelToVault,
  type RequestOf,
  vaultToIngress,
  vaultToKernel,
  vaultToProxy,
} from "../../../kernel/abi/messages.ts";
import type { Operation, Operations } from "../../../kernel/abi/operations.ts";
import { readOperations } from "../../../kernel/abi/operations-file.ts";
import { type Permit, signPermit } from "../../../kernel/abi/permit.ts";
import { provenEnd } from "../../../kernel/abi/proof.ts";
import { type Client, connect } from "../../../kernel/process/connect.ts";
import { type Handlers, listen } from "../../../kernel/process/listen.ts";
import { openLog } from "../../../kernel/process/log.ts";
import { type Call, type Intent, ownOperations } from "../../../proxies/proxy/admit.ts";
import type { Decision } from "../../../proxies/proxy/record.ts";
import { serveProxy } from "../../../proxies/proxy/serve.ts";
import { openCaseKeys } from "../../../proxies/vault/case-keys.ts";
import { deriveMaster } from "../../../proxies/vault/master.ts";
import { openVault } from "../../../proxies/vault/vault.ts";

const log = openLog("vault-test");
log.level = "silent";

export const ANN = {
  name: "Ann Miller",
  email: "ann@shop.example",
  phone: "+1 202 555 0143",
  address: "12 Main St, Springfield",
};
export const BOB = {
  name: "Bob Stone",
  email: "bob@shop.example",
  phone: "+1 202 555 0177",
  address: "9 Elm Rd, Shelbyville",
};

/** Beside the declared operations: one with every class of result, and a second contact writer. */
const extra: [string, Operation & { proxy: string }][] = [
  [
    "note:read",
    {
      title: "A note with everything in it",
      effect: "read",
      customer: "required",
      arguments: { find: { type: "string", class: "public", optional: true } },
      result: {
        rows: "many",
        fields: {
          id: { class: "public" },
          note: { class: "text" },
          author: { class: "name" },
          owner: { class: "customer" },
          mails: { class: "email" },
        },
      },
      reconcile: "none",
      action: {},
      proxy: "database",
    },
  ],
];

export type Outcome = RequestOf<typeof vaultToKernel, "outcome">;
export type Submission = RequestOf<typeof ingressToVault, "submit">;
type Submitted = RequestOf<typeof vaultToKernel, "submit">;
type Peers = {
  outcome: (report: Outcome) => End<Record<string, never>> | Promise<End<Record<string, never>>>;
  submit: (body: Submitted) => End<{ task: string; case: string; duplicate: boolean }> | "silence";
  act: (call: Call) => Promise<End<Json>> | End<Json>;
  decide: (intent: Intent) => End<Decision>;
  answer: (body: RequestOf<typeof vaultToIngress, "answer">) => End<Record<string, never>>;
};

export type Bound = { cell: string; case: string; task: string; assignment: string; epoch: number };

export class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), "silo-vault-"));
  readonly run = join(this.folder, "run");
  readonly operations: Operations;
  readonly customers = new Map([
    ["C1", { ...ANN }],
    ["C2", { ...BOB }],
  ]);
  readonly submitted: Submitted[] = [];
  readonly outcomes: Outcome[] = [];
  readonly findings: RequestOf<typeof vaultToKernel, "finding">["finding"][] = [];
  readonly acted: Call[] = [];
  readonly answers: RequestOf<typeof vaultToIngress, "answer">[] = [];
  /** What the kernel keeps of each case. */
  readonly cases = new Map<
    string,
    { frontend: string; customer: string | null; subject: string | null; sealed: string[] }
  >();
  readonly #idempotency = new Map<string, { request: string; task: string; case: string }>();
  readonly #permitKey = randomBytes(32);
  readonly #master = randomBytes(32);
  readonly #servers: Server[] = [];
  readonly #toKernel = new Set<Socket>();
  readonly #closing: (() => unknown)[] = [];
  #vault: (() => Promise<void>) | undefined;
  /** What a test lets go wrong. */
  peers: Peers;
  door!: Client<typeof doorToVault>;
  ingress!: Client<typeof ingressToVault>;
  kernel!: Client<typeof kernelToVault>;

  constructor() {
    this.operations = new Map([...readOperations({ etc: "config" }), ...extra]);
    this.peers = {
      outcome: (report) => this.keep(report),
      submit: (body) => this.take(body),
      act: (call) => this.world(call),
      decide: () => done({ decided: "void", result: null }),
      answer: () => done({}),
    };
  }

  async start(): Promise<this> {
    for (const [to, from] of [
      ["kernel", "vault"],
      ["ingress", "vault"],
      ...proxyNames.map((name) => [name, "vault"]),
      ["vault", "kernel"],
      ["vault", "door"],
      ["vault", "ingress"],
    ] as const)
      mkdirSync(join(this.run, to as string, from as string), { recursive: true });
    await this.#listen("kernel", vaultToKernel, this.#kernelHandlers());
    await this.#listen("ingress", vaultToIngress, {
      answer: (body) => {
        this.answers.push(body);
        return this.peers.answer(body);
      },
    });
    for (const name of proxyNames) {
      const admission = {
        proxy: name,
        operations: ownOperations(this.operations, name),
        key: this.#permitKey,
        now: Date.now,
      };
      const acting = {
        act: (call: Call) => {
          this.acted.push(call);
          return this.peers.act(call);
        },
        decide: (intent: Intent) => this.peers.decide(intent),
      };
      const serving = await serveProxy(name, admission, acting, { run: this.run, log });
      this.#closing.push(() => serving.stop());
    }
    await this.startVault();
    this.kernel = this.#connect("kernel", kernelToVault);
    this.door = this.#connect("door", doorToVault);
    this.ingress = this.#connect("ingress", ingressToVault);
    await until(() => this.kernel.connected && this.door.connected && this.ingress.connected);
    return this;
  }

  /** Starts the vault on its state; again after `stopVault` it is a restarted one. */
  async startVault(): Promise<void> {
    const master = deriveMaster(this.#master);
    const keys = openCaseKeys(join(this.folder, "slots"), master.caseKeys, randomBytes);
    const options = { run: this.run, log };
    const kernel = connect({ from: "vault", to: "kernel" }, vaultToKernel, options);
    const ingress = connect({ from: "vault", to: "ingress" }, vaultToIngress, options);
    const proxies = new Map(proxyNames.map((to) => [to, connect({ from: "vault", to }, vaultToProxy, options)]));
    const clock = { now: Date.now, sleep: (ms: number) => sleep(ms) };
    const { operations } = this;
    const vault = openVault({ operations, master, keys, kernel, ingress, proxies, clock, random: randomBytes });
    const servers = [
      await listen({ from: "kernel", to: "vault" }, kernelToVault, vault.kernel, options),
      await listen({ from: "ingress", to: "vault" }, ingressToVault, vault.ingress, options),
      await listen({ from: "door", to: "vault" }, doorToVault, vault.door, options),
    ];
    await until(() => kernel.connected && ingress.connected && [...proxies.values()].every((proxy) => proxy.connected));
    if (this.kernel !== undefined)
      await until(() => this.kernel.connected && this.door.connected && this.ingress.connected);
    this.keys = keys;
    const accepted = new Set<Socket>();
    for (const server of servers) server.on("connection", (socket) => accepted.add(socket));
    this.#vault = async () => {
      for (const server of servers) server.close();
      for (const socket of accepted) socket.destroy();
      for (const client of [kernel, ingress, ...proxies.values()]) client.close();
      await vault.stop();
      keys.close();
    };
  }

  keys!: ReturnType<typeof openCaseKeys>;

  async stopVault(): Promise<void> {
    await this.#vault?.();
  }

  async stop(): Promise<void> {
    for (const close of this.#closing) await close();
    await this.stopVault();
    for (const server of this.#servers) server.close();
    rmSync(this.folder, { recursive: true });
  }

  submission(body: Partial<Submission> = {}): Submission {
    const idempotency = randomBytes(8).toString("hex");
    return { frontend: "shop", idempotency, kind: "refund", customer: "C1", case: null, fields: {}, text: "", ...body };
  }

  /** A submission that must be accepted. */
  async open(body: Partial<Submission> = {}): Promise<{ task: string; case: string }> {
    const end = await this.ingress.request("submit", this.submission(body));
    if (end.end !== "done") throw new Error(JSON.stringify(end));
    return end.value;
  }

  /** A cell bound to a fresh assignment of a task. */
  async bind({ task, case: id }: { task: string; case: string }, epoch = 1): Promise<Bound> {
    const bound = { cell: newId("cell", randomBytes), case: id, task, assignment: newId("asgn", randomBytes), epoch };
    await this.rebind(bound);
    return bound;
  }

  async rebind(bound: Bound): Promise<void> {
    const { sealed } = this.cases.get(bound.case) ?? { sealed: [] };
    const end = await this.kernel.request("bind", { ...bound, mode: "live", sealed });
    if (end.end !== "done") throw new Error(JSON.stringify(end));
  }

  permit(bound: Bound, step: number, capability: string, given: JsonObject, terms: Partial<Permit> = {}): Permit {
    const { cell: _, ...attempt } = bound;
    const proxy = this.operations.get(capability)?.proxy ?? "database";
    const expires = Date.now() + PERMIT_MS;
    const all = { ...attempt, step, proxy, capability, arguments: digest(given), mode: "live" as const, expires };
    return signPermit({ ...all, ...terms }, this.#permitKey);
  }

  /** How the effect of this permit ended, by its proxy's proof. */
  proven(permit: Permit, proof: string | null) {
    return provenEnd(permit, proof, this.#permitKey);
  }

  /** One permitted call through the door's edge. */
  async call(
    bound: Bound,
    step: number,
    capability: string,
    given: JsonObject = {},
    terms: Partial<Permit> = {},
  ): Promise<End<Json>> {
    const permit = this.permit(bound, step, capability, given, terms);
    const end = await this.door.request("call", {
      cell: bound.cell,
      step,
      capability,
      arguments: given,
      permit,
      replay: null,
      stand_in: false,
    });
    if (end.end === "lost") throw new Error("lost");
    return end.end === "done" ? done(end.value.value as Json) : end;
  }

  /** What a frontend gets when a task of this case is answered with `text`. */
  async deliver(
    id: string,
    text: string,
    fields: Record<string, string> = {},
  ): Promise<End<{ text: string; fields: object }>> {
    const delivery = newId("dlvr", randomBytes);
    const named = { delivery, frontend: "shop", task: "task_0000000000000000", case: id, kind: "refund" };
    const sealed = this.cases.get(id)?.sealed ?? [];
    const end = await this.kernel.request("deliver", { ...named, event: "Completed", text, fields, sealed });
    if (end.end === "lost") throw new Error("lost");
    const answer = this.answers.find((one) => one.delivery === delivery);
    return end.end === "done" && answer !== undefined
      ? done({ text: answer.text, fields: answer.fields })
      : (end as End<never>);
  }

  /** The kernel's part of an outcome: it keeps the table. */
  keep(report: Outcome): End<Record<string, never>> {
    this.outcomes.push(report);
    const id = [...this.cases.keys()].find((key) => this.taskCases.get(report.task) === key);
    if (report.table !== null && id !== undefined) this.cases.get(id)?.sealed.push(report.table);
    return done({});
  }

  readonly taskCases = new Map<string, string>();

  /** The kernel's part of a submission. */
  take(body: Submitted): End<{ task: string; case: string; duplicate: boolean }> {
    this.submitted.push(body);
    const known = this.#idempotency.get(`${body.frontend}/${body.idempotency}`);
    if (known !== undefined && known.request !== body.request) return refused("IDEMPOTENCY_CONFLICT");
    if (known !== undefined) return done({ task: known.task, case: known.case, duplicate: true });
    const task = newId("task", randomBytes);
    this.#idempotency.set(`${body.frontend}/${body.idempotency}`, { request: body.request, task, case: body.case });
    const { frontend, customer, subject } = body;
    const record = this.cases.get(body.case) ?? { frontend, customer, subject, sealed: [] };
    record.sealed.push(...body.sealed);
    this.cases.set(body.case, record);
    this.taskCases.set(task, body.case);
    return done({ task, case: body.case, duplicate: false });
  }

  /** What the acting proxies find outside. */
  world({ capability, customer, values }: Call): End<Json> {
    const record = this.customers.get(customer ?? "");
    if (capability === "customer:known") return done(record ?? null);
    if (capability === "customer:read")
      return record === undefined ? refused("NOT_FOUND") : done({ ...record, since: "2020" });
    if (capability === "customer:update_email" && record !== undefined) {
      record.email = String(values["email"]);
      return done({ updated: true });
    }
    if (capability === "email:send") return done({ message: "<1@silo>" });
    return done({});
  }

  #kernelHandlers(): Handlers<typeof vaultToKernel> {
    return {
      submit: async (body) => {
        const end = this.peers.submit(body);
        return end === "silence" ? new Promise<never>(() => {}) : end;
      },
      table: ({ frontend, case: id }) => {
        const record = this.cases.get(id);
        if (record?.frontend !== frontend) return refused("CASE_UNKNOWN");
        return done({ customer: record.customer, subject: record.subject, sealed: [...record.sealed] });
      },
      lookup: ({ lookup, case: id, capability, arguments: given }) => {
        const terms = { task: lookup, assignment: null, case: id, step: 1, epoch: 1, proxy: "database", capability };
        const rest = { arguments: digest(given as JsonObject), mode: "live" as const, expires: Date.now() + PERMIT_MS };
        return done({ permit: signPermit({ ...terms, ...rest }, this.#permitKey) });
      },
      outcome: (report) => this.peers.outcome(report),
      finding: ({ finding }) => {
        this.findings.push(finding);
        return done({});
      },
    };
  }

  /** Breaks every connection the vault has to the kernel. */
  dropKernel(): void {
    for (const socket of this.#toKernel) socket.destroy();
    this.#toKernel.clear();
  }

  async #listen<M extends typeof vaultToKernel | typeof vaultToIngress>(
    to: ProcessName,
    messages: M,
    handlers: Handlers<M>,
  ): Promise<void> {
    const server = await listen({ from: "vault", to }, messages, handlers, { run: this.run, log });
    if (to === "kernel") server.on("connection", (socket) => this.#toKernel.add(socket));
    this.#servers.push(server);
  }

  #connect<M extends typeof kernelToVault | typeof doorToVault | typeof ingressToVault>(
    from: ProcessName,
    messages: M,
  ): Client<M> {
    const client = connect({ from, to: "vault" }, messages, { run: this.run, log });
    this.#closing.push(() => client.close());
    return client;
  }
}

/** Waits for something that happens by itself. */
export async function until(ready: () => boolean): Promise<void> {
  while (!ready()) await sleep(5);
}
