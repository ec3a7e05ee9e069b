/** The SDK with parts that it seldom needs: loaded when they are needed, and as ever then. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageFile } from "../../src/package-root.js";
import { openBench } from "../support/engine.js";

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

function run(program: string, env = process.env): string {
  const file = join(place, "main.cjs");
  writeFileSync(file, program);
  return execFileSync(process.execPath, [file], { cwd: place, env, encoding: "utf8" });
}

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
  return JSON.parse(run(program));
}

test("what serialised functions need comes to the same, and is not loaded before", () => {
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

/** What a program finds in the Automation API that comes with the SDK, and whether it was there before it looked. */
function automation(deferral: string): { loaded: readonly boolean[]; found: unknown } {
  const program = `
    const deferred = require(${JSON.stringify(DEFERRED)});
    const back = ${deferral};
    const pulumi = require("@pulumi/pulumi");
    back();
    const loaded = () => Object.keys(require.cache).some((file) => /[\\\\/]automation[\\\\/]localWorkspace\\.js$/.test(file));
    const before = loaded();
    const { LocalWorkspace, ...others } = pulumi.automation;
    const found = [LocalWorkspace.name, Object.keys(others), Object.keys(pulumi.automation), "Stack" in pulumi.automation,
      "nothing" in pulumi.automation, typeof pulumi.automation.nothing, LocalWorkspace === require("@pulumi/pulumi/automation").LocalWorkspace];
    process.stdout.write(JSON.stringify({ loaded: [before, loaded()], found }));`;
  return JSON.parse(run(program));
}

test("the Automation API is the same for a program that looks into it", () => {
  const plain = automation("() => undefined");
  const late = automation("deferred.defer(deferred.AUTOMATION)");
  expect([plain.loaded, late.loaded]).toEqual([
    [true, true],
    [false, true],
  ]);
  expect(late.found).toEqual(plain.found);
  expect(late.found).toContain("LocalWorkspace");
});

/** What the SDK's tracing comes to when it is asked for. */
function tracing(deferral: string): { loaded: readonly boolean[]; span: unknown } {
  const program = `
    const deferred = require(${JSON.stringify(DEFERRED)});
    const back = ${deferral};
    const tracing = require("@pulumi/pulumi/cmd/run/tracing");
    back();
    const loaded = () => Object.keys(require.cache).some((file) => /[\\\\/]sdk-trace-node[\\\\/]/.test(file));
    const before = loaded();
    tracing.start("http://127.0.0.1:1/api/v1/spans");
    const span = tracing.newSpan("one");
    const { traceId, spanId } = span.spanContext();
    process.stdout.write(JSON.stringify({ loaded: [before, loaded()], span: [traceId.length, spanId.length, span.isRecording()] }), () => process.exit(0));`;
  return JSON.parse(run(program));
}

test("what sends traces does so when a trace is asked for", () => {
  const plain = tracing("() => undefined");
  const late = tracing("deferred.defer(deferred.TRACING)");
  expect([plain.loaded, late.loaded]).toEqual([
    [true, true],
    [false, true],
  ]);
  expect(late.span).toEqual([32, 16, true]);
  expect(plain.span).toEqual(late.span);
});

/** What an update comes to whose program runs in the process that drives it, and which follows the engine's events. */
function inline(deferral: string, stackName: string, env: NodeJS.ProcessEnv): { loaded: unknown; came: unknown } {
  const program = `
    const deferred = require(${JSON.stringify(DEFERRED)});
    const back = ${deferral};
    const { LocalWorkspace } = require("@pulumi/pulumi/automation/localWorkspace");
    require("@pulumi/pulumi/automation/stack");
    back();
    const loaded = () => [/[\\\\/]@grpc[\\\\/]grpc-js[\\\\/]/, /[\\\\/]tail-file[\\\\/]/].map((one) => Object.keys(require.cache).some((file) => one.test(file)));
    (async () => {
      const before = loaded();
      const program = async () => ({ said: "hello" });
      const stack = await LocalWorkspace.createStack({ stackName: ${JSON.stringify(stackName)}, projectName: "inline", program });
      const events = new Set();
      const { summary, outputs } = await stack.up({ onEvent: (event) => Object.keys(event).forEach((key) => events.add(key)) });
      const came = [summary.result, outputs.said.value, [...events].sort()];
      require("node:fs").writeSync(1, JSON.stringify({ loaded: [before, loaded()], came }));
      process.exit(0);
    })();`;
  return JSON.parse(run(program, env));
}

test("programs in the driving process, and its following of events, are as ever where they are asked for", async () => {
  const bench = await openBench();
  try {
    const plain = inline("() => undefined", "plain", bench.env);
    const late = inline("deferred.defer(deferred.TREE, deferred.TYPESCRIPT, deferred.INLINE)", "late", bench.env);
    expect([plain.loaded, late.loaded]).toEqual([
      [
        [true, true],
        [true, true],
      ],
      [
        [false, false],
        [true, true],
      ],
    ]);
    expect(late.came).toEqual(["succeeded", "hello", expect.arrayContaining(["resourcePreEvent", "summaryEvent"])]);
    expect(late.came).toEqual(plain.came);
  } finally {
    await bench.close();
  }
});
