/** Messages: one recipient, headers nobody can add to, and the words as they were given. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseMail } from "../../../console/trial/mail.ts";
import { composeMessage, messageId } from "../../../proxies/email/message.ts";

const sender = { from: "service@shop.example", domain: "shop.example" };
const NOW = Date.UTC(2026, 0, 15, 12);
const values = { to: "maria@example.org", subject: "Your refund", body: "Dear Maria,\n\n247.50 USD.\n" };
const compose = (change: Partial<typeof values> = {}) =>
  composeMessage({ key: "task/asgn/1", values: { ...values, ...change } }, sender, NOW);

async function composed(change: Partial<typeof values> = {}) {
  const end = await compose(change);
  if (end.end !== "done") throw new Error(`It was ${end.end}.`);
  return end.value;
}

test("a message says who, to whom, what and which", async () => {
  const { bytes, to, id } = await composed();
  expect(to).toBe("maria@example.org");
  expect(parseMail(bytes)).toMatchObject({
    from: "service@shop.example",
    to: "maria@example.org",
    subject: "Your refund",
    messageId: id,
    text: values.body.replaceAll("\n", "\n"),
  });
});

test("every attempt at a call has the same Message-ID, and another call another", () => {
  expect(messageId("task/asgn/1", "shop.example")).toBe(messageId("task/asgn/1", "shop.example"));
  expect(messageId("task/asgn/1", "shop.example")).not.toBe(messageId("task/asgn/2", "shop.example"));
  expect(messageId("task_1/asgn_1/1", "shop.example")).toMatch(/^<[0-9a-f]{40}@shop\.example>$/);
});

describe("header injection", () => {
  const ends = ["\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029", "\0", "\u000b", "\u000c"];
  test.each(ends)("a subject with %j is refused", async (end) => {
    expect(await compose({ subject: `Hello${end}Bcc: thief@example.org` })).toMatchObject({ code: "ARGUMENT_INVALID" });
  });

  const addresses = [
    "maria@example.org, thief@example.org",
    "maria@example.org; thief@example.org",
    "Maria <maria@example.org>",
    "<maria@example.org> SIZE=1",
    "maria@example.org\r\nRCPT TO:<thief@example.org>",
    "maria@example.org\n",
    '"a b"@example.org',
    "@relay.example:maria@example.org",
    "group:maria@example.org;",
    "maria@example.org(comment)",
    "maria@example@org",
    "maria@[127.0.0.1]",
    "maria",
    "maria@",
    "@example.org",
    "mar\u200bia@example.org",
    `${"m".repeat(65)}@example.org`,
    `maria@${"e".repeat(248)}.o`,
  ];
  test.each(addresses)("the recipient %j is refused", async (to) => {
    expect(await compose({ to })).toMatchObject({ code: "ARGUMENT_INVALID" });
  });

  test("an address of 254 characters is taken", async () => {
    const to = `${"m".repeat(64)}@${"e".repeat(187)}.o`;
    expect(to).toHaveLength(254);
    expect(await compose({ to })).toMatchObject({ end: "done" });
  });
});

test("whatever subject and body say, the headers are ours and the words arrive", async () => {
  const subject = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 120 })
    .filter((text) => !/[\p{Cc}\u2028\u2029]/u.test(text) && text === text.trim() && !/\s\s|=\?/u.test(text));
  const body = fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 }).filter((text) => !/[\r\0]/.test(text));
  await fc.assert(
    fc.asyncProperty(subject, body, async (said, words) => {
      const { bytes } = await composed({ subject: said, body: `${words}\nBcc: thief@example.org\n\n.\n` });
      const raw = bytes.toString("latin1");
      const head = raw.slice(0, raw.indexOf("\r\n\r\n")).replace(/\r\n[ \t]/g, " ");
      const names = head.split("\r\n").map((line) => line.slice(0, line.indexOf(":")));
      expect(names.sort()).toEqual([
        "Auto-Submitted",
        "Content-Transfer-Encoding",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
      ]);
      expect(parseMail(bytes)).toMatchObject({ to: "maria@example.org", subject: said });
      expect(parseMail(bytes).text).toContain("Bcc: thief@example.org");
    }),
    { numRuns: 300 },
  );
});
