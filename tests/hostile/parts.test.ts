/** No part of a cell's command is forgotten: each is a guard that is taken out, or says why no attack could show it. */
import { describe, expect, test } from "vitest";
import { isolations } from "../../jail/isolations.ts";
import { isolationNames, startRequest } from "../jail/jailer.ts";
import { guards, type Place } from "./guards.ts";
import { commandOf } from "./lowered.ts";
import { parts, partsOf } from "./parts.ts";

const places: Place[] = [...isolationNames, "sentry"];
const own = (part: string, starts: string) => part.startsWith(starts);

describe.each(isolationNames)("of a cell of %s", (isolation) => {
  const all = partsOf(isolations[isolation].command(startRequest("5".repeat(64), { isolation })));
  const table = parts[isolation];

  test("every part has a row, and every row a part", () => {
    expect(all.filter((part) => !table.some(({ starts }) => own(part, starts)))).toEqual([]);
    expect(table.filter(({ starts }) => !all.some((part) => own(part, starts)))).toEqual([]);
  });

  test("every row names a guard that is taken out in cells", () => {
    const named = table.flatMap((part) => ("guard" in part ? [[part.at ?? isolation, part.guard] as const] : []));
    expect(named.filter(([place, guard]) => guards[place][guard] === undefined)).toEqual([]);
  });

  test("a part that is new is noticed", () => {
    const command = isolations[isolation].command(startRequest("5".repeat(64), { isolation }));
    const last = command.argv.lastIndexOf("--");
    const more = partsOf({ ...command, argv: command.argv.toSpliced(last, 0, "--another") });
    expect(more.filter((part) => !table.some(({ starts }) => own(part, starts)))).not.toEqual([]);
  });
});

test.each(places.flatMap((place) => Object.keys(guards[place]).map((guard) => [place, guard] as const)))(
  "in %s, %s is taken out of the command",
  (place, guard) => {
    const command = commandOf(place, ["program", "filter"]);
    expect(guards[place][guard]?.takeOut(command)).not.toEqual(command);
  },
);
