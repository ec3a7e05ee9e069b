/** The SDK with what it needs for serialised functions only: loaded when a function is serialised, and as ever then. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageFile } from "../../src/package-root.js";

const DEFERRED = packageFile("dist", "executor", "language-host", "deferred.cjs");
let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "evo-deferred-"));
  mkdirSync(join(place, "node_modules", "@pulumi"), { recursive: true });
  symlinkSync(packageFile("node_modules", "@pulumi", "pulumi"), join(place, "node_modules", "@pulumi", "pulumi"));
  mkdirSync(join(place, "node_modules", "thing"));
  writeFileSync(join(place, "node_modules", "thing", "package.json"), '{ "name": "thing", "version": "1.0.0" }');
  const dependencies = { "@pulumi/pulumi": "*", thing: "1.0.0" };
  writeFileSync(join(place, "package.json"), JSON.stringify({ name: "one", version: "1.0.0", dependencies }));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

/** What a process says of the packages that have been loaded, and of a function with all that goes with it. */
function serialised(deferral: string): { loaded: readonly boolean[][]; text: string; paths: readonly string[] } {
  const program = `
    const deferred = require(${JSON.stringify(DEFERRED)});
    const back = ${deferral};
    const pulumi = require("@pulumi/pulumi");
    back();
    const loaded = () => [/[\\\\/]typescript[\\\\/]/, /[\\\\/]arborist[\\\\/]/].map((one) => Object.keys(require.cache).some((file) => one.test(file)));
    (async () => {
      const before = loaded();
      const { text } = await pulumi.runtime.serializeFunction((name) => "hello " + name);
      const paths = [...(await pulumi.runtime.computeCodePaths()).keys()].sort();
      require("node:fs").writeSync(1, JSON.stringify({ loaded: [before, loaded()], text, paths }));
      process.exit(0);
    })();`;
  const file = join(place, "main.cjs");
  writeFileSync(file, program);
  return JSON.parse(execFileSync(process.execPath, [file], { cwd: place, encoding: "utf8" }));
}

test("comes to the same, and is not loaded before", () => {
  const plain = serialised("() => undefined");
  const late = serialised("deferred.defer(deferred.TREE, deferred.TYPESCRIPT)");
  expect(plain.loaded).toEqual([
    [true, true],
    [true, true],
  ]);
  expect(late.loaded).toEqual([
    [false, false],
    [true, true],
  ]);
  expect(late.text).toContain("hello");
  expect(late.paths).toEqual([expect.stringContaining("thing")]);
  expect({ ...late, loaded: [] }).toEqual({ ...plain, loaded: [] });
});
