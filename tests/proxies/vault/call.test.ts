import { afterEach, beforeEach, expect, test } from "vitest";
import { done, type End, later, refused } from "../../../kernel/abi/ends.ts";
import type { Json } from "../../../kernel/abi/json.ts";
import type { Call } from "../../../proxies/proxy/admit.ts";
import { ANN, BOB, type Bound, Rig } from "./rig.ts";

let rig: Rig;
let bound: Bound;
beforeEach(async () => {
  rig = await new Rig().start();
  bound = await rig.bind(await rig.open());
});
afterEach(() => rig.stop());

const letter = { to: "[EMAIL_1]", subject: "Your refund", body: "Dear [NAME_1], we write to [EMAIL_1]." };
const at = (step: number) => rig.outcomes.find((report) => report.step === step);

test("a result reaches the cell as tokens, an argument the proxy as values", async () => {
  const read = await rig.call(bound, 1, "customer:read");
  expect(read).toEqual(
    done({ name: "[NAME_1]", email: "[EMAIL_1]", phone: "[PHONE_1]", address: "[ADDRESS_1]", since: "2020" }),
  );
  expect(await rig.call(bound, 2, "email:send", letter)).toEqual(done({ message: "<1@silo>" }));
  const sent = rig.acted.at(-1);
  expect(sent?.values).toEqual({ ...letter, to: ANN.email, body: `Dear ${ANN.name}, we write to ${ANN.email}.` });
  expect(sent?.customer).toBe("C1");
  expect(at(2)).toMatchObject({ end: "done", tokens: ["[EMAIL_1]", "[NAME_1]"], fields: ["to", "body"] });
  expect(JSON.stringify(rig.outcomes)).not.toMatch(/Ann Miller|shop\.example|"C1"/);
});

test("an undeclared field never crosses; free text is swept, other people's values have tokens, other customers' ids too", async () => {
  const note = {
    id: 7,
    secret: "undeclared",
    note: "Ann Miller (eve@corp.example) met Bob",
    author: "Bob Stone",
    owner: "C2",
    mails: ["x@corp.example", ANN.email],
  };
  rig.peers.act = () => done([note, { id: 8, owner: "C1", note: null, author: "" }] as Json);
  const end = await rig.call(bound, 1, "note:read");
  const customer = rig.submitted[0]?.customer ?? "";
  expect(end).toEqual(
    done([
      {
        id: 7,
        note: "[NAME_1] ([EMAIL_2]) met Bob",
        author: "[NAME_2]",
        owner: "[CUSTOMER_1]",
        mails: ["[EMAIL_3]", "[EMAIL_1]"],
      },
      { id: 8, note: null, author: "", owner: customer },
    ]),
  );
});

test("what only looks like a token is never one, in a public field either", async () => {
  rig.peers.act = () => done([{ id: "[NAME_1]", note: "I am [EMAIL_1] and tok_aaaaaaaa" }] as Json);
  expect(await rig.call(bound, 1, "note:read")).toEqual(
    done([{ id: "[OTHER_1]", note: "I am [OTHER_2] and [OTHER_3]" }]),
  );
});

test("a nested, endless or shapeless result is withheld", async () => {
  rig.peers.act = () => done([{ id: { name: ANN.name }, author: "x".repeat(1025) }] as Json);
  expect(await rig.call(bound, 1, "note:read")).toEqual(done([{ id: null, author: null }]));
  rig.peers.act = () => done({ id: 1 });
  expect(await rig.call(bound, 2, "note:read")).toMatchObject({ code: "NOT_FOUND" });
});

test.each([
  ["a token of another case", "email:send", { ...letter, to: "[EMAIL_7]" }, "TOKEN_UNKNOWN"],
  ["an unknown token in a text", "email:send", { ...letter, body: "[NAME_2]" }, "TOKEN_UNKNOWN"],
  ["what looks like a token in a text", "email:send", { ...letter, body: "Dear [name_1]" }, "TOKEN_UNKNOWN"],
  ["another case's customer token", "email:send", { ...letter, body: "tok_zzzzzzzz" }, "TOKEN_UNKNOWN"],
  ["a token in a public argument", "order:read", { order: "[NAME_1]" }, "TOKEN_MISPLACED"],
  ["a token of another class", "email:send", { ...letter, to: "[PHONE_1]" }, "TOKEN_MISPLACED"],
  ["more than the token", "email:send", { ...letter, to: "[EMAIL_1],[EMAIL_1]" }, "TOKEN_MISPLACED"],
  ["a plain address", "email:send", { ...letter, to: BOB.email }, "TOKEN_MISPLACED"],
  ["an undeclared argument", "customer:read", { customer: "C2" }, "ARGUMENT_INVALID"],
])("%s is refused before any proxy is asked, and the kernel knows first", async (_, capability, given, code) => {
  const before = rig.acted.length;
  expect(await rig.call(bound, 1, capability, given)).toMatchObject({ end: "refused", code });
  expect(rig.acted).toHaveLength(before);
  expect(rig.outcomes).toMatchObject([{ end: "refused", code, value: null }]);
});

test("another case's tokens stand for that case's values alone", async () => {
  const other = await rig.bind(await rig.open({ customer: "C2" }));
  await rig.call(other, 1, "email:send", letter);
  expect(rig.acted.at(-1)?.values).toMatchObject({
    to: BOB.email,
    body: `Dear ${BOB.name}, we write to ${BOB.email}.`,
  });
});

test("a message goes only to this customer's own contacts", async () => {
  rig.peers.act = (call) =>
    call.capability === "note:read" ? done([{ mails: ["eve@corp.example"] }]) : rig.world(call);
  expect(await rig.call(bound, 1, "note:read")).toEqual(done([{ mails: ["[EMAIL_2]"] }]));
  expect(await rig.call(bound, 2, "email:send", { ...letter, to: "[EMAIL_2]" })).toMatchObject({
    code: "RECIPIENT_NOT_ALLOWED",
  });
});

test("a contact that was written in this case receives nothing, neither the old nor the new, also after a restart", async () => {
  const mine = await rig.bind(await rig.open({ text: "my new address is eve@corp.example" }));
  expect(await rig.call(mine, 1, "customer:update_email", { email: "[EMAIL_2]" })).toEqual(done({ updated: true }));
  expect(await rig.call(mine, 2, "customer:read")).toMatchObject({ value: { email: "[EMAIL_2]" } });
  await rig.stopVault();
  await rig.startVault();
  await rig.rebind(mine);
  for (const to of ["[EMAIL_1]", "[EMAIL_2]"]) {
    expect(await rig.call(mine, 3, "email:send", { ...letter, to })).toMatchObject({ code: "RECIPIENT_NOT_ALLOWED" });
  }
  await rig.open({ case: mine.case });
  expect(await rig.call(mine, 4, "email:send", letter)).toMatchObject({ code: "RECIPIENT_NOT_ALLOWED" });
});

test.each([
  ["happened is told as done", done({ decided: "happened" as const, result: { message: "<1@silo>" } }), "done"],
  ["nobody can tell is unknown", refused("UNKNOWN_OUTCOME"), "unknown"],
  ["never happened is refused", done({ decided: "void" as const, result: null }), "refused"],
])(
  "a message whose first answer was lost, and whose contact was written meanwhile: what %s",
  async (_, decided, reported) => {
    const mine = await rig.bind(await rig.open({ text: "my new address is eve@corp.example" }));
    rig.peers.decide = () => decided;
    await rig.call(mine, 1, "customer:update_email", { email: "[EMAIL_2]" });
    await rig.call(mine, 2, "email:send", letter);
    expect(rig.outcomes.at(-1)).toMatchObject({ step: 2, end: reported });
  },
);

test("an effect is reported with its proxy's proof, a read without", async () => {
  const proven = (step: number) =>
    rig.proven(rig.permit(bound, step, "email:send", letter), rig.outcomes.at(-1)?.proof ?? null);
  await rig.call(bound, 1, "customer:read");
  expect(rig.outcomes.at(-1)).toMatchObject({ end: "done", proof: null });
  await rig.call(bound, 2, "email:send", letter);
  expect([rig.outcomes.at(-1)?.end, proven(2)]).toEqual(["done", "happened"]);
  rig.peers.act = () => refused("CONFLICT", "The mail server does not take this message.");
  const refusal = await rig.call(bound, 3, "email:send", letter);
  expect(refusal).toEqual(refused("CONFLICT", "The mail server does not take this message."));
  expect([rig.outcomes.at(-1)?.code, proven(3)]).toEqual(["CONFLICT", "void"]);
  expect(await rig.call(bound, 4, "email:send", { ...letter, to: "[EMAIL_9]" })).toMatchObject({ end: "refused" });
  const misspelt = rig.permit(bound, 4, "email:send", { ...letter, to: "[EMAIL_9]" });
  expect(rig.proven(misspelt, rig.outcomes.at(-1)?.proof ?? null)).toBe("void");
});

test("an effect that its proxy refused and then has on record is done", async () => {
  rig.peers.act = () => refused("CONFLICT");
  rig.peers.decide = () => done({ decided: "happened", result: { message: "<1@silo>" } });
  expect(await rig.call(bound, 1, "email:send", letter)).toEqual(done({ message: "<1@silo>" }));
});

test("a refused effect is not reported while its proxy cannot say that it never happened", async () => {
  const mine = await rig.bind(await rig.open({ text: "my new address is eve@corp.example" }));
  await rig.call(mine, 1, "customer:update_email", { email: "[EMAIL_2]" });
  rig.peers.decide = () => later("not now");
  expect(await rig.call(mine, 2, "email:send", letter)).toMatchObject({ end: "later" });
  expect(rig.outcomes.at(-1)).toMatchObject({ step: 1 });
});

test("the kernel's refusal of an outcome is the answer, and its tokens are not shown as if they were kept", async () => {
  rig.peers.act = () => done([{ author: "Eve" }]);
  rig.peers.outcome = () => refused("EPOCH_STALE");
  expect(await rig.call(bound, 1, "note:read")).toMatchObject({ code: "EPOCH_STALE" });
  rig.peers.outcome = (report) => rig.keep(report);
  expect(await rig.call(bound, 2, "note:read")).toEqual(done([{ author: "[NAME_2]" }]));
  expect(at(2)?.table).not.toBeNull();
  expect((await rig.deliver(bound.case, "[NAME_2]")).end).toBe("done");
});

test("a token is shown only after its entry was accepted: a call that shares it carries it too", async () => {
  rig.peers.act = () => done([{ author: "Eve" }]);
  const held: (() => void)[] = [];
  rig.peers.outcome = (report) => {
    if (report.step !== 1) return rig.keep(report);
    return new Promise((resolve) => held.push(() => resolve(refused("EPOCH_STALE"))));
  };
  const first = rig.call(bound, 1, "note:read");
  const second = await rig.call(bound, 2, "note:read");
  expect(second).toEqual(done([{ author: "[NAME_2]" }]));
  for (const release of held) release();
  expect(await first).toMatchObject({ code: "EPOCH_STALE" });
  await rig.stopVault();
  await rig.startVault();
  expect(await rig.deliver(bound.case, "[NAME_2]")).toMatchObject({ value: { text: "Eve" } });
});

test("two calls at once never give two tokens to one value, nor one token to two", async () => {
  rig.peers.act = ({ values }) => done([{ author: `Person ${String(values["find"])}` }]);
  const names = Array.from({ length: 60 }, (_, index) => String.fromCharCode(65 + (index % 20)));
  const ends = await Promise.all(names.map((find, index) => rig.call(bound, index + 1, "note:read", { find })));
  const tokens = new Map<string, Set<string>>();
  for (const [index, end] of ends.entries()) {
    const token = end.end === "done" ? ((end.value as { author: string }[])[0]?.author ?? "") : end.end;
    tokens.set(token, (tokens.get(token) ?? new Set()).add(names[index] ?? ""));
  }
  expect(tokens.size).toBe(20);
  for (const meant of tokens.values()) expect(meant.size).toBe(1);
});

test("one step twice at once is one call and one outcome", async () => {
  let release: (() => void) | undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  rig.peers.act = async (call): Promise<End<Json>> => {
    await gate;
    return rig.world(call);
  };
  const before = rig.acted.length;
  const twice = [rig.call(bound, 1, "email:send", letter), rig.call(bound, 1, "email:send", letter)];
  release?.();
  expect(await Promise.all(twice)).toEqual([done({ message: "<1@silo>" }), done({ message: "<1@silo>" })]);
  expect(rig.acted.length - before).toBe(1);
  expect(rig.outcomes).toHaveLength(1);
});

test("a recorded outcome is replayed for its own step alone", async () => {
  const told = await rig.call(bound, 1, "customer:read");
  const replay = at(1)?.value ?? "";
  const ask = (step: number, sealed: string, cell = bound.cell) =>
    rig.door.request("call", {
      cell,
      step,
      capability: "customer:read",
      arguments: {},
      permit: null,
      replay: sealed,
      stand_in: false,
    });
  expect(await ask(1, replay)).toEqual(done({ value: told.end === "done" ? told.value : null }));
  expect(await ask(2, replay)).toMatchObject({ code: "REPLAY_DIVERGED" });
  const other = await rig.bind(await rig.open());
  expect(await ask(1, replay, other.cell)).toMatchObject({ code: "REPLAY_DIVERGED" });
  expect(rig.findings.map((finding) => finding.code)).toEqual(["REPLAY_DIVERGED", "REPLAY_DIVERGED"]);
});

test("a stand-in is what the declaration says, for which nothing is done and nothing reported", async () => {
  const acted = rig.acted.length;
  const ask = (capability: string) =>
    rig.door.request("call", {
      ...{ cell: bound.cell, step: 1, capability, arguments: {} },
      ...{ permit: null, replay: null, stand_in: true },
    });
  expect(await ask("email:send")).toEqual(done({ value: { message: "shadow" } }));
  expect(await ask("order:list")).toEqual(done({ value: [] }));
  expect(await ask("kv:get")).toEqual(done({ value: null }));
  expect(await ask("vault:open")).toMatchObject({ code: "CAPABILITY_UNKNOWN" });
  expect([rig.acted.length, rig.outcomes.length]).toEqual([acted, 0]);
});

test.each([
  ["another task", { task: "task_0000000000000000" }],
  ["another case", { case: "case_0000000000000000" }],
  ["another assignment", { assignment: "asgn_0000000000000000" }],
  ["an older epoch", { epoch: 7 }],
  ["another step", { step: 9 }],
  ["another capability", { capability: "order:list" }],
  ["other arguments", { arguments: "0".repeat(64) }],
  ["another proxy", { proxy: "email" }],
  ["another mode", { mode: "shadow" as const }],
])("a permit of %s is refused, and the kernel has the finding", async (_, terms) => {
  const before = rig.acted.length;
  expect(await rig.call(bound, 1, "customer:read", {}, terms)).toMatchObject({ code: "PERMIT_INVALID" });
  expect(rig.acted).toHaveLength(before);
  expect(rig.findings).toMatchObject([{ cell: bound.cell, code: "PERMIT_INVALID", step: 1 }]);
});

test("the vault's own look-up is no call of a cell's", async () => {
  expect(await rig.call(bound, 1, "customer:known")).toMatchObject({ code: "CAPABILITY_UNKNOWN" });
});

test("a cell the kernel has not bound, or has ended, gets nothing", async () => {
  expect((await rig.call({ ...bound, cell: "cell_0000000000000000" }, 1, "customer:read")).end).toBe("later");
  await rig.kernel.request("end", { cell: bound.cell });
  expect((await rig.call(bound, 1, "customer:read")).end).toBe("later");
});

test("an operation on a customer is refused in a case without one", async () => {
  const none = await rig.bind(await rig.open({ customer: null }));
  expect(await rig.call(none, 1, "customer:read")).toMatchObject({ code: "CUSTOMER_REQUIRED" });
});

test("values of the case's own store are noise outside and come back as they were", async () => {
  const store = new Map<string, Json>();
  rig.peers.act = ({ capability, values }: Call) => {
    if (capability === "kv:set") store.set(String(values["key"]), values["value"] as Json);
    return capability === "kv:set" ? done({ stored: true }) : done({ value: store.get(String(values["key"])) ?? null });
  };
  expect(await rig.call(bound, 1, "kv:set", { key: "k", value: "[NAME_1] is here" })).toEqual(done({ stored: true }));
  expect(String(store.get("k"))).toMatch(/^[A-Za-z0-9_-]{50,}$/);
  expect(await rig.call(bound, 2, "kv:get", { key: "k" })).toEqual(done({ value: "[NAME_1] is here" }));
  const other = await rig.bind(await rig.open());
  expect(await rig.call(other, 1, "kv:get", { key: "k" })).toEqual(done({ value: null }));
});

test("a proxy's refusal is reported in its own words, unless a value slipped into them", async () => {
  rig.peers.act = () => refused("CONFLICT", "The order was refunded already.");
  expect(await rig.call(bound, 1, "customer:read")).toEqual(refused("CONFLICT", "The order was refunded already."));
  rig.peers.act = () => refused("CONFLICT", `Key (email)=(${ANN.email}) exists.`);
  expect(await rig.call(bound, 2, "customer:read")).toEqual(refused("CONFLICT"));
  expect(JSON.stringify(rig.outcomes)).not.toContain(ANN.email);
});

test("an outcome nobody can tell is reported as unknown", async () => {
  rig.peers.act = () => refused("UNKNOWN_OUTCOME");
  expect(await rig.call(bound, 1, "email:send", letter)).toMatchObject({ code: "UNKNOWN_OUTCOME" });
  expect(rig.outcomes).toMatchObject([{ end: "unknown", code: "UNKNOWN_OUTCOME", value: null }]);
});

test("what did not happen yet leaves the call open: no outcome, later", async () => {
  rig.peers.act = () => later("The database is away.");
  expect((await rig.call(bound, 1, "customer:read")).end).toBe("later");
  rig.peers.act = (call) => rig.world(call);
  expect((await rig.call(bound, 1, "email:send", letter, { expires: Date.now() - 1 })).end).toBe("later");
  expect(rig.outcomes).toHaveLength(0);
});

test("an effect that happened is done even when its result cannot be shown", async () => {
  rig.peers.act = (call) => (call.capability === "email:send" ? done([1, 2]) : rig.world(call));
  expect(await rig.call(bound, 1, "email:send", letter)).toEqual(done({}));
  expect(rig.outcomes).toMatchObject([{ end: "done" }]);
});

test("when the kernel goes, what it bound goes", async () => {
  rig.kernel.close();
  await expect.poll(async () => (await rig.call(bound, 1, "customer:read")).end).toBe("later");
});
