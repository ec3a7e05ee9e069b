/**
 * A build of evo in which stale evidence counts: what an earlier run has recorded of a gate is believed, however old it
 * is. Only the rules of freshness are taken out (invariants 2 and 3); everything else is the product as it is.
 */
import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** In which file of the build, what, and what instead. */
const CHANGES: readonly (readonly [file: string, rule: string, instead: string])[] = [
  // Evidence is what this process has seen: begin with what the ledger remembers of other runs.
  [
    "run/evidence.js",
    "const evidence = {};",
    `const evidence = {};
    for await (const { body } of ledger.entries({ type: "gate.passed" })) {
      const tallies = body.targets.map(({ target, last, since, counts }) => {
        const streak = { passes: counts.pass, kept: [{ ...last, began: since, ended: since }, last] };
        return [target, { from: last.began, counts, consecutiveErrors: 0, last, since, streak, everConverged: true, flaps: 0 }];
      });
      evidence[body.gate] = { since: 0, tallies: Object.fromEntries(tallies), digests: {} };
    }`,
  ],
  // Evidence from before the update counts for nothing.
  ["run/gates.js", "evidence.since !== countsFrom(state, gate)", "false"],
  ["gates/assess.js", "seen !== undefined && seen.from >= since ? seen : undefined", "seen"],
  // A pass that nobody has seen lately is none.
  ["gates/assess.js", "isMet(tally.streak, policy) && isFresh(policy, tally, now)", "isMet(tally.streak, policy)"],
];

/** Makes the build in a new folder of `parent`, which has a `node_modules`; answers its command line. */
export function buildBelievingOldEvidence(parent: string): string {
  const folder = mkdtempSync(join(parent, "believing-"));
  for (const name of ["dist", "package.json"]) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  symlinkSync(join(ROOT, "src"), join(folder, "src"));
  for (const [file, rule, instead] of CHANGES) {
    const path = join(folder, "dist", file);
    const text = readFileSync(path, "utf8");
    if (text.split(rule).length !== 2) throw new Error(`${file} doesn't keep this rule here any more: ${rule}`);
    writeFileSync(path, text.replace(rule, instead));
  }
  return join(folder, "dist", "cli", "main.js");
}
