/** Requests of one key wait for each other; those of others do not. */
import { expect, test } from "vitest";
import { inTurn } from "../../../proxies/proxy/in-turn.ts";

test("work of one key runs in order and never at once", async () => {
  const turn = inTurn();
  const seen: string[] = [];
  const work = (name: string) => async () => {
    seen.push(`${name} begins`);
    await Promise.resolve();
    seen.push(`${name} ends`);
    return name;
  };
  expect(await Promise.all([turn("k", work("a")), turn("k", work("b"))])).toEqual(["a", "b"]);
  expect(seen).toEqual(["a begins", "a ends", "b begins", "b ends"]);
});

test("work of another key does not wait", async () => {
  const turn = inTurn();
  const first = Promise.withResolvers<string>();
  const waiting = turn("k", () => first.promise);
  expect(await turn("other", async () => "done")).toBe("done");
  first.resolve("at last");
  expect(await waiting).toBe("at last");
});
