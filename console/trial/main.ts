/** `npm start`, inside the build root: a fresh world, the story, and then a running SiloOS until it is told to stop. */
import { parseArgs } from "node:util";
import { launch } from "../up/running.ts";
import { trial } from "./trial.ts";

const { values } = parseArgs({
  options: {
    state: { type: "string", default: "/" },
    once: { type: "boolean" },
    json: { type: "boolean" },
    port: { type: "string" },
  },
});

const status = await launch((stopped) =>
  trial({
    state: values.state,
    once: values.once === true,
    json: values.json === true,
    ...(values.port === undefined ? {} : { port: Number(values.port) }),
    stopped,
    write: (text) => process.stdout.write(text),
    note: (text) => process.stderr.write(text),
  }),
);

// A story that was stopped in the middle still waits for answers.
process.exit(status);
