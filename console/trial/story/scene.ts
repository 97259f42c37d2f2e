/** What every chapter works with: a frontend, people at the kernel, the outside systems, and the list of tasks so far. */
import { setTimeout as pause } from "node:timers/promises";
import type { AuditLine, consoleToKernel, TaskLine } from "../../../kernel/abi/console-messages.ts";
import type { ValueOf } from "../../../kernel/abi/messages.ts";
import { type Frontend, openFrontend, patiently, type TaskAnswer } from "../../cli/frontend.ts";
import { type Ask, openSession } from "../../cli/kernel.ts";
import { findPlaces } from "../../cli/places.ts";
import { type Customer, makeShop } from "../shop.ts";
import { type Mail, readMails } from "../smtp.ts";
import type { World } from "../world.ts";
import type { Teller } from "./teller.ts";

const POLL_MS = 100;
/** Longer than any task of the story takes on a slow machine. */
const PATIENCE_MS = 120_000;
const MAIL_PATIENCE_MS = 15_000;

export type Submission = {
  kind: string;
  customer: string | null;
  fields?: Record<string, string>;
  text?: string;
};
export type Shown = ValueOf<typeof consoleToKernel, "task_show">;

export type Scene = {
  teller: Teller;
  world: World;
  /** Every task sent in, in order. */
  tasks: { id: string; kind: string }[];
  customer(id: string): Customer;
  submit(submission: Submission): Promise<string>;
  /** Settles when the frontend has the answer, or with what there is when patience ends. */
  answer(task: string): Promise<TaskAnswer>;
  /** Settles when the task waits for a person or has ended. */
  rest(task: string): Promise<TaskLine>;
  show(task: string): Promise<Shown>;
  /** Settles when so many mails have arrived for that address, or with fewer when patience ends. */
  mailsTo(address: string, atLeast: number): Promise<Mail[]>;
  /** Audit entries of one task. */
  audit(task: string): Promise<AuditLine[]>;
  /** The administrator at the kernel. */
  admin: Ask;
  close(): void;
};

export async function openScene(teller: Teller, world: World): Promise<Scene> {
  const places = findPlaces(undefined);
  const frontend: Frontend = openFrontend(places, "shop");
  const customers = new Map(makeShop().customers.map((customer) => [customer.id, customer]));
  const tasks: Scene["tasks"] = [];
  const { ask: admin, close } = await openSession(places, "admin");
  const show = (task: string) => admin("task_show", { task });
  return {
    teller,
    world,
    tasks,
    admin,
    close,
    show,
    customer: (id) => customers.get(id) as Customer,
    async submit({ kind, customer, fields = {}, text = "" }) {
      const { task } = await frontend.post({ kind, customer, fields, text }, `story-${tasks.length}-${kind}`);
      tasks.push({ id: task, kind });
      return task;
    },
    answer: (task) =>
      until(
        () => patiently(() => frontend.get(task), Date.now() + PATIENCE_MS),
        ({ state, answer }) => state === "ended" && answer !== undefined && answer !== "pending",
      ),
    rest: (task) =>
      until(
        async () => (await show(task)).line,
        ({ state }) => state === "waiting" || state === "ended",
      ),
    mailsTo: (address, atLeast) =>
      until(
        async () => (await readMails()).filter((mail) => mail.deliveredTo === address),
        (mails) => mails.length >= atLeast,
        MAIL_PATIENCE_MS,
      ),
    audit: async (task) => (await admin("audit_show", { task, from: 0, limit: 1000 })).entries,
  };
}

/** Looks again and again; when patience ends, what was seen last is what there is. */
export async function until<T>(
  look: () => Promise<T>,
  enough: (seen: T) => boolean,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const end = Date.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (enough(seen) || Date.now() >= end) return seen;
    await pause(POLL_MS);
  }
}
