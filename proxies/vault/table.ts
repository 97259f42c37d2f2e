/**
 * The token table of one case: which token stands for which value. Pure; nothing here waits, so no two calls can meet inside.
 *
 * Threat: one token comes to stand for two values (a message goes to somebody else), or a contact that was written in this case is used
 * as if the customer had always had it.
 * Contract: the same value of a class has the same token, tokens are counted per class and never renumbered. What a call adds or changes
 * is noted in its draft until the kernel has accepted it; whatever is not yet accepted travels again with the next draft that uses it.
 * Failure: `TableConflict` where sealed entries contradict what is known, `TableFull` before the case's bound would break.
 */
import { CASE_TABLE_BYTES_MAX } from "../../kernel/abi/bounds.ts";
import { type ContactClass, type TokenClass, tokenText } from "../../kernel/abi/tokens.ts";
import { KnownValues } from "./known-values.ts";
import { phoneOf } from "./phones.ts";

export class TableConflict extends Error {
  override name = "TableConflict";
}
export class TableFull extends Error {
  override name = "TableFull";
}

export type Entry = { token: string; class: TokenClass; value: string; contact: boolean };
export type Customer = { token: string; id: string };
/** What is sealed: entries and facts the kernel keeps for the vault. */
export type Delta = { entries: Entry[]; written: ContactClass[]; customer: Customer | null };
/** What one call, submission or settlement has shown or changed. */
export type Draft = { tokens: Set<string>; written: Set<ContactClass> };

/** Bytes of all entries as JSON; sealing adds a third and a little for every delta. */
export const TABLE_BYTES_MAX = CASE_TABLE_BYTES_MAX / 2;

export function newDraft(): Draft {
  return { tokens: new Set(), written: new Set() };
}

export class Table {
  readonly known = new KnownValues();
  readonly #byToken = new Map<string, Entry>();
  readonly #byValue = new Map<string, Entry>();
  readonly #counts = new Map<TokenClass, number>();
  readonly #written = new Set<ContactClass>();
  /** By token: what the kernel does not have yet, or not as it is now. */
  readonly #open = new Map<string, Entry>();
  readonly #openWritten = new Set<ContactClass>();
  #customer: Customer | null = null;
  #openCustomer: Customer | null = null;
  #bytes = 0;

  get customer(): Customer | null {
    return this.#customer;
  }

  /** Names the customer of this case. Throws `TableConflict` where it has another, or the same under another token. */
  setCustomer(customer: Customer): void {
    this.#nameCustomer(customer);
    this.#openCustomer = customer;
  }

  /** The token that stands for `value` (1 to VALUE_CHARS_MAX characters); a new one where it has none. Throws `TableFull`. */
  tokenFor(name: TokenClass, value: string, draft: Draft, contact = false): string {
    const entry = this.#byValue.get(valueKey(name, value)) ?? this.#add(name, value);
    if (contact && !entry.contact) {
      entry.contact = true;
      this.#open.set(entry.token, entry);
    }
    draft.tokens.add(entry.token);
    return entry.token;
  }

  /** Shows a token the table has. */
  use(token: string, draft: Draft): string {
    draft.tokens.add(token);
    return token;
  }

  /** What a token of this case stands for. The customer token stands for the customer's id. */
  lookUp(token: string): Entry | undefined {
    if (token === this.#customer?.token) return { token, class: "customer", value: this.#customer.id, contact: false };
    return this.#byToken.get(token);
  }

  /** A message may go there: a contact of this customer, of a class that was not written in this case. */
  mayReceive(token: string): boolean {
    const entry = this.#byToken.get(token);
    return entry?.contact === true && !this.#written.has(entry.class as ContactClass);
  }

  /** From now on no contact of this class receives messages in this case. */
  markWritten(name: ContactClass, draft: Draft): void {
    if (!this.#written.has(name)) this.#openWritten.add(name);
    this.#written.add(name);
    draft.written.add(name);
  }

  /** What the kernel must keep for this draft; null where it has everything already. */
  delta(draft: Draft): Delta | null {
    const used = [...this.#open.values()].filter(({ token }) => draft.tokens.has(token));
    const entries = used.map((entry) => ({ ...entry }));
    const written = [...draft.written].filter((name) => this.#openWritten.has(name));
    const customer = this.#openCustomer;
    return entries.length + written.length === 0 && customer === null ? null : { entries, written, customer };
  }

  /** The kernel has `delta`. What changed since it was made stays open. */
  accept(delta: Delta): void {
    for (const entry of delta.entries) {
      if (this.#open.get(entry.token)?.contact === entry.contact) this.#open.delete(entry.token);
    }
    for (const name of delta.written) this.#openWritten.delete(name);
    if (delta.customer !== null) this.#openCustomer = null;
  }

  /** Takes in what the kernel kept; a repetition changes nothing. Throws `TableConflict`. */
  merge(delta: Delta): void {
    for (const entry of delta.entries) this.#mergeEntry(entry);
    for (const name of delta.written) this.#written.add(name);
    if (delta.customer !== null) this.#nameCustomer(delta.customer);
    this.accept(delta);
  }

  #add(name: TokenClass, value: string): Entry {
    const number = (this.#counts.get(name) ?? 0) + 1;
    const entry: Entry = { token: tokenText(name, number), class: name, value, contact: false };
    const bytes = Buffer.byteLength(JSON.stringify(entry));
    if (this.#bytes + bytes > TABLE_BYTES_MAX) throw new TableFull();
    this.#insert(entry, bytes);
    this.#open.set(entry.token, entry);
    return entry;
  }

  #insert(entry: Entry, bytes: number): void {
    this.#bytes += bytes;
    this.#byToken.set(entry.token, entry);
    const key = valueKey(entry.class, entry.value);
    if (!this.#byValue.has(key)) this.#byValue.set(key, entry);
    const number = Number(entry.token.replace(/\D/g, ""));
    this.#counts.set(entry.class, Math.max(this.#counts.get(entry.class) ?? 0, number));
    this.known.add(entry.class, entry.value, entry.token);
  }

  #mergeEntry(entry: Entry): void {
    const old = this.#byToken.get(entry.token);
    if (old === undefined) this.#insert({ ...entry }, Buffer.byteLength(JSON.stringify(entry)));
    else if (old.value !== entry.value || old.class !== entry.class) throw new TableConflict();
    else if (entry.contact) old.contact = true;
  }

  #nameCustomer(customer: Customer): void {
    if (this.#customer === null) this.known.add("customer", customer.id, customer.token);
    else if (this.#customer.id !== customer.id || this.#customer.token !== customer.token) throw new TableConflict();
    this.#customer = customer;
  }
}

/** Values with the same key are the same value. */
function valueKey(name: TokenClass, value: string): string {
  return `${name}\0${canonicalValue(name, value)}`;
}

function canonicalValue(name: TokenClass, value: string): string {
  if (name === "other" || name === "customer") return value;
  if (name === "phone") return phoneOf(value)?.key ?? value;
  const plain = value
    .normalize("NFKC")
    .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
    .toUpperCase()
    .toLowerCase();
  if (name === "name" || name === "address") return plain.replace(/\s+/gu, " ").trim();
  return plain.replace(name === "email" ? /\s/gu : /[\s-]/gu, "");
}
