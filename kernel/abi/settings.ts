/** What `silo.yaml` sets: the few numbers and names that the kernel, ingress and the launcher must agree on. */
import { type Static, Type } from "typebox";
import { type Directories, readYaml } from "../process/config.ts";
import { refine } from "../process/schema.ts";
import { SLOTS_MAX } from "./bounds.ts";
import { Export, exportFault } from "./export.ts";
import { Name } from "./ids.ts";
import { Isolation } from "./messages.ts";
import { closedNetwork, Network, networkFault } from "./network.ts";
import { Witnesses, witnessFault } from "./witness.ts";

function object<const P extends Parameters<typeof Type.Object>[0]>(properties: P) {
  return Type.Object(properties, { additionalProperties: false });
}

const Milliseconds = Type.Integer({ minimum: 1, maximum: 24 * 60 * 60 * 1000 });

const SettingsFile = object({
  /** IANA name; the ledger's days are calendar days there. */
  time_zone: Type.String({ minLength: 1, maxLength: 64 }),
  /** A time the log ends with and that never was: the clock was set too far ahead. ISO 8601, as the kernel names it. */
  wrong_time: Type.Optional(
    Type.String({ pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$" }),
  ),
  /** Cells at once. */
  slots: Type.Integer({ minimum: 1, maximum: SLOTS_MAX }),
  /** `weakest_isolation`: agents that ask for less are not approved, and do not run where they were. */
  cells: Type.Optional(object({ weakest_isolation: Isolation })),
  /** Cells that wait for work, up and probed; in all at most `cells_max`, none with 0. They leave this much of the machine's memory free. */
  pool: Type.Optional(
    object({
      cells_max: Type.Integer({ minimum: 0, maximum: SLOTS_MAX }),
      age_ms_max: Milliseconds,
      free_memory_mib_min: Type.Integer({ minimum: 0, maximum: 1024 * 1024 }),
    }),
  ),
  /** How often one assignment is tried, and how long it rests after a failure: doubling from `backoff_ms`. */
  attempts: object({
    max: Type.Integer({ minimum: 1, maximum: 100 }),
    backoff_ms: Milliseconds,
    backoff_ms_max: Milliseconds,
  }),
  /** Where ingress listens. */
  http: object({
    host: Type.String({ minLength: 1, maxLength: 253 }),
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
  }),
  /** Who may connect where. Left out, nobody connects anywhere (network.ts). */
  network: Type.Optional(Network),
  /** Where the audit log is sent; none: it stays on this disk. */
  export: Type.Optional(Export),
  /** Verifier keys of the witnesses whose cosignatures under the log's checkpoints are taken. */
  witnesses: Type.Optional(Witnesses),
  /** Kinds of task, and whether one can do without a customer. */
  kinds: Type.Record(Name, object({ customer: Type.Union([Type.Literal("required"), Type.Literal("optional")]) }), {
    additionalProperties: false,
  }),
  /** Who may send tasks in, and of which kinds. */
  frontends: Type.Record(Name, object({ kinds: Type.Array(Name, { maxItems: 100, uniqueItems: true }) }), {
    additionalProperties: false,
  }),
});
type SettingsFile = Static<typeof SettingsFile>;

/**
 * What holds where a file does not say it. An administrator's `silo.yaml` stands for the whole of the shipped one, and may be of a version that
 * did not know these yet: the values are those that `config/silo.yaml` ships.
 */
export const unsaid = {
  cells: { weakest_isolation: "nspawn" },
  pool: { cells_max: 3, age_ms_max: 300_000, free_memory_mib_min: 256 },
  export: "none",
  witnesses: [],
} satisfies Partial<SettingsFile>;

export type Settings = SettingsFile & Required<Pick<SettingsFile, keyof typeof unsaid>>;

/** Reads `silo.yaml`. Throws `ConfigError` with file, line and column. */
export function readSettings(dirs: Pick<Directories, "etc" | "var">): Settings {
  return { ...unsaid, ...readYaml(dirs, "silo.yaml", refine(SettingsFile, settingsFault)) };
}

function settingsFault(settings: SettingsFile): string | undefined {
  if (!isTimeZone(settings.time_zone)) return "/time_zone is not a time zone (Europe/Berlin, UTC, …)";
  if (settings.attempts.backoff_ms_max < settings.attempts.backoff_ms)
    return "/attempts/backoff_ms_max is less than backoff_ms";
  for (const [name, frontend] of Object.entries(settings.frontends)) {
    const unknown = frontend.kinds.findIndex((kind) => !Object.hasOwn(settings.kinds, kind));
    if (unknown >= 0) return `/frontends/${name}/kinds/${unknown} is not among kinds`;
  }
  return (
    exportFault(settings.export ?? "none") ??
    networkFault(settings.network ?? closedNetwork) ??
    witnessFault(settings.witnesses ?? [])
  );
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
