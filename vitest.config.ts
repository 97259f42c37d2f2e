import { defineConfig } from "vitest/config";

/** Make and enter the build root, or read what lies beside the checkout. */
const HOST = [
  "tests/image/**/*.test.ts",
  "tests/attacks/keys/wycheproof.test.ts",
  "tests/console/audit/vectors.test.ts",
];

/** Host tests run on the host, all others inside the build root. tests/run.ts starts both. */
export default defineConfig({
  cacheDir: "/tmp/silo-vitest",
  test: {
    projects: [
      { extends: true, test: { name: "host", include: HOST } },
      { extends: true, test: { name: "buildroot", include: ["tests/**/*.test.ts"], exclude: HOST } },
    ],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
