import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findGo } from "../../src/executor/engine/build.js";
import {
  doctorFacts,
  type EngineSettings,
  findEngine,
  MIN_ENGINE,
  OWN_ENGINE,
} from "../../src/executor/engine/index.js";
import { packageFile } from "../../src/package-root.js";

let directory: string;
let said: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evo-engine-"));
  said = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** An executable that answers `version`. */
function cli(path: string, answer: string): string {
  const file = join(directory, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho "${answer}"\n`);
  chmodSync(file, 0o755);
  return file;
}

function settings(more: Partial<EngineSettings> = {}): EngineSettings {
  const say = (line: string) => void said.push(line);
  return {
    home: join(directory, "home"),
    path: join(directory, "bin"),
    env: process.env,
    install: false,
    say,
    ...more,
  };
}

describe("findEngine", () => {
  test("the named one comes first, and is asked for its version", async () => {
    cli("bin/pulumi", "v3.999.0");
    const named = cli("mine/pulumi", "v3.201.0");
    expect(await findEngine(settings({ explicit: named }))).toEqual({
      path: named,
      version: "3.201.0",
      how: "explicit",
    });
    expect(said).toEqual([`engine: ${named}, version 3.201.0 (as named by --engine or EVO_PULUMI)`]);
  });

  test.each([
    ["v3.1.0", "is older than"],
    ["no idea", "answers `version` with no version"],
  ])("a named one that answers %s is refused, whatever else there is", async (answer, reason) => {
    cli("bin/pulumi", "v3.999.0");
    const named = cli("mine/pulumi", answer);
    const refusal = { code: "engine.unusable", message: expect.stringContaining(reason), exit: 2 };
    await expect(findEngine(settings({ explicit: named }))).rejects.toMatchObject(refusal);
  });

  test("a named one that isn't there", async () => {
    const refusal = { code: "engine.unusable", message: expect.stringContaining("no such file") };
    await expect(findEngine(settings({ explicit: join(directory, "gone") }))).rejects.toMatchObject(refusal);
  });

  test("one on the PATH, if it is new enough, else evo's own copy", async () => {
    const own = cli(`home/engines/${OWN_ENGINE}/bin/pulumi`, `v${OWN_ENGINE}`);
    const onPath = cli("bin/pulumi", `v${MIN_ENGINE}`);
    expect(await findEngine(settings())).toEqual({ path: onPath, version: MIN_ENGINE, how: "path" });
    cli("bin/pulumi", "v3.100.0");
    expect(await findEngine(settings())).toEqual({ path: own, version: OWN_ENGINE, how: "cached" });
    expect(said).toContain(`engine: pulumi on the PATH: ${onPath}: version 3.100.0 is older than ${MIN_ENGINE}`);
  });

  test("none, and nothing may be installed", async () => {
    const refusal = { code: "engine.missing", remedy: expect.stringContaining("EVO_PULUMI") };
    await expect(findEngine(settings())).rejects.toMatchObject(refusal);
    expect(said).toHaveLength(2);
  });
});

describe("the Go build", () => {
  test("pins the version that evo calls its own", () => {
    const module = readFileSync(packageFile("src", "executor", "engine-build", "go.mod"), "utf8");
    expect(module).toContain(`github.com/pulumi/pulumi/pkg/v3 v${OWN_ENGINE}\n`);
    expect(module).not.toMatch(/^toolchain/m);
  });

  test.each([
    ["go1.22.1", { ok: false, reason: expect.stringContaining("or newer is needed") }],
    ["go1.24", { ok: true, version: "1.24" }],
    ["go1.26.8", { ok: true, version: "1.26.8" }],
  ])("with %s", async (answer, go) => {
    cli("bin/go", answer);
    expect(await findGo(join(directory, "bin"), process.env)).toMatchObject(go);
  });

  test("without go", async () => {
    expect(await findGo(directory, process.env)).toEqual({ ok: false, reason: "there is no go on the PATH" });
  });
});

describe("doctorFacts", () => {
  test("every fact has a name, a finding and, where something is amiss, a remedy; nothing is made", async () => {
    const facts = await doctorFacts(settings({ install: true }));
    expect(facts.map(({ name }) => name)).toEqual([
      "Node",
      "Engine",
      "Language host",
      "Go",
      "Git",
      "Postgres",
      "EVO_HOME",
      "Disk",
    ]);
    for (const fact of facts) expect(fact.status === "ok" || fact.remedy !== undefined, fact.name).toBe(true);
    expect(facts[1]).toMatchObject({ status: "warning", found: expect.stringContaining("none in") });
    expect(readdirSync(directory)).toEqual([]);
  });

  test("a named engine that doesn't serve is no mere warning", async () => {
    const facts = await doctorFacts(settings({ explicit: cli("old", "v3.1.0") }));
    expect(facts[1]).toMatchObject({ status: "missing", remedy: expect.stringContaining(MIN_ENGINE) });
  });
});
