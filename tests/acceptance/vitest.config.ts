/** Claims about the image, one machine after the other: two processors hold no two of them. */
import { defineConfig } from "vitest/config";

const CLAIM_MS_MAX = 2_400_000;

export default defineConfig({
  cacheDir: "/tmp/silo-vitest-acceptance",
  test: {
    include: ["tests/acceptance/claims/*.claim.ts"],
    fileParallelism: false,
    pool: "forks",
    testTimeout: CLAIM_MS_MAX,
    hookTimeout: CLAIM_MS_MAX,
  },
});
