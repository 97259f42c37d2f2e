/** Vitest as Stryker starts it: the tests of one target. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  cacheDir: "/tmp/silo-vitest-mutate",
  test: { include: (process.env["SILO_MUTATE_TESTS"] ?? "").split(","), testTimeout: 60_000 },
});
