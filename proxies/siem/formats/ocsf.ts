/**
 * OCSF: each entry an event of the class that fits its verb (ocsf-classes.ts), each checkpoint a base event.
 *
 * Contract: `raw_data` is the entry as its bytes stand in the log, and the profile record_integrity carries its leaf hash and that of the entry
 * before, so a receiver proves order and completeness without us. A denial is its class with the profile security_control, action_id 2.
 * A checkpoint names no time, so its event has that of its export.
 * An e-mail is API activity: the class Email Activity wants an address, and there are tokens only.
 */
import type { Entry } from "../../../kernel/abi/entry.ts";
import type { LogRecord } from "../record.ts";
import { type Event, eventOf } from "./ocsf-classes.ts";

/** The schema these events are of; `tests/proxies/siem/ocsf.test.ts` holds them to it. */
export const OCSF_VERSION = "1.9.0-dev";

const SEVERITY = { informational: 1, low: 2, high: 4 } as const;
/** What somebody should look at. */
const grave = ["cells_halt", "clock_back", "undeliverable"];
const product = { name: "SiloOS", vendor_name: "SiloOS" };

export function ocsf(record: LogRecord, appliance: string): string {
  return JSON.stringify(record.kind === "entry" ? ofEntry(record, appliance) : ofCheckpoint(record, appliance));
}

function ofEntry({ index, leaf, prev, text }: LogRecord & { kind: "entry" }, appliance: string) {
  const entry = JSON.parse(text) as Entry;
  const { time, verb, task, schema } = entry;
  const event = eventOf(entry, appliance);
  const control = controlOf(entry);
  return {
    ...classified(event),
    ...event.attributes,
    ...statusOf(entry, event),
    ...control,
    time,
    severity_id: grave.includes(verb) ? SEVERITY.high : control === null ? SEVERITY.informational : severityOf(control),
    message: messageOf(entry),
    metadata: {
      version: OCSF_VERSION,
      product,
      profiles: ["record_integrity", ...(control === null ? [] : ["security_control"])],
      log_name: appliance,
      log_version: String(schema),
      event_code: verb,
      uid: uidOf(appliance, index),
      sequence: index,
      ...(task !== undefined && { correlation_uid: task }),
    },
    attestation_list: [attestation(appliance, index, leaf, prev)],
    raw_data: text,
    unmapped: { index, leaf, prev },
  };
}

function ofCheckpoint({ size, root, note }: LogRecord & { kind: "checkpoint" }, appliance: string) {
  return {
    ...classified({ category: 0, class: 0, activity: 99, name: "Checkpoint", attributes: {} }),
    time: Date.now(),
    severity_id: SEVERITY.informational,
    message: `checkpoint over ${size} entries`,
    metadata: {
      version: OCSF_VERSION,
      product,
      profiles: ["record_integrity"],
      log_name: appliance,
      event_code: "checkpoint",
      uid: `${appliance}/checkpoint/${size}`,
    },
    attestation_list: [
      {
        uid: `${appliance}/checkpoint/${size}`,
        chain_uid: appliance,
        fingerprint: fingerprint(root, "RFC 6962 tree head"),
      },
    ],
    raw_data: note,
    unmapped: { size, root },
  };
}

function classified({ category, class: uid, activity, name }: Event) {
  return {
    category_uid: category,
    class_uid: uid,
    activity_id: activity,
    ...(name !== undefined && { activity_name: name }),
    type_uid: uid * 100 + activity,
  };
}

function uidOf(appliance: string, index: number): string {
  return `${appliance}/${index}`;
}

function attestation(appliance: string, index: number, leaf: string, prev: string) {
  const before = { uid: uidOf(appliance, index - 1), fingerprint: fingerprint(prev, LEAF) };
  return {
    uid: uidOf(appliance, index),
    chain_uid: appliance,
    fingerprint: fingerprint(leaf, LEAF),
    ...(index > 0 && { prev_event: before }),
  };
}

const LEAF = "RFC 6962 leaf of raw_data";

function fingerprint(value: string, serialization: string) {
  return {
    algorithm_id: 3,
    algorithm: "SHA-256",
    encoding_id: 1,
    encoding: "Hex",
    serialization_id: 99,
    serialization,
    value,
  };
}

type Control = { action_id: 1 | 2; disposition_id: 1 | 2 };

/** Null where nothing was decided. */
function controlOf({ decision, outcome }: Entry): Control | null {
  if (decision === "refused" || outcome === "refused") return { action_id: 2, disposition_id: 2 };
  if (decision === undefined) return null;
  return { action_id: 1, disposition_id: 1 };
}

function severityOf({ action_id }: Control): number {
  return action_id === 2 ? SEVERITY.low : SEVERITY.informational;
}

/** Of a finding the status is that it is new; of all else, whether it came about. */
function statusOf({ decision, outcome, code }: Entry, { class: uid }: Event) {
  const failed = decision === "refused" || outcome === "refused" || outcome === "void" || outcome === "Failed";
  const unknown = outcome === "unknown";
  const told = code === undefined ? {} : { status_code: code };
  return { status_id: uid === FINDING ? 1 : unknown ? 0 : failed ? 2 : 1, ...told };
}

const FINDING = 2006;

/** `intend refund:create step 3 refused LIMIT_CALL by refund-agent`: words of the closed lists only. */
function messageOf({ verb, capability, step, decision, outcome, code, who, role }: Entry): string {
  const by = who ?? role;
  const words = [verb, capability, step === undefined ? undefined : `step ${step}`, decision, outcome, code];
  return [...words, by === undefined ? undefined : `by ${by}`].filter((word) => word !== undefined).join(" ");
}
