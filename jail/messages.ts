/**
 * What the kernel may ask of the jailer, checked by hand: the jailer is root-equivalent and loads no schema library.
 *
 * Threat: a kernel that has been taken over names paths, numbers out of range, or fields that slip into an argument list.
 * Contract: a value that passes has exactly the fields of `kernelToJailer` in kernel/abi/messages.ts, each a name, a digest
 * or a number in its range. A property test holds these checks and those schemas to the same verdicts.
 * Failure: `why` names the field; the caller drops the connection.
 */
import type { kernelToJailer, RequestOf } from "../kernel/abi/messages.ts";

export type Start = RequestOf<typeof kernelToJailer, "start">;
export type Kill = RequestOf<typeof kernelToJailer, "kill">;

type Checked<T> = { ok: true; value: T } | { ok: false; why: string };
type FieldCheck = (value: unknown) => boolean;

const matches =
  (form: RegExp): FieldCheck =>
  (value) =>
    typeof value === "string" && form.test(value);
const whole =
  (least: number, most = Number.MAX_VALUE): FieldCheck =>
  (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most;

const resources = {
  memory_mib: whole(32, 16_384),
  work_mib: whole(1, 1024),
  processes: whole(1, 512),
  files: whole(16, 4096),
  output_kib: whole(1, 1024),
};

const start = {
  slot: whole(0, 99),
  cell: matches(/^cell_[0-9a-z]{16}$/),
  isolation: (value: unknown) => value === "nspawn" || value === "gvisor",
  bundle: matches(/^[0-9a-f]{64}$/),
  deadline_ms: whole(1),
  resources: (value: unknown) => fault(value, resources) === undefined,
};

const kill = { cell: start.cell };

export function checkStart(body: unknown): Checked<Start> {
  return verdict<Start>(body, start);
}

export function checkKill(body: unknown): Checked<Kill> {
  return verdict<Kill>(body, kill);
}

function verdict<T>(body: unknown, fields: Record<keyof T & string, FieldCheck>): Checked<T> {
  const why = fault(body, fields);
  return why === undefined ? { ok: true, value: body as T } : { ok: false, why };
}

/** The first field that is missing, spare or of the wrong form. */
function fault(body: unknown, fields: Record<string, FieldCheck>): string | undefined {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return "is not an object";
  const wrong = Object.entries(fields).find(
    ([name, check]) => !Object.hasOwn(body, name) || !check((body as Record<string, unknown>)[name]),
  );
  if (wrong !== undefined) return `/${wrong[0]} is missing or of the wrong form`;
  return Object.keys(body).every((name) => Object.hasOwn(fields, name)) ? undefined : "has a spare field";
}
