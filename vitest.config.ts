import { defineConfig } from "vitest/config";

/** Host tests make and enter the build root; all others run inside it. tests/run.ts starts both. */
export default defineConfig({
  cacheDir: "/tmp/silo-vitest",
  test: {
    projects: [
      { extends: true, test: { name: "host", include: ["tests/image/**/*.test.ts"] } },
      { extends: true, test: { name: "buildroot", include: ["tests/**/*.test.ts"], exclude: ["tests/image/**"] } },
    ],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
