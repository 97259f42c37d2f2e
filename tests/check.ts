/** `npm run check`: types, lint and format, unused code, and the import rules of the privilege domains. */
import { spawnSync } from "node:child_process";

const CHECKS: readonly { name: string; argv: readonly string[] }[] = [
  { name: "types", argv: ["node_modules/typescript/bin/tsc", "--noEmit", "-p", "."] },
  { name: "lint and format", argv: ["node_modules/@biomejs/biome/bin/biome", "check", "."] },
  { name: "unused code", argv: ["node_modules/knip/bin/knip.js", "--no-progress"] },
  {
    name: "import rules",
    argv: [
      "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs",
      "--config",
      ".dependency-cruiser.mjs",
      "kernel",
      "proxies",
      "jail",
      "nftables",
      "console",
      "image",
      "tests",
    ],
  },
];

let failed = 0;
for (const { name, argv } of CHECKS) {
  const { status } = spawnSync(process.execPath, argv, { stdio: ["ignore", "inherit", "inherit"] });
  console.log(`${status === 0 ? "ok  " : "FAIL"} ${name}`);
  if (status !== 0) failed++;
}
process.exitCode = failed === 0 ? 0 : 1;
