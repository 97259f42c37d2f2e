/** Runs the Python tests of this folder with the interpreter of the cell's tree, the one agents run on. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

const TREE = "/usr/lib/silo/cell";
const PYTHON = `${TREE}/usr/bin/python3.13`;
const PRODUCT = `${import.meta.dirname}/../..`;

test("the sdk and the sample agents do what their Python tests claim", async () => {
  const child = spawn(PYTHON, ["-m", "unittest", "discover", "--verbose", "--start-directory", import.meta.dirname], {
    cwd: "/tmp",
    env: {
      LD_LIBRARY_PATH: `${TREE}/usr/lib/x86_64-linux-gnu`,
      PYTHONDONTWRITEBYTECODE: "1",
      PYTHONPATH: `${PRODUCT}/agents/sdk`,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [report, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  expect(code, report).toBe(0);
  expect(Number(/^Ran (\d+) tests/m.exec(report)?.[1])).toBeGreaterThan(20);
});
