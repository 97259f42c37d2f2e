/**
 * One slot: the socket of whatever cell is in it now. The socket is what says which cell speaks.
 *
 * Threat: a cell speaks on a connection of the cell that was there before, opens connections without end, or floods.
 * Contract: a connection belongs to one occupant; when the occupant ends, its connections end with it, before the next one can
 * connect, and so do its binding and what was remembered of its keys: whatever is still under way is admitted no more. At most `CONNECTIONS_MAX` connections and `IN_FLIGHT_MAX` requests at once.
 * Failure: one connection too many is closed without a word; one request too many ends later.
 *
 * An App is made once a slot and never again: each leaks some memory, closing and listening again does not.
 */

import type { TemplatedApp, us_listen_socket } from "uWebSockets.js";
import { chmodSync, rmSync } from "node:fs";
import { CALL_BYTES_MAX } from "../../kernel/abi/bounds.ts";
import { done, type End, later } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";
import { type Exchange, openExchange } from "../../kernel/process/http.ts";
import type { Keys } from "./admit.ts";
import { KeyCache } from "./key-cache.ts";

export const CONNECTIONS_MAX = 64;
export const IN_FLIGHT_MAX = 64;
/** A cell's body is there within so long. */
export const BODY_MS = 5000;

/** What the two keys say that the kernel bound to the cell, and the document its waiting call is answered with. */
export type Binding = { readonly keys: Keys; readonly document: Json };

/** The cell that is in a slot now. */
export type Occupant = {
  readonly slot: number;
  readonly cell: string;
  isProbed: boolean;
  waiting: Exchange | undefined;
  bound: Binding | undefined;
  readonly verified: KeyCache;
  inFlight: number;
  findings: number;
  /** Settles when the cell has been probed and waits, or is over. */
  readonly ready: PromiseWithResolvers<End<Record<string, never>>>;
};

export type Serve = (exchange: Exchange, occupant: Occupant) => void;

export class Slot {
  readonly #number: number;
  readonly #path: string;
  readonly #app: TemplatedApp;
  #connections = 0;
  #occupant: Occupant | undefined;

  /** `path`: of the socket; its folder exists and says who can reach it. */
  constructor(number: number, path: string, app: TemplatedApp, serve: Serve) {
    this.#number = number;
    this.#path = path;
    this.#app = app;
    const admit: Parameters<TemplatedApp["filter"]>[0] = (res, change) => {
      this.#connections += Number(change);
      if (this.#connections > CONNECTIONS_MAX) res.close();
    };
    app.filter(admit);
    app.any("/*", (res, req) => {
      const exchange = openExchange(res, req, { bodyBytesMax: CALL_BYTES_MAX, bodyMs: BODY_MS });
      if (this.#occupant !== undefined) serve(exchange, this.#occupant);
    });
  }

  /** The occupant, if it is this cell. */
  holds(cell: string): Occupant | undefined {
    return this.#occupant?.cell === cell ? this.#occupant : undefined;
  }

  /** Opens the socket for `cell`, whoever was there before. */
  open(cell: string): Occupant {
    this.close();
    const occupant: Occupant = {
      slot: this.#number,
      cell,
      isProbed: false,
      waiting: undefined,
      bound: undefined,
      verified: new KeyCache(),
      inFlight: 0,
      findings: 0,
      ready: Promise.withResolvers(),
    };
    this.#listen();
    this.#occupant = occupant;
    return occupant;
  }

  /** Ends every connection, and the binding of whoever was there. */
  close(): void {
    const occupant = this.#occupant;
    if (occupant === undefined) return;
    this.#occupant = undefined;
    occupant.bound = undefined;
    this.#app.close();
    rmSync(this.#path, { force: true });
    occupant.ready.resolve(later("The cell was over before it waited."));
  }

  #listen(): void {
    let socket: us_listen_socket | false = false;
    this.#app.listen_unix((opened) => {
      socket = opened;
    }, this.#path);
    if (socket === false) throw new Error(`The socket of slot ${this.#number} cannot be opened.`);
    chmodSync(this.#path, 0o666); // the cell's user is nobody here; the folders above decide who gets this far
  }
}

/** Marks the occupant as ready once it has been probed and waits. */
export function noteReady(occupant: Occupant): void {
  if (occupant.isProbed && occupant.waiting?.isOpen === true) occupant.ready.resolve(done({}));
}
