/** What is seen where nobody sits at a terminal: in a pipe, in a file, in CI, on GitHub; and the reports. */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Report } from "../../src/views/report-schema.js";
import { COMPONENT, type Evo, openEvo } from "../support/evo.js";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const SCHEMA = JSON.parse(readFileSync(new URL("../../docs/report.schema.json", import.meta.url), "utf8"));
const conforms = new Ajv2020({ formats: { "date-time": (text: string) => !Number.isNaN(Date.parse(text)) } }).compile(
  SCHEMA,
);

/** Says what a runner would obey, and fails. */
const BROKEN = `require("@pulumi/pulumi")
  .log.error("boom\\n::error::injected\\n x ##[add-mask]y")
  .then(() => process.exit(32));`;

let evo: Evo;
let github: { readonly [name: string]: string };
beforeAll(async () => {
  evo = await openEvo();
  for (const name of ["a", "b"]) await evo.init(evo.project(name, COMPONENT), "dev");
  await evo.init(evo.project("broken", BROKEN), "dev");
  github = {
    GITHUB_ACTIONS: "true",
    GITHUB_WORKSPACE: evo.directory,
    GITHUB_STEP_SUMMARY: join(evo.directory, "summary.md"),
  };
});
afterAll(() => evo.close());

const at = (name: string): string => join(evo.directory, name);
const text = (name: string): string => readFileSync(at(name), "utf8");

function report(name: string): Report {
  const read = JSON.parse(text(name));
  expect(conforms(read), JSON.stringify(conforms.errors)).toBe(true);
  return read;
}

/** What a runner would obey: commands at a line's beginning, and the older ones anywhere. */
function commands(printed: string): readonly string[] {
  return printed.split(/\r\n|\r|\n/).flatMap((line) => line.match(/^\s*::[a-z-]+|##\[[a-z-]+/)?.[0].trim() ?? []);
}

/** Every line has its time in UTC before it, or goes on below such a line. */
const LOGGED = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}\S| {22})/;

const two = (name: string, gate: string) => `export default defineSequence({
  name: "${name}",
  owner: "team-access",
  steps: [
    up("a", {
      dir: "../projects/a",
      stack: "dev",
      convergedWhen: [gate("arrived", { targets: ["here"], interval: "200ms", ${gate} })],
    }),
    up("b", { dir: "../projects/b", stack: "dev" }),
  ],
});`;

/** Inconclusive, with a command for a runner in what it says, until the file is there. */
const untilThere = (file: string) =>
  `probe: command(["sh", "-c", ${JSON.stringify(`test -e ${file} || { echo '::error::from a gate'; exit 75; }`)}])`;

describe("GITHUB_ACTIONS=true", () => {
  it("folds details away behind one line for each thing, writes reports and the summary, and keeps stdout clean", async () => {
    evo.sequence("release", two("release", `${untilThere(at("go"))}, timeout: "5m"`));
    const files = ["--report-file", "a.json", "--report-file", "b.md"];
    const running = evo.start(["up", "release", "--json", ...files], { env: github });
    await running.until(/a\/arrived {2}here {2}inconclusive: .*from a gate/);
    writeFileSync(at("go"), "");
    const { code, stdout, stderr } = await running.ended;
    expect(code, stderr).toBe(0);

    // Groups, one behind the other, and nothing else that a runner obeys.
    expect(stderr).toContain("::error::from a gate");
    const seen = commands(stderr);
    expect(seen.length).toBeGreaterThan(4);
    expect(seen).toEqual(seen.map((_, place) => (place % 2 === 0 ? "::group::" : "::endgroup::").slice(0, -2)));
    expect(stderr).toMatch(
      /^::group::\S+Z {2}a: updated, 2 created, .*\ncreate {2}urn:pulumi:dev::a::[\s\S]*?\n::endgroup::$/m,
    );
    expect(stderr).toMatch(/^::group::\S+Z {2}a\/arrived: passed \(here\)\nhere {2}/m);

    // One document on stdout; the same facts in the reports, which end where the ledger does.
    expect(commands(stdout)).toEqual([]);
    const view = JSON.parse(stdout);
    const made = report("a.json");
    expect(made).toMatchObject({ run: view.run, sequence: { name: "release" }, status: "completed", exit: 0 });
    expect(made.steps.map(({ step, status }) => [step, status])).toEqual([
      ["a", "converged"],
      ["b", "converged"],
    ]);
    expect(made.gates).toMatchObject([{ gate: "a/arrived", status: "passed", targets: [{ verdict: "pass" }] }]);
    expect(made.by.claimed).toBe("operator@test");
    const entry = JSON.parse((await evo.run(["ledger", "show", String(made.ledger.number), "--json"])).stdout);
    expect(entry).toMatchObject({ type: "run.completed", run: view.run, hash: made.ledger.hash });

    expect(text("b.md")).toMatch(/^## release: completed in /);
    expect(text("summary.md")).toBe(`${text("b.md")}\n`);
    expect(readdirSync(evo.directory).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("annotates a failed operation at its step, once; what the program said is no command", async () => {
    evo.sequence(
      "failing",
      `export default defineSequence({ name: "failing", steps: [\n  up("broken", { dir: "../projects/broken", stack: "dev" }),\n] });`,
    );
    const { code, stdout, stderr } = await evo.run(["up", "failing", "--report-file", "failed.json"], { env: github });
    expect(code, stderr).toBe(1);
    const notes = stderr.split("\n").filter((line) => line.startsWith("::error"));
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(
      /^::error file=sequences\/failing\.ts,line=3,col=\d+,title=failing%3A broken failed::broken: failed: .*boom%0A/,
    );
    expect(stdout + stderr).toContain("injected");
    expect(commands(stdout)).toEqual([]);
    expect(commands(stderr).filter((one) => one !== "::group" && one !== "::endgroup")).toEqual(["::error"]);
    expect(report("failed.json")).toMatchObject({
      status: "halted",
      exit: 1,
      halt: { cause: "operation-failed", node: "broken" },
    });
    expect(text("summary.md")).toMatch(/## release: completed in [\s\S]*## failing: halted after /);
  });

  it("annotates what is wrong with a sequence where it stands", async () => {
    evo.sequence(
      "wrong",
      `export default defineSequence({ name: "wrong", steps: [\n  up("a", { dir: "../projects/nowhere", stack: "dev" }),\n] });`,
    );
    const { code, stderr } = await evo.run(["validate", "wrong"], { env: github });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^::error file=sequences\/wrong\.ts,line=3,col=\d+,title=evo%3A sequence\.missing-stack::/m);
  });
});

describe("CI=true", () => {
  it("holds, says so, and accounts for itself when it is interrupted; a summary that can't be written fails nothing", async () => {
    const later = `${untilThere(at("later"))}, timeout: "400ms", onTimeout: "hold"`;
    evo.sequence("held", two("held", later));
    const env = { ...github, CI: "true", GITHUB_STEP_SUMMARY: at("nowhere/summary.md") };
    const args = ["up", "held", "--ephemeral-ledger", "--report-file", "held.json"];
    const running = evo.start(args, { env });
    await running.until(/a: held: nothing goes on behind it before a\/arrived passes/);
    running.signal("SIGTERM");
    const { code, stderr } = await running.ended;
    expect(code, stderr).toBe(3);
    expect(stderr).toMatch(
      /^::warning file=sequences\/held\.ts,line=6,col=\d+,title=held%3A a is held by a\/arrived::/m,
    );
    expect(stderr).toMatch(/^::notice file=sequences\/held\.ts.*title=held paused::paused: SIGTERM/m);
    expect(stderr).toMatch(/warning: the step's summary could not be written: ENOENT/);
    const made = report("held.json");
    expect(made).toMatchObject({
      status: "paused",
      exit: 3,
      missing: [{ gate: "arrived", target: "here", verdict: "inconclusive" }],
    });
    expect(made.gates).toMatchObject([{ status: "timed-out" }]);
    expect(made.next).toContain(`evo resume ${made.run}`);
  });

  it("and NO_COLOR=1, into a file: a log that reads from top to bottom, without a sign for terminals", async () => {
    evo.sequence("logged", two("logged", `probe: command(["true"])`));
    const log = openSync(at("log"), "w");
    const env = { ...evo.env, CI: "true", NO_COLOR: "1" };
    const args = [MAIN, "up", "logged", "--ephemeral-ledger"];
    const child = spawn(process.execPath, args, { cwd: evo.directory, env, stdio: ["ignore", log, log] });
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
    closeSync(log);
    const [lines = "", outcome = ""] = text("log").split(/\n\n(?=logged-\w+ {2}completed)/);
    expect(lines.split("\n").filter((line) => !LOGGED.test(line))).toEqual([]);
    expect(lines).toMatch(
      /Z {2}a: updated, [\s\S]*Z {2}a: converged\n\S+Z {2}b: up, previewing[\s\S]*Z {2}completed: /,
    );
    expect(outcome).toMatch(/^a +converged/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is the point.
    expect(text("log")).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  });
});

describe.skipIf(spawnSync("script", ["-V"]).status !== 0)("TERM=dumb", () => {
  it("on a terminal: lines by its clock, no tree and no sign for a terminal; a resumed run's report has all of it", async () => {
    writeFileSync(at("later"), "");
    const line = `'${process.execPath}' '${MAIN}' resume ${report("held.json").run} --reason 'it is there' --report-file resumed.json`;
    const env = { ...evo.env, TERM: "dumb" };
    const child = spawn("script", ["-qec", line, "/dev/null"], {
      cwd: evo.directory,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let seen = "";
    child.stdout.setEncoding("utf8").on("data", (some: string) => {
      seen += some;
    });
    expect(await new Promise((resolve) => child.once("close", resolve)), seen).toBe(0);
    expect(seen).toMatch(/^\d\d:\d\d:\d\d {2}resumed: it is there\r$/m);
    expect(seen).toMatch(/^\d\d:\d\d:\d\d {2}completed: every boundary has converged\r$/m);
    expect(seen).not.toContain("\x1b");
    const made = report("resumed.json");
    expect(made).toMatchObject({ run: report("held.json").run, status: "completed", exit: 0 });
    expect(made.steps.map(({ step, attempts }) => [step, attempts.length])).toEqual([
      ["a", 1],
      ["b", 1],
    ]);
  });
});

describe("--report-file", () => {
  it("is refused before anything runs where it could not be written, exit 2", async () => {
    const before = JSON.parse((await evo.run(["runs", "--json"])).stdout).length;
    for (const [file, message] of [
      [
        "report.txt",
        /--report-file: .*report\.txt: a report is JSON or Markdown {2}\[usage\]\n {2}→ end its name with \.json or \.md/,
      ],
      ["missing/report.md", /--report-file: the report .*missing\/report\.md can't be written: ENOENT/],
    ] as const) {
      const { code, stderr } = await evo.run(["up", "release", "--report-file", file]);
      expect(code).toBe(2);
      expect(stderr).toMatch(message);
    }
    expect(JSON.parse((await evo.run(["runs", "--json"])).stdout)).toHaveLength(before);
  });

  it("has a schema, which evo prints", async () => {
    expect(JSON.parse((await evo.run(["schema", "--report"])).stdout)).toEqual(SCHEMA);
  });
});
