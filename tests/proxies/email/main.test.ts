/** The email proxy as its own process, sealed, with a real mail server behind a wire that can fail. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { done } from "../../../kernel/abi/ends.ts";
import { type ProxyProcess, startProxyProcess } from "../proxy/process.ts";
import { openPost, type Post } from "./post.ts";

let post: Post;
let email: ProxyProcess;
let calls = 0;

beforeAll(async () => {
  post = await openPost();
  email = await startProxyProcess("email", { "smtp.json": post.connection });
});
beforeEach(() => post.judge(() => "pass"));
afterAll(async () => {
  await email?.end();
  await post?.end();
});

const message = { to: "[EMAIL_1]", subject: "Your refund, [NAME_1]", body: "Dear [NAME_1],\n\n[OTHER_1]\n" };
const fresh = () => ({ capability: "email:send", task: `task_${String(++calls).padStart(16, "0")}`, epoch: 1 });
type Terms = ReturnType<typeof fresh> & { void_until?: number };

/** Sends with `words` in the body. */
function send(terms: Terms, words: string, { to = "juergen@example.org", subject = "Your refund, Jürgen" } = {}) {
  const values = { to, subject, body: `Dear Jürgen,\n\n${words}\n` };
  return email.act(terms, message, { values, customer: "C0042" });
}
const decide = (terms: Terms) => email.decide(terms, message);
const isFinalReply = (line: string) => /^250 2\.0\.0 \S+ Message accepted/.test(line);
const isRecipientReply = (line: string) => /^250 2\.1\.5/.test(line);

test("a message arrives once, as it was written, under the Message-ID of its call", async () => {
  const end = await send(fresh(), "all is well");
  const [mail, ...more] = await post.mails("all is well", 1);
  expect(more).toEqual([]);
  expect(mail).toMatchObject({
    deliveredTo: "juergen@example.org",
    from: "service@shop.example",
    to: "juergen@example.org",
    subject: "Your refund, Jürgen",
    text: "Dear Jürgen,\n\nall is well\n",
  });
  expect(end).toEqual(done({ result: { message: mail?.messageId } }));
});

describe("an effect", () => {
  test("happens once, however often and from how many sides it is asked for", async () => {
    const terms = fresh();
    const ends = await Promise.all(Array.from({ length: 5 }, () => send(terms, "five times")));
    for (const end of ends) expect(end).toEqual(ends[0]);
    expect(await send({ ...terms, epoch: 2 }, "five times")).toEqual(ends[0]);
    expect(await post.mails("five times", 1)).toHaveLength(1);
  });

  test("under an older epoch than was seen is refused", async () => {
    const terms = { ...fresh(), epoch: 5 };
    await send(terms, "epoch");
    expect(await send({ ...terms, epoch: 4 }, "epoch")).toMatchObject({ code: "PERMIT_EXPIRED" });
    expect(await decide({ ...terms, epoch: 4 })).toMatchObject({ code: "PERMIT_EXPIRED" });
    expect(await decide({ ...terms, epoch: 6 })).toMatchObject({ value: { decided: "happened" } });
  });

  test("decided void stays undone, until a newer epoch asks for it", async () => {
    const terms = fresh();
    expect(await decide(terms)).toEqual(done({ decided: "void", result: null }));
    expect(await send(terms, "void")).toMatchObject({ code: "CONFLICT" });
    expect(await post.mails("void", 0)).toEqual([]);
    expect(await send({ ...terms, epoch: 2 }, "void")).toMatchObject({ end: "done" });
    expect(await post.mails("void", 1)).toHaveLength(1);
  });
});

describe("attacks", () => {
  test("a subject of two lines is refused and nothing is sent", async () => {
    const values = { to: "juergen@example.org", subject: "Hi\r\nBcc: thief@example.org", body: "bcc" };
    const permitted = { to: "[EMAIL_1]", subject: "[OTHER_1]", body: "bcc" };
    const end = await email.act(fresh(), permitted, { values, customer: "C0042" });
    expect(end).toMatchObject({ code: "ARGUMENT_INVALID" });
    expect(await post.mails("bcc", 0)).toEqual([]);
  });

  test("a recipient that is a list, or ends the command, is refused", async () => {
    for (const to of ["a@example.org,thief@example.org", "a@example.org>\r\nRCPT TO:<thief@example.org"])
      expect(await send(fresh(), "list", { to })).toMatchObject({ code: "ARGUMENT_INVALID" });
    expect(await post.mails("list", 0)).toEqual([]);
  });

  test("a lone dot does not end the message", async () => {
    const words = "before\n.\r\nMAIL FROM:<x@example.org>\r\n..after";
    expect(await send(fresh(), words)).toMatchObject({ end: "done" });
    const [mail] = await post.mails("..after", 1);
    expect(mail?.text).toContain("before\n.\nMAIL FROM:<x@example.org>\n..after");
  });

  test("other words than the permitted ones are refused", async () => {
    const values = { ...message, to: "a@example.org", subject: "Your prize, Jürgen" };
    expect(await email.act(fresh(), message, { values, customer: "C0042" })).toMatchObject({ code: "PERMIT_INVALID" });
  });
});

describe("before the message leaves", () => {
  test("a server that is gone means later; once it is back the same call sends one mail", async () => {
    const terms = fresh();
    await post.stopWire();
    expect(await send(terms, "gone")).toMatchObject({ end: "later" });
    await post.startWire();
    expect(await send(terms, "gone")).toMatchObject({ end: "done" });
    expect(await post.mails("gone", 1)).toHaveLength(1);
  });

  test.each([
    ["a temporary no", { say: "451 4.3.0 Not now" }],
    ["a broken connection", "cut"],
  ] as const)("%s means later, and the record is cleared", async (name, fate) => {
    const terms = fresh();
    post.judge((line) => (isRecipientReply(line) ? fate : "pass"));
    expect(await send(terms, name)).toMatchObject({ end: "later" });
    post.judge(() => "pass");
    expect(await send(terms, name)).toMatchObject({ end: "done" });
    expect(await post.mails(name, 1)).toHaveLength(1);
  });

  test("a temporary no to DATA itself means later", async () => {
    const terms = fresh();
    post.judge((line) => (line.startsWith("354") ? { say: "451 4.3.0 Not now" } : "pass"));
    expect(await send(terms, "no data")).toMatchObject({ end: "later" });
    expect(await decide(terms)).toMatchObject({ value: { decided: "void" } });
    expect(await post.mails("no data", 0)).toEqual([]);
  });

  test("a recipient the server does not take is refused for good", async () => {
    const end = await send(fresh(), "umlaut", { to: "jürgen@example.org" });
    expect(end).toMatchObject({ end: "refused", code: "CONFLICT" });
    expect(await post.mails("umlaut", 0)).toEqual([]);
  });
});

describe("after the message left", () => {
  test("a connection that breaks before the reply is UNKNOWN_OUTCOME, for every attempt after it, and one mail", async () => {
    const terms = fresh();
    post.judge((line) => (isFinalReply(line) ? "cut" : "pass"));
    expect(await send(terms, "cut off")).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    post.judge(() => "pass");
    expect(await send({ ...terms, epoch: 2 }, "cut off")).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    expect(await decide({ ...terms, epoch: 3 })).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    expect(await post.mails("cut off", 1)).toHaveLength(1);
  });

  test("kill -9 of the proxy before the reply is the same", async () => {
    const terms = fresh();
    post.judge((line) => (isFinalReply(line) ? "hold" : "pass"));
    const first = send(terms, "killed late");
    await post.held();
    await email.kill9();
    expect(await first).toEqual({ end: "lost" });
    post.judge(() => "pass");
    await email.restart();
    expect(await send({ ...terms, epoch: 2 }, "killed late")).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    expect(await decide({ ...terms, epoch: 2 })).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    expect(await post.mails("killed late", 1)).toHaveLength(1);
  });

  test("what a person says did not happen is sent once more, and is unknown again when that cannot be told either", async () => {
    const terms = fresh();
    post.judge((line) => (isFinalReply(line) ? "cut" : "pass"));
    expect(await send(terms, "once more")).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    expect(await send({ ...terms, epoch: 2, void_until: 1 }, "once more")).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    post.judge(() => "pass");
    expect(await send({ ...terms, epoch: 3, void_until: 1 }, "once more")).toMatchObject({ code: "UNKNOWN_OUTCOME" });
    expect(await post.mails("once more", 2)).toHaveLength(2);
    const sent = await send({ ...terms, epoch: 4, void_until: 3 }, "once more");
    expect(sent).toMatchObject({ end: "done" });
    expect(await send({ ...terms, epoch: 5, void_until: 3 }, "once more")).toEqual(sent);
    expect(await post.mails("once more", 3)).toHaveLength(3);
  });

  test("kill -9 of the proxy while the server is greeted leaves nothing, and the next attempt sends", async () => {
    const terms = fresh();
    post.judge((line) => (line.startsWith("220") ? "hold" : "pass"));
    const first = send(terms, "killed early");
    await post.held();
    await email.kill9();
    expect(await first).toEqual({ end: "lost" });
    post.judge(() => "pass");
    await email.restart();
    expect(await send({ ...terms, epoch: 2 }, "killed early")).toMatchObject({ end: "done" });
    expect(await post.mails("killed early", 1)).toHaveLength(1);
  });

  test("kill -9 after the answer: the next attempt gets the recorded one", async () => {
    const terms = fresh();
    const first = await send(terms, "killed after");
    await email.kill9();
    await email.restart();
    expect(await send({ ...terms, epoch: 2 }, "killed after")).toEqual(first);
    expect(await post.mails("killed after", 1)).toHaveLength(1);
  });
});

test("its log and its records hold nothing personal", () => {
  expect(email.log()).toContain("accepted");
  expect(email.log()).not.toMatch(/example\.org|Jürgen|refund/);
});
