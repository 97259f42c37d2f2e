/** The status page as text: a pure function of what was found. */

export type Unit = { name: string; state: string; sub: string; status: string };

export type Found = {
  version: string;
  /** Of `silo status`; null until the secrets were let out. */
  mode: string | null;
  lowered: readonly string[];
  addresses: readonly string[];
  units: readonly Unit[];
  /** In the boot that made it. */
  recoveryKey: string | null;
  isRecoveryConfirmed: boolean;
};

const CLEAR = "\u001b[2J\u001b[H";
const COLUMNS = 78;

/** The whole screen. */
export function page(found: Found): string {
  const { version, mode, lowered, addresses, units, recoveryKey, isRecoveryConfirmed } = found;
  return `${CLEAR}${[
    `SiloOS ${version}`,
    "",
    `trust:     ${trustOf(found)}`,
    ...lowered.flatMap((guard) => wrap(`! ${guard}`)),
    `address:   ${addresses.join(", ") || "none yet"}`,
    "",
    ...units.map(line),
    ...(recoveryKey === null ? [] : ["", ...framed(recoveryKey)]),
    ...(mode === "appliance" && !isRecoveryConfirmed
      ? [
          "",
          "! Nobody has confirmed that the recovery key is kept. Without it, a broken TPM or board takes all state with it.",
        ]
      : []),
    "",
  ]
    .map((text) => text.slice(0, 2 * COLUMNS))
    .join("\n")}`;
}

function trustOf({ mode, units }: Found): string {
  if (mode === "untrusted") return "UNTRUSTED: no TPM, by an administrator's choice";
  const broken = units.filter(({ state }) => state === "failed").length;
  if (mode === null) return broken > 0 ? "the start was refused; why stands below" : "starting";
  return "sealed to the TPM; the boot is the one that was signed";
}

function line({ name, state, sub, status }: Unit): string {
  const mark = state === "active" ? " " : "!";
  return `${mark} ${name.padEnd(10)} ${(state === "active" ? sub : state).padEnd(12)} ${status}`;
}

function framed(key: string): string[] {
  return [
    "RECOVERY KEY. Write it down now, and keep it away from this machine. It is shown in this boot and never again:",
    "",
    `    ${key}`,
  ];
}

function wrap(text: string): string[] {
  const lines = text.match(new RegExp(`.{1,${COLUMNS}}(\\s|$)`, "g")) ?? [];
  return lines.map((part) => part.trimEnd());
}
