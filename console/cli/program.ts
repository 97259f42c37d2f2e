/** The `silo` command: its words, options and help. What each command does is in the file of its noun. */
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { STEPS_MAX } from "../../kernel/abi/bounds.ts";
import type { TaskLine } from "../../kernel/abi/console-messages.ts";
import { formatNames } from "../../kernel/abi/export.ts";
import { agentApprove, agentList, agentTurn } from "./agent.ts";
import { type AuditOptions, auditSchema, auditShow } from "./audit.ts";
import { auditCosign } from "./audit-cosign.ts";
import { auditCheckpoint, auditProve, auditVerify, type KeyOption, type VerifyOptions } from "./audit-proof.ts";
import { cellsResume } from "./cells.ts";
import { doctor } from "./doctor.ts";
import { exitHelp } from "./exits.ts";
import { auditExport, exportStatus, exportTest, type PrintOptions } from "./export.ts";
import { firewall, firewallApply } from "./firewall.ts";
import { keysList, keysRevoke, keysRotate } from "./keys.ts";
import type { Output, World } from "./output.ts";
import { STATE_DEFAULT } from "./places.ts";
import { status } from "./status.ts";
import { type SubmitOptions, submit } from "./submit.ts";
import {
  type Decision,
  type ListOptions,
  taskCall,
  taskDecide,
  taskFinish,
  taskList,
  taskReplay,
  taskReturn,
  taskShow,
  taskTake,
  taskTry,
} from "./task.ts";
import { type TrialOptions, trial } from "./trial.ts";
import { type UpOptions, up } from "./up.ts";

type Say = (output: Promise<Output | null>) => Promise<void>;
/** What a command needs when it runs: the options of the whole, and where its output goes. */
export type Runtime = { world: (options: { as: string; state?: string; json?: boolean }) => World; say: Say };

const AUDIT_LIMIT = 100;
const TASK_LIMIT = 50;
const WAIT_SECONDS = 60;

export function buildProgram({ world, say }: Runtime): Command {
  const program = new Command("silo")
    .description("SiloOS from the command line: start it, send work in, work cases, approve agents, read the log.")
    .option("--state <dir>", `state directory of the SiloOS meant (default: ${STATE_DEFAULT}, or SILO_STATE)`)
    .addOption(new Option("--as <person>", "who signs in").default("admin").env("SILO_AS"))
    .option("--json", "print one JSON value in place of text")
    .addHelpText("after", examples)
    .addHelpText("after", exitHelp)
    .showHelpAfterError("(silo --help says more)");
  const here = () => world(program.opts());
  running(program, here, say);
  work(program, here, say);
  tasks(program.command("task").description("tasks and what happened to them"), here, say);
  agents(program.command("agent").description("agents and what they may do"), here, say);
  keys(program.command("keys").description("signing keys, and the keys cells hold"), here, say);
  walls(program.command("firewall").description("what may cross this machine's network"), here, say);
  program
    .command("cells")
    .description("the jails agents run in")
    .command("resume")
    .description("start cells again after a guard was missing in one ('silo status' says which)")
    .action(() => say(cellsResume(here())));
  audit(program.command("audit").description("the audit log"), here, say);
  exports(program.command("export").description("what of the audit log a SIEM has"), here, say);
  return program;
}

const examples = `
Examples:
  silo trial                                          the whole product with a shop, told as a story
  silo submit hello --customer C0042 --wait           send a task in and wait for the answer
  silo submit refund --customer C0042 --field order=O1234 --field "amount=247.50 USD"
  silo --as maria task list waiting                   what waits for me
  silo --as maria task take task_0123456789abcdef     work it myself
  silo task try task_0123456789abcdef                 what would a changed folder do? nothing is done
  silo agent approve refund-agent                     see what it asks for, and let it
  silo keys revoke refund-agent                       void every key of a role; its tasks start again with others
  silo audit show --task task_0123456789abcdef        everything that happened to a task`;

function running(program: Command, here: () => World, say: Say): void {
  program
    .command("trial")
    .description("set everything up afresh, tell the story of SiloOS with a shop of 1,000 customers, and keep running")
    .option("--once", "end after the story; the exit status says whether all of it happened")
    .option("--port <number>", "port of the front door", port)
    .action((options: TrialOptions) => say(trial(here(), options)));
  program
    .command("up")
    .description("start SiloOS on the state directory as it was left, with the shop, and keep running")
    .option("--port <number>", "port of the front door", port)
    .action((options: UpOptions) => say(up(here(), options)));
  program
    .command("status")
    .description("what runs, and which guards are lowered")
    .action(() => say(status(here())));
  program
    .command("doctor")
    .description("try every guard on this machine, and say what holds and what does not")
    .action(() => say(doctor(here())));
}

function work(program: Command, here: () => World, say: Say): void {
  program
    .command("submit <kind>")
    .description("send a task in, as a frontend does")
    .option("--customer <id>", "the customer it is about")
    .option("--field <name=text>", "a named field; may be given again", gather, [])
    .option("--text <text>", "free text", "")
    .option("--case <case>", "follow up in the case of an earlier task")
    .option("--frontend <name>", "which frontend speaks", "shop")
    .option("--key <key>", "idempotency key (default: a new one)")
    .option("--wait [seconds]", `wait for the answer (default: ${WAIT_SECONDS} s)`, seconds)
    .action((kind: string, options: Omit<SubmitOptions, "wait"> & { wait?: number | true }) => {
      const { wait, ...rest } = options;
      const patience = wait === undefined ? {} : { wait: wait === true ? WAIT_SECONDS : wait };
      return say(submit(here(), kind, { ...rest, ...patience }));
    });
}

function tasks(task: Command, here: () => World, say: Say): void {
  task
    .command("list")
    .description("tasks, newest first")
    .addArgument(new Argument("[in]", "only those in this state").choices(["ready", "leased", "waiting", "ended"]))
    .option("--role <role>", "only those with this role")
    .option("--dead", "only dead letters: tasks that failed for good")
    .option("--limit <number>", "at most so many", whole(1, 1000), TASK_LIMIT)
    .action((state: TaskLine["state"] | undefined, options: ListOptions) => say(taskList(here(), state, options)));
  task
    .command("show <task>")
    .description("one task: what was asked, what was done, the answer")
    .action((id: string) => say(taskShow(here(), id)));
  task
    .command("take <task>")
    .description("take a waiting task to work it yourself")
    .action((id: string) => say(taskTake(here(), id)));
  task
    .command("call <task> <tool> [arguments...]")
    .description("run one tool on a task you took: 'silo task call TASK refund order=O1234 amount:=70000'")
    .action((id: string, tool: string, given: string[]) => say(taskCall(here(), id, tool, given)));
  task
    .command("decide <task>")
    .description("say of a task you took whether an effect happened of which nobody else can tell")
    .addArgument(new Argument("<step>", "as 'silo task show' names it").argParser(whole(1, STEPS_MAX)))
    .addArgument(new Argument("<decision>", "what happened outside").choices(["happened", "did-not"]))
    .option("--assignment <assignment>", "where two calls have that step")
    .action((id: string, step: number, decision: Decision, { assignment = null }: { assignment?: string | null }) =>
      say(taskDecide(here(), id, step, decision, assignment)),
    );
  task
    .command("return <task>")
    .description(
      "hand a task you took back to the agent that had it, for a new attempt; what happened is not done again",
    )
    .action((id: string) => say(taskReturn(here(), id)));
  task
    .command("replay <task>")
    .description("run the agent of an ended task once more on what was recorded, with no effects: does it do the same?")
    .action((id: string) => say(taskReplay(here(), id)));
  task
    .command("try <task>")
    .description(
      "run the folder of an agent that waits for approval on the event of a task, with the grant in force and no effects: what would it do?",
    )
    .option("--agent <role>", "whose folder (default: that of the agent that had the task last)")
    .action((id: string, { agent = null }: { agent?: string | null }) => say(taskTry(here(), id, agent)));
  task
    .command("finish <task>")
    .description("end a task you took")
    .requiredOption("--text <text>", "the answer; tokens such as [NAME_1] become values for the frontend")
    .option("--field <name=text>", "a named field; may be given again", gather, [])
    .action((id: string, { text, field }: { text: string; field: string[] }) =>
      say(taskFinish(here(), id, text, field)),
    );
}

function agents(agent: Command, here: () => World, say: Say): void {
  agent
    .command("list")
    .description("agents, and which folders wait for approval")
    .action(() => say(agentList(here())));
  agent
    .command("approve <role>")
    .description("show what a folder asks for, and approve exactly that")
    .option("--yes", "do not ask")
    .action((role: string, { yes }: { yes?: boolean }) => say(agentApprove(here(), role, yes === true)));
  for (const to of ["online", "offline"] as const)
    agent
      .command(`${to} <role>`)
      .description(to === "online" ? "let tasks go to it" : "send no more tasks to it; what runs goes on")
      .action((role: string) => say(agentTurn(here(), role, to)));
}

function keys(all: Command, here: () => World, say: Say): void {
  all
    .command("list")
    .description("what signs and verifies, and every key a cell holds now")
    .action(() => say(keysList(here())));
  all
    .command("rotate")
    .description("sign with another key from now on; what was signed goes on until it runs out")
    .addArgument(new Argument("<kind>", "of which keys").choices(["base", "task", "log"]))
    .action((kind: "base" | "task" | "log") => say(keysRotate(here(), kind)));
  all
    .command("revoke <name>")
    .description("make keys void at once: all of a role, one by its id, or all that a signing key (kid) signed")
    .action((of: string) => say(keysRevoke(here(), of)));
}

function walls(wall: Command, here: () => World, say: Say): void {
  wall
    .command("check")
    .description("whether the firewall of silo.yaml can be loaded, and what it would let through; changes nothing")
    .action(() => say(firewall(here(), "check")));
  wall
    .command("show")
    .description("whether it is in force here, and what each rule has counted")
    .action(() => say(firewall(here(), "show")));
  wall
    .command("apply")
    .description("load it: everything that silo.yaml does not name is dropped from then on")
    .option("--keep", "keep running and ask the names in it again as their time runs out")
    .option("--yes", "do not ask")
    .action((options: { keep?: boolean; yes?: boolean }) => say(firewallApply(here(), options)));
}

function audit(log: Command, here: () => World, say: Say): void {
  log
    .command("show")
    .description("entries of the audit log, oldest first; with --task alone, what happened as a story")
    .option("--task <task>", "only those of one task")
    .option("--case <case>", "only those of one case")
    .option("--customer <handle>", "only those of the case in which this handle (tok_…) is the customer")
    .option("--role <role>", "only those of one role")
    .option("--since <time>", "not before: 2026-11-22T10:00, or how long ago (90s, 30m, 2h, 7d)", moment)
    .option("--until <time>", "before this time", moment)
    .option(
      "--from <index>",
      "begin at this entry (default: so that the newest are shown)",
      whole(0, Number.MAX_SAFE_INTEGER),
    )
    .option("--limit <number>", `at most so many (default: ${AUDIT_LIMIT})`, whole(1, 1000))
    .action((options: AuditOptions) => say(auditShow(here(), options)));
  log
    .command("schema")
    .description("what an entry of the log can be, as JSON Schema; asks no running SiloOS")
    .action(() => say(Promise.resolve(auditSchema())));
  log
    .command("verify [folder]")
    .description(
      "prove the log, this machine's or a copy of its folder, with the public key alone; asks no running SiloOS",
    )
    .addOption(publicKey())
    .option("--checkpoint <file>", "also that it goes on where this older checkpoint ended")
    .option(
      "--witness <key>",
      "also that this witness has cosigned it (may be given several times)",
      (key: string, before: string[] = []) => gather(key, before),
    )
    .option("--entry <index>", "only that entry, by its inclusion proof", whole(0, Number.MAX_SAFE_INTEGER))
    .option("--from-export <file>", "what a SIEM has of the log, its file of native events, without any log beside it")
    .option("--proof <file>", "what 'silo audit prove' wrote, without any log beside it")
    .action((folder: string | undefined, options: VerifyOptions) => say(auditVerify(here(), folder, options)));
  log
    .command("checkpoint [folder]")
    .description("the signed head of the log: keep it on another machine")
    .addOption(publicKey())
    .action((folder: string | undefined, options: KeyOption) => say(auditCheckpoint(here(), folder, options)));
  log
    .command("cosign [file]")
    .description("bring a checkpoint that witnesses of silo.yaml have cosigned, from a file or standard input")
    .action((file: string | undefined) => say(auditCosign(here(), file)));
  log
    .command("export [folder]")
    .description("print the log as a SIEM gets it, an event a line, each proven as it is read")
    .addOption(new Option("--format <format>", "body of an event").choices(formatNames).makeOptionMandatory())
    .option("--from <index>", "begin at this entry", whole(0, Number.MAX_SAFE_INTEGER), 0)
    .option("--key <key>", "the log's verifier key (default: the one that lies beside the log)")
    .action((folder: string | undefined, options: PrintOptions) => say(auditExport(here(), folder, options)));
  log
    .command("prove <index> [folder]")
    .description("one entry with its proof in one file (C2SP tlog-proof), for whoever has the key and nothing else")
    .addOption(publicKey())
    .action((index: string, folder: string | undefined, options: KeyOption) =>
      say(auditProve(here(), whole(0, Number.MAX_SAFE_INTEGER)(index), folder, options)),
    );
}

function exports(all: Command, here: () => World, say: Say): void {
  all
    .command("status")
    .description("how far the receiver has the log, how far behind it is, and what is wrong")
    .action(() => say(exportStatus(here())));
  all
    .command("test")
    .description("send the newest checkpoint to the receiver once more, and say what came back")
    .action(() => say(exportTest(here())));
}

function publicKey(): Option {
  return new Option("--key <key>", "the log's verifier key, or a file that holds it; keep yours apart from the log");
}

function gather(text: string, before: string[]): string[] {
  return [...before, text];
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  };
}

/** Milliseconds since 1970 of a date and time as people write them, or of so long ago. */
function moment(text: string): number {
  const [, ago, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (ago !== undefined) return Date.now() - Number(ago) * { s: 1, m: 60, h: 3600, d: 86_400 }[unit as "s"] * 1000;
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new InvalidArgumentError("It is a time (2026-11-22T10:00) or how long ago (30m, 2h).");
  return time;
}

const port = whole(1, 65_535);
const seconds = whole(1, 86_400);
