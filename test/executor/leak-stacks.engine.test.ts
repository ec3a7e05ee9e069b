/** Where the SDK's promises were made: noted when a report of leaks is asked for, and only then. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageFile } from "../../src/package-root.js";

const LEAK_STACKS = packageFile("dist", "executor", "language-host", "leak-stacks.cjs");
const SDK = packageFile("node_modules", "@pulumi", "pulumi");
let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "evo-leak-stacks-"));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

/** What a process with these variables says of a promise's note, and of a stack of its own afterwards. */
function note(env: { readonly [name: string]: string }): { promise: string; id: unknown; own: string } {
  const program = `
    require(${JSON.stringify(LEAK_STACKS)}).leaveEmpty(${JSON.stringify(SDK)});
    const { debuggablePromise } = require(${JSON.stringify(join(SDK, "runtime", "debuggable.js"))});
    const promise = Promise.resolve();
    debuggablePromise(promise, "here");
    console.log(JSON.stringify({ promise: promise._debugStackTrace, id: promise._debugId, own: new Error().stack }));`;
  return JSON.parse(execFileSync(process.execPath, ["-e", program], { cwd: place, env, encoding: "utf8" }));
}

test("are left out without it, and other stacks are whole", () => {
  const { promise, id, own } = note({});
  expect(promise).toBe("Error");
  expect(id).toBe(0);
  expect(own).toMatch(/\n {4}at /);
});

test("are there with it", () => {
  expect(note({ PULUMI_DEBUG_PROMISE_LEAKS: "1" }).promise).toMatch(/\n {4}at /);
});

test("an SDK without such notes stays as it is", () => {
  const program = `require(${JSON.stringify(LEAK_STACKS)}).leaveEmpty(${JSON.stringify(place)})`;
  expect(execFileSync(process.execPath, ["-e", program], { encoding: "utf8" })).toBe("");
});
