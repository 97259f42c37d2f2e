import { expect, test } from "vitest";
import { CommandEnd, exits } from "../../../console/cli/exits.ts";
import { patiently } from "../../../console/cli/frontend.ts";

const notNow = () => new CommandEnd(exits.later, "Not now.");

test("what was answered later is asked again until it is done", async () => {
  let asked = 0;
  const ask = async () => {
    if (++asked < 3) throw notNow();
    return "done";
  };
  expect(await patiently(ask, Date.now() + 10_000)).toBe("done");
  expect(asked).toBe(3);
});

test("when the time is over, later is what there is to say", async () => {
  await expect(patiently(() => Promise.reject(notNow()), Date.now() - 1)).rejects.toMatchObject({ exit: exits.later });
});

test("a refusal is final", async () => {
  let asked = 0;
  const ask = async () => {
    asked++;
    throw new CommandEnd(exits.refused, "No.");
  };
  await expect(patiently(ask, Date.now() + 10_000)).rejects.toMatchObject({ exit: exits.refused });
  expect(asked).toBe(1);
});
