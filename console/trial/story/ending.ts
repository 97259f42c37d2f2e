/** The end of the story: does a real value lie anywhere it may not, and what all of it came to. */
import type { AuditLine } from "../../../kernel/abi/console-messages.ts";
import { type CellWatch, findLeaks, seesPlanted } from "../leaks.ts";
import type { Needles } from "../needles.ts";
import { readRefunds } from "../shop.ts";
import { readMails } from "../smtp.ts";
import type { Scene } from "./scene.ts";
import { countBy, refusedCodes } from "./words.ts";

/** Where the kernel's store, the audit log's tiles, the processes' own logs, and what the exporter keeps are. */
const FOLDERS = ["/var/silo/kernel", "/var/silo/audit", "/var/silo/log", "/var/silo/siem"];

export type Summary = {
  tasks: { id: string; kind: string; end: string }[];
  refunds: number;
  emails: number;
  refused: Record<string, number>;
  leaks: number;
  audit_entries: number;
  /** That waited for their task, and that were started for it. */
  cells: { waited: number; started: number };
};

/** Counts leaks on disk and those the watch saw in live cells, and proves that a planted one is seen. */
export function tellLeaks({ teller, customer }: Scene, needles: Needles, watch: CellWatch): number {
  teller.chapter("Does any real name, e-mail, phone or address of the 1,000 customers lie where only tokens may?");
  const { name } = customer("C0042");
  const blind = FOLDERS.filter((folder) => !seesPlanted(needles, folder, name));
  teller.fact(blind.length === 0, `a value planted in ${FOLDERS.join(" and ")} is found, and removed again`);
  const inCells = watch.end();
  teller.fact(watch.folders > 0, `working directories of live cells were read ${watch.folders} times`);
  const leaks = [...findLeaks(needles, FOLDERS), ...inCells];
  for (const { path, at } of leaks.slice(0, 20)) teller.say(`leak: ${path}, byte ${at}`);
  teller.fact(leaks.length === 0, `leaks in the kernel's store, the audit log, logs and live cells: ${leaks.length}`);
  return leaks.length;
}

export async function summarise(scene: Scene, leaks: number): Promise<Summary> {
  const entries = await allEntries(scene);
  const { pool } = await scene.admin("status", {});
  const tasks = scene.tasks.map(async ({ id, kind }) => {
    const { event, state } = (await scene.show(id)).line;
    return { id, kind, end: event ?? state };
  });
  return {
    tasks: await Promise.all(tasks),
    refunds: (await readRefunds(scene.world.postgres)).length,
    emails: (await readMails()).length,
    refused: refusedCodes(entries),
    leaks,
    audit_entries: entries.length,
    cells: { waited: pool.taken, started: pool.cold },
  };
}

async function allEntries({ admin }: Scene): Promise<AuditLine[]> {
  const all: AuditLine[] = [];
  for (let from: number | null = 0; from !== null; ) {
    const page: { entries: AuditLine[]; next: number | null } = await admin("audit_show", {
      task: null,
      from,
      limit: 1000,
    });
    all.push(...page.entries);
    from = page.next;
  }
  return all;
}

export function tellSummary({ teller }: Scene, summary: Summary): void {
  const counted = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ");
  teller.chapter("What it came to");
  teller.say(`tasks:   ${summary.tasks.length} (${counted(countBy(summary.tasks, ({ end }) => end))})`);
  teller.say(`refunds: ${summary.refunds}, e-mails: ${summary.emails}, audit entries: ${summary.audit_entries}`);
  teller.say(`cells:   ${summary.cells.waited} waited for their task, ${summary.cells.started} were started for it`);
  teller.say(`refused: ${counted(summary.refused)}`);
  const broken = teller.broken.length;
  teller.say(
    broken === 0
      ? `Everything in this story happened: ${teller.facts} of ${teller.facts}.`
      : `${broken} of ${teller.facts} did NOT happen.`,
  );
}
