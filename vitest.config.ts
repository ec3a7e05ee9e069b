import { defineConfig } from "vitest/config";
import LongestFirst from "./test/support/longest-first.js";

/** Real processes on a shared CI machine: one more try there, which vitest reports. Nowhere else. */
const RETRY = process.env.CI ? 1 : 0;

/** Files at once of those that wait for a server as much as they compute (by itself vitest leaves one core free). */
const SIDE_BY_SIDE = 4;

/**
 * Test tiers by suffix: `*.test.ts` pure and fast; `*.pg.test.ts` a real Postgres; `*.engine.test.ts` the real engine,
 * real processes and sockets (against `dist`, as users run it).
 */
export default defineConfig({
  resolve: { alias: { evo: new URL("./src/index.ts", import.meta.url).pathname } },
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: ["default", "./test/support/closing-line.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "fast",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.{pg,engine,proof}.test.ts", "test/fixtures/**"],
          // They touch nothing but their arguments: a process for each file would cost more than the tests.
          isolate: false,
          // Far beyond what any takes: a busy machine is no failure.
          testTimeout: 60_000,
          maxWorkers: SIDE_BY_SIDE,
        },
      },
      {
        extends: true,
        test: {
          name: "pg",
          include: ["test/**/*.pg.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: SIDE_BY_SIDE,
          retry: RETRY,
        },
      },
      {
        extends: true,
        test: {
          name: "engine",
          include: ["test/**/*.engine.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          // These wait for processes and gates more than they compute: two files at once fill two cores.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          retry: RETRY,
        },
      },
      {
        extends: true,
        test: {
          name: "proof",
          include: ["test/**/*.proof.test.ts"],
          testTimeout: 3_600_000,
          hookTimeout: 300_000,
          // A cell has seconds to come to its end: beside the rollouts it may find none of its gates in time.
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
          retry: RETRY,
        },
      },
    ],
  },
});
