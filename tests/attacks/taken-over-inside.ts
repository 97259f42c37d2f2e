/**
 * Child of taken-over.ts: a whole appliance in which one process runs another program, until its standard input ends.
 *
 * The launcher knows nothing of it: in this mount namespace the program's file lies over that of the process, so it is started as that
 * process is, with its user, its filter, its network and its credentials.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

const [, , , replaced, program] = process.argv;
const stand_in = "/run/program.ts";

writeFileSync(stand_in, `import ${JSON.stringify(program)};\n`, { mode: 0o644 });
execFileSync("mount", ["--bind", stand_in, `/opt/silo/${replaced}/main.ts`]);
await import("../appliance/world-inside.ts");
