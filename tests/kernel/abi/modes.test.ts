import { expect, test } from "vitest";
import { performs } from "../../../kernel/abi/modes.ts";

test("live reads and acts, shadow and try only read, a replay does neither", () => {
  const modes = ["live", "shadow", "try", "replay"] as const;
  const rows = modes.map((mode) => [mode, performs(mode, "read"), performs(mode, "write")]);
  expect(rows).toEqual([
    ["live", true, true],
    ["shadow", true, false],
    ["try", true, false],
    ["replay", false, false],
  ]);
});
