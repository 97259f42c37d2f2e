/** What the SMS proxy remembers: which message a receipt speaks of, and what proves that one was sent. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openLog } from "../../../kernel/process/log.ts";
import type { Call } from "../../../proxies/proxy/admit.ts";
import { type Durable, openDurable } from "../../../proxies/proxy/durable.ts";
import { type Book, openBook } from "../../../proxies/sms/book.ts";
import { messageId } from "../../../proxies/sms/message.ts";
import type { Receipt } from "../../../proxies/sms/receipt.ts";

let folder = "";
let durable: Durable;
let drawn: number[] = [];
const log = openLog("test");
log.level = "silent";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "silo-book-"));
  durable = openDurable(folder, log);
  drawn = [];
});
afterEach(async () => {
  await durable.close();
  rmSync(folder, { recursive: true });
});

const CASE = "case_0000000000000001";
const open = (): Book => openBook(durable, () => drawn.shift() ?? 1);
const call = (key: string) => ({ key, epoch: 1, arguments: "a".repeat(64), case: CASE }) as Call;
const receipt = (id: string, reference?: number): Receipt => ({ id, state: "delivered", reference });
const stateOf = (book: Book, key: string) => book.state({ case: CASE, message: messageId(key) });

describe("a receipt with the reference of a started message", () => {
  test("proves it, and the record is done with the call's result", async () => {
    const book = open();
    expect(await book.start(call("k"))).toBe(1);
    expect(stateOf(book, "k")).toBe("unknown");
    await book.receive(receipt("s1", 1));
    expect(book.record("k")).toMatchObject({ state: "done", result: { message: messageId("k") }, epoch: 1 });
    expect(stateOf(book, "k")).toBe("delivered");
  });

  test("and the id of another message proves nothing", async () => {
    const book = open();
    drawn = [5, 6];
    await book.start(call("first"));
    await book.accept(call("first"), "s1");
    drawn = [5];
    expect(await book.start(call("second"))).toBe(5);
    await book.receive(receipt("s1", 5));
    expect(book.record("second")).toMatchObject({ state: "started" });
    expect(stateOf(book, "first")).toBe("delivered");
  });

  test("proves no message that is known not to have left", async () => {
    const book = open();
    await book.start(call("k"));
    await book.reopen(call("k"));
    await book.receive(receipt("s1", 1));
    expect(book.record("k")).toMatchObject({ state: "open" });
    expect(stateOf(book, "k")).toBeUndefined();
  });

  test("does not undo what was decided", async () => {
    const book = open();
    await book.start(call("k"));
    await book.write("k", { epoch: 2, arguments: call("k").arguments, state: "void", result: null });
    await book.receive(receipt("s1", 1));
    expect(book.record("k")).toMatchObject({ state: "void" });
  });

  test("wakes who waits to be told", async () => {
    const book = open();
    await book.start(call("k"));
    const told = book.told("k", 10_000);
    await book.receive(receipt("s1", 1));
    await told;
    expect(book.record("k")?.state).toBe("done");
  });
});

test("a receipt without a reference, or with an unknown one, proves nothing", async () => {
  const book = open();
  await book.start(call("k"));
  await book.receive(receipt("s1"));
  await book.receive(receipt("s2", 2));
  expect(book.record("k")).toMatchObject({ state: "started" });
});

test("the reference of a message nobody has heard of is not given to another", async () => {
  const book = open();
  drawn = [7];
  await book.start(call("lost"));
  drawn = [7, 7, 8];
  expect(await book.start(call("next"))).toBe(8);
  await book.accept(call("next"), "s1");
  drawn = [8];
  expect(await book.start(call("after"))).toBe(8);
});

test("where no free reference is found the message goes without one", async () => {
  const book = open();
  drawn = [7];
  await book.start(call("lost"));
  drawn = Array.from({ length: 100 }, () => 7);
  expect(await book.start(call("next"))).toBeUndefined();
});

test("without references nobody waits, and nothing is drawn", async () => {
  const book = openBook(durable, null);
  expect(await book.start(call("k"))).toBeUndefined();
  await book.told("k", 60_000);
});

describe("the state of a message", () => {
  test("is accepted until a receipt comes, before or after the answer", async () => {
    const book = open();
    await book.start(call("k"));
    await book.receive(receipt("s1"));
    await book.accept(call("k"), "s1");
    expect(stateOf(book, "k")).toBe("delivered");
    await book.start(call("l"));
    await book.accept(call("l"), "s2");
    expect(stateOf(book, "l")).toBe("accepted");
  });

  test("does not leave its end", async () => {
    const book = open();
    await book.start(call("k"));
    await book.accept(call("k"), "s1");
    await book.receive({ ...receipt("s1"), state: "en_route" });
    expect(stateOf(book, "k")).toBe("en_route");
    await book.receive(receipt("s1"));
    await book.receive({ ...receipt("s1"), state: "en_route" });
    await book.receive({ ...receipt("s1"), state: "undeliverable" });
    expect(stateOf(book, "k")).toBe("delivered");
  });

  test("is not that of an older message whose id the SMSC gives out anew", async () => {
    const book = open();
    await book.start(call("old"));
    await book.accept(call("old"), "s1");
    await book.receive(receipt("s1"));
    await book.start(call("new"));
    await book.accept(call("new"), "s1");
    expect(stateOf(book, "new")).toBe("accepted");
  });

  test("is told to its own case alone", async () => {
    const book = open();
    await book.start(call("k"));
    expect(book.state({ case: "case_0000000000000002", message: messageId("k") })).toBeUndefined();
  });
});
