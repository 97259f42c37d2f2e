/** The guards of the door against what a cell sends: how each is taken out of the door's source, in tests, and the attacks it stops: data. */

/** `from`: its line in `file`, as it stands; `to`: the line without the guard. */
export type DoorGuard = { file: string; from: string; to: string };

export const doorGuards: Readonly<Record<string, DoorGuard>> = {
  CALL_BYTES_MAX: {
    file: "proxies/door/slot.ts",
    from: "bodyBytesMax: CALL_BYTES_MAX",
    to: "bodyBytesMax: CALL_BYTES_MAX * 64",
  },
  BODY_MS: { file: "proxies/door/slot.ts", from: "bodyMs: BODY_MS", to: "bodyMs: BODY_MS * 64" },
  HEADER_BYTES_MAX: {
    file: "proxies/door/open.ts",
    from: "loadHttp(HEADER_BYTES_MAX)",
    to: "loadHttp(HEADER_BYTES_MAX * 64)",
  },
  CONNECTIONS_MAX: {
    file: "proxies/door/slot.ts",
    from: "if (this.#connections > CONNECTIONS_MAX) res.close();",
    to: "",
  },
  IN_FLIGHT_MAX: {
    file: "proxies/door/serve.ts",
    from: "occupant.inFlight >= IN_FLIGHT_MAX",
    to: "false",
  },
  "one header of a name": {
    file: "kernel/process/http.ts",
    from: "if (headers.has(name)) twice = name;",
    to: "",
  },
  "chunked alone": {
    file: "kernel/process/http.ts",
    from: 'coding.toLowerCase() !== "chunked"',
    to: "false",
  },
  "the slot's own keys": {
    file: "proxies/door/admit.ts",
    from: 'if (!BOUND.every((name) => task[name] === bound.task[name])) return refused("KEY_MISMATCH");',
    to: "",
  },
  "the slot's own base key": {
    file: "proxies/door/admit.ts",
    from: 'if (bound === undefined || base.jti !== bound.base.jti) return refused("KEY_MISMATCH");',
    to: 'if (bound === undefined) return refused("KEY_MISMATCH");',
  },
  "a listener of the occupant's": { file: "proxies/door/slot.ts", from: "this.#app.close();", to: "" },
};

/** Attack -> the guards of the door that stop it: each alone does, and without all of them it comes through. */
export const doorRows: readonly { attack: string; guards: readonly string[] }[] = [
  { attack: "large_body", guards: ["CALL_BYTES_MAX"] },
  { attack: "slow_body", guards: ["BODY_MS"] },
  { attack: "large_header", guards: ["HEADER_BYTES_MAX"] },
  { attack: "connections", guards: ["CONNECTIONS_MAX"] },
  { attack: "calls_at_once", guards: ["IN_FLIGHT_MAX"] },
  { attack: "two_keys", guards: ["one header of a name"] },
  { attack: "other_coding", guards: ["chunked alone"] },
  { attack: "other_key", guards: ["the slot's own keys", "the slot's own base key"] },
  { attack: "connection_kept", guards: ["a listener of the occupant's"] },
];

/** Bounds of the door and of what it reads with that no attack of a cell passes, and why. */
export const plain: Readonly<Record<string, string>> = {
  FINDING_MS: "How long the door waits for the kernel.",
  INTEND_MS: "The same.",
  VAULT_MS: "How long it waits for the vault.",
  END_MS: "The same, with the kernel's commit.",
  DISCARDED_BYTES_MAX: "Held by tests/proxies/door/http.test.ts; behind it stands BODY_MS.",
  FINDINGS_MAX: "Held by tests/proxies/door/door.test.ts; it guards the log.",
  PAUSE_MS: "So that an early answer arrives; whoever never pauses meets BODY_MS and DISCARDED_BYTES_MAX.",
  CACHE_ENTRIES_MAX: "Keys that were verified; a cell has two, and the kernel's own bind them.",
};
