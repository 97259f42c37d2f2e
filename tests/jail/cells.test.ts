import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { processesOf, putBundle, runCell, startJailer, startRequest, type TestJailer } from "./jailer.ts";
import { document, type Membrane, openMembrane } from "./membrane.ts";

let jailer: TestJailer;
let membrane: Membrane | undefined;

beforeAll(async () => {
  jailer = await startJailer();
});
afterEach(() => membrane?.close());
afterAll(() => jailer.stop());

const run = (slot = 0) => ({ run: `${jailer.state}/run`, slot });

describe("a cell", () => {
  test("runs the bundle's main.py and its answer arrives", async () => {
    const { run: path, slot } = run();
    membrane = await openMembrane(path, slot, document({ fields: { order: "O1" } }));
    const main = "import silo\ndef run(task):\n    silo.complete('hello', order=task.fields['order'])\n";
    const exit = await runCell(jailer, startRequest(putBundle(jailer.state, { "main.py": main })));
    expect(exit).toMatchObject({ reason: "exited", code: 0 });
    expect(membrane.of("/v1/complete").map(({ body }) => body)).toEqual([{ text: "hello", fields: { order: "O1" } }]);
    expect(processesOf(jailer, slot)).toEqual([]);
  });
});
