import { expect, test } from "vitest";
import { receiverNames } from "./receivers.ts";
import { sendThrough } from "./through.ts";

const EVENTS = 2000;
const PATIENCE_MS = 300_000;

test.each(receiverNames)(
  "%s has every entry in order, proven from its own file, though it and the exporter were killed",
  async (receiver) => {
    const came = await sendThrough(receiver, EVENTS, 4);
    expect(came).toMatchObject({ there: EVENTS, dropped: 0 });
  },
  PATIENCE_MS,
);
