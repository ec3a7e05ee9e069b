/**
 * The command line as it would run on another machine, or by another clock: HOSTNAME_OF_TEST is what the machine calls
 * itself, CLOCK_OF_TEST names a file that holds how many milliseconds its clock is ahead. Only this process is deceived;
 * its engines and operation hosts live by the real clock.
 */
import { readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { performance } from "node:perf_hooks";

const { HOSTNAME_OF_TEST: name, CLOCK_OF_TEST: file } = process.env;

if (name !== undefined) {
  os.hostname = () => name;
  syncBuiltinESMExports();
}

if (file !== undefined) {
  const now = Date.now;
  let read = Number.NEGATIVE_INFINITY;
  let ahead = 0;
  Date.now = () => {
    if (performance.now() - read > 20) {
      read = performance.now();
      ahead = Number(readFileSync(file, "utf8"));
    }
    return now() + ahead;
  };
  // evo looks at its clock at least every half minute, in case it was changed; here more often.
  const later = globalThis.setTimeout;
  globalThis.setTimeout = (work, delay, ...rest) => later(work, delay >= 20_000 ? 200 : delay, ...rest);
}

await import(new URL("../../dist/cli/main.js", import.meta.url).href);
