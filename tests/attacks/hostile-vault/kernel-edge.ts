/** Claims about a vault that was taken over before the kernel: what it may ask for, and what it may submit. */
import { describe, expect, test } from "vitest";
import { openSocket } from "../../appliance/sockets.ts";
import { patience } from "../taken-over.ts";
import type { Bind } from "./main.ts";
import { customerOf, type HostileVault } from "./strings.ts";

const KNOWN = "customer:known";
const SOMEBODY = "C0500";
const digest = (sign: string) => sign.repeat(64);

export function describeKernelEdge(of: () => HostileVault, task: () => string): void {
  const bindOf = async () => (await of().pull<Bind[]>("binds")).find((bind) => bind.task === task()) as Bind;
  const lookup = (number: number, capability: string, given: object) => ({
    lookup: `look_${String(number).padStart(16, "0")}`,
    case: "case_0000000000000000",
    capability,
    arguments: given,
  });
  const submission = {
    frontend: "shop",
    idempotency: digest("a"),
    request: digest("b"),
    kind: "hello",
    case: "case_0000000000000000",
    opens: true,
    customer: "tok_00000000",
    subject: digest("c"),
    fields: {},
    text: "",
    sealed: [],
  };

  describe("a vault that was taken over cannot", () => {
    test("reach anybody but the kernel, ingress and the proxies that act", async () => {
      const own = ["ingress", "kernel", "database", "email", "sms", "kv"].map((to) => `vault->${to}`);
      expect(await of().reachable()).toEqual(own);
      expect(await of().pull("connects", { to: of().appliance.port })).toBe("ENETUNREACH");
    });

    test.each([
      ["the kernel's store", "/var/silo/kernel"],
      ["a permit key", "/run/silo/credentials/database/permit"],
      ["the database's credentials", "/run/silo/credentials/database/database.json"],
      ["sign-ins", "/run/silo/credentials/kernel/signin"],
      ["records of a proxy", "/var/silo/proxies/email"],
    ])("open %s", async (_, path) => {
      expect(await of().pull("opens", { path })).toBe("EACCES");
    });

    test.each([
      ["kernel", "intend"],
      ["kernel", "end"],
      ["kernel", "state"],
      ["kernel", "sign_in"],
      ["kernel", "keys_revoke"],
      ["ingress", "submit"],
      ["database", "query"],
    ] as const)("say to %s what others say: %s", async (to, message) => {
      const { cell, assignment, epoch } = await bindOf();
      const body = { cell, assignment, epoch, step: 1, capability: "customer:read", arguments: {} };
      expect(await of().code(to, message, body)).toBe("violation");
    });

    test.each([
      ["customer:read", {}, "CAPABILITY_NOT_GRANTED"],
      ["refund:create", {}, "CAPABILITY_NOT_GRANTED"],
      ["refund:everything", {}, "CAPABILITY_NOT_GRANTED"],
      [KNOWN, { customer: SOMEBODY }, "ARGUMENT_INVALID"],
    ])("look up with an operation that is not its own, or arguments nobody declared: %s", async (name, given, code) => {
      expect(await of().code("kernel", "lookup", lookup(1, name, given))).toBe(code);
    });

    test("do anything but look up with the permit of a look-up", async () => {
      const { value } = await of().say("kernel", "lookup", lookup(2, KNOWN, {}));
      const { permit } = value as { permit: object };
      const body = { arguments: {}, values: {}, customer: SOMEBODY };
      for (const capability of ["customer:read", "order:list"])
        expect(await of().act("database", { ...body, permit: { ...permit, capability } })).toBe("PERMIT_INVALID");
      expect(await of().act("email", { ...body, permit })).toBe("PERMIT_INVALID");
    });

    test("submit a kind that its frontend may not send, or that there is none", async () => {
      const bank = { ...submission, frontend: "bank", kind: "refund" };
      expect(await of().code("kernel", "submit", bank)).toBe("KIND_NOT_ALLOWED");
      expect(await of().code("kernel", "submit", { ...submission, kind: "nothing" })).toBe("KIND_UNKNOWN");
    });

    test("submit into a case in another frontend's name, for another customer, or open one anew", async () => {
      const { case: matter } = await bindOf();
      const follow = { ...submission, case: matter, opens: false };
      expect(await of().code("kernel", "submit", { ...follow, frontend: "bank" })).toBe("CASE_UNKNOWN");
      expect(await of().code("kernel", "submit", follow)).toBe("CASE_UNKNOWN");
      expect(await of().code("kernel", "submit", { ...follow, opens: true })).toBe("CASE_UNKNOWN");
      expect(await of().code("kernel", "table", { frontend: "bank", case: matter })).toBe("CASE_UNKNOWN");
    });

    test("put a word of its own into the log, or any entry but its findings", async () => {
      const finding = { cell: null, code: "MARIA_APPROVED", capability: "maria:approved", step: 1, detail: "maria" };
      expect(await of().code("kernel", "finding", { finding })).toBe("violation");
      expect(await of().code("kernel", "finding", { finding: { ...finding, code: "CONFLICT" } })).toBe("done");
      expect(JSON.stringify(await of().entries())).not.toMatch(/maria/i);
    });
  });

  describe("a vault that was taken over can", () => {
    test("look up any customer there is, each for an entry of the log", async () => {
      const { value } = await of().say("kernel", "lookup", lookup(3, KNOWN, {}));
      const { permit } = value as { permit: never };
      const found = await of().result("database", { permit, arguments: {}, values: {}, customer: SOMEBODY });
      const { name, email, phone, address } = customerOf(SOMEBODY);
      expect(found).toEqual({ name, email, phone, address });
      const another = { permit, arguments: {}, values: {}, customer: "C0501" };
      expect(await of().act("database", another)).toBe("PERMIT_INVALID");
      const told = (await of().entries()).filter((entry) => entry["task"] === lookup(3, KNOWN, {}).lookup);
      expect(told).toMatchObject([{ verb: "lookup", capability: KNOWN, decision: "allowed" }]);
    });

    test("submit in a frontend's name what that frontend may send, logged as the frontend's", async () => {
      const clinic = { ...submission, frontend: "clinic", case: "case_1111111111111111" };
      const { end, value } = await of().say("kernel", "submit", clinic);
      expect(end).toBe("done");
      const { task: made } = value as { task: string };
      expect((await of().entries(made))[0]).toMatchObject({ verb: "submit", who: "clinic", kind: "hello" });
    });

    test("answer a frontend whatever it likes", async () => {
      const socket = openSocket(of().appliance, of().appliance.key("shop"));
      await socket.opened;
      const { case: matter } = await bindOf();
      const delivery = "dlvr_0000000000000000";
      const answer = { delivery, frontend: "shop", task: task(), case: matter, kind: "refund", event: "Completed" };
      const answered = of().code("ingress", "answer", { ...answer, text: "Call this number.", fields: {} });
      const told = () => socket.deliveries.find((one) => one.delivery === delivery)?.text;
      await expect.poll(told, patience).toBe("Call this number.");
      socket.acknowledge(delivery);
      expect(await answered).toBe("done");
      await socket.close();
    });
  });
}
