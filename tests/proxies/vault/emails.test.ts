import { expect, test } from "vitest";
import { emailsIn } from "../../../proxies/vault/emails.ts";

const found = (text: string) => emailsIn(text).map(([from, to]) => text.slice(from, to));

test("addresses are found in whatever they stand, without the full stop behind them", () => {
  expect(found("write to <bob.k+x@corp.example>, or mailto:eve@corp.example.")).toEqual([
    "bob.k+x@corp.example",
    "eve@corp.example",
  ]);
  expect(found("zoë@münchen.example root@localhost")).toEqual(["zoë@münchen.example", "root@localhost"]);
});

test("an @ between nothing is no address", () => {
  expect(found("@ the door, 3 @ 4, @bob, bob@, @@")).toEqual([]);
});

test("a local part is taken up to 64 characters (RFC 5321, 4.5.3.1.1)", () => {
  expect(found(`${"x".repeat(64)}@a.example`)[0]).toHaveLength(74);
  expect(found(`${"x".repeat(65)}@a.example`)[0]).toHaveLength(74);
});
