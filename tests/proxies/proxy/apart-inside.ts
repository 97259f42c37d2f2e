/** The inner half of apart.ts: binds the folders, then becomes the command under the same process id. */
import { execFileSync } from "node:child_process";

const { binds, argv } = JSON.parse(process.argv[2] ?? "") as { binds: [string, string][]; argv: [string, ...string[]] };
for (const [source, target] of binds) execFileSync("mount", ["--bind", source, target]);
process.execve?.(argv[0], argv, process.env);
