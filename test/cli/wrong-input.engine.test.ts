/** What an operator can get wrong, or find in the way: a clear error with place and remedy, and nothing half-done. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLedger } from "../../src/ledger/index.js";
import { COMPONENT, type Evo, openEvo } from "../support/evo.js";

let evo: Evo;
const STEP = `up("a", { dir: "../projects/a", stack: "dev" })`;
const PASSWORD = "hunter2-of-the-ledger";

beforeAll(async () => {
  evo = await openEvo();
  await evo.init(evo.project("a", COMPONENT), "dev");
  evo.project("b", COMPONENT);
  evo.sequence("good", `export default defineSequence({ name: "good", steps: [${STEP}] });`);
});
afterAll(() => evo.close());

interface Wrong {
  readonly what: string;
  /** Text of the sequence, from line 2 of its file on; without it `args` name one. */
  readonly text?: string;
  readonly args?: readonly string[];
  readonly env?: { readonly [name: string]: string | undefined };
  readonly exit: number;
  readonly code: string;
  /** Of `at`, as a person reads it. */
  readonly at?: RegExp;
  readonly message: RegExp;
  readonly remedy: RegExp;
}

const inSequence = (steps: string) => `export default defineSequence({ name: "wrong", steps: [\n${steps}\n] });`;

const TABLE: readonly Wrong[] = [
  {
    what: "unknown key",
    text: inSequence(`  up("a", { dir: "../projects/a", stack: "dev", convergdWhen: [] }),`),
    exit: 2,
    code: "sequence.unknown-key",
    at: /wrong\.ts:3:49$/,
    message: /Step "a" has an unknown key "convergdWhen"\. Did you mean "convergedWhen"\?/,
    remedy: /Use one of: .*convergedWhen/,
  },
  {
    what: "duplicate step",
    text: inSequence(`  ${STEP},\n  ${STEP},`),
    exit: 2,
    code: "sequence.duplicate-name",
    at: /wrong\.ts:4:6$/,
    message: /Step "a" has a name that an earlier step or group has/,
    remedy: /another name/,
  },
  {
    what: "missing stack folder",
    text: inSequence(`  up("a", { dir: "../projects/nowhere", stack: "dev" }),`),
    exit: 2,
    code: "sequence.missing-stack",
    at: /wrong\.ts:3:13$/,
    message: /"\.\.\/projects\/nowhere", and there is no Pulumi\.yaml in .*projects\/nowhere/,
    remedy: /relative to the sequence file/,
  },
  {
    what: "gate without a target",
    text: inSequence(
      `  up("a", { dir: "../projects/a", stack: "dev", convergedWhen: [\n    gate("g", { targets: [], probe: settled() }),\n  ] }),`,
    ),
    exit: 2,
    code: "sequence.gate-without-target",
    at: /wrong\.ts:4:17$/,
    message: /gate "g" › targets: expected at least one target/,
    remedy: /./,
  },
  {
    what: "syntax error",
    text: inSequence(`  up("a", { dir: "../projects/a" stack: "dev" }),`),
    exit: 2,
    code: "sequence.syntax",
    at: /wrong\.ts:3:34$/,
    message: /Syntax error: Unexpected token, expected ","/,
    remedy: /syntax/,
  },
  {
    what: "unknown sequence",
    args: ["up", "nobody"],
    exit: 2,
    code: "sequence.not-found",
    message: /no sequence "nobody": looked for sequences\/nobody\.\{ts,/,
    remedy: /Name a file, or one of: .*\bgood\b/,
  },
  {
    what: "missing stack",
    text: inSequence(`  ${STEP},\n  up("b", { dir: "../projects/b", stack: "dev" }),`),
    exit: 2,
    code: "stack.missing",
    at: /projects\/b\/Pulumi\.yaml$/,
    message: /step b: there is no stack \S+\/b\/dev in file:\/\//,
    remedy: /pulumi stack init dev/,
  },
  {
    what: "missing passphrase",
    args: ["up", "good"],
    env: { PULUMI_CONFIG_PASSPHRASE: undefined },
    exit: 2,
    code: "stack.no-passphrase",
    at: /projects\/a\/Pulumi\.yaml$/,
    message: /passphrase of stack \S+\/a\/dev is not set/,
    remedy: /PULUMI_CONFIG_PASSPHRASE_FILE/,
  },
  {
    what: "simulated providers in production (invariant 13)",
    args: ["up", "good"],
    env: { PULUMI_DEBUG_PROVIDERS: "aws:12345" },
    exit: 2,
    code: "environment.debug-providers",
    message: /PULUMI_DEBUG_PROVIDERS is set/,
    remedy: /unset PULUMI_DEBUG_PROVIDERS/,
  },
  {
    what: "an embedded ledger in CI",
    args: ["up", "good"],
    env: { CI: "true" },
    exit: 2,
    code: "ledger.ephemeral",
    message: /would die with the machine/,
    remedy: /EVO_LEDGER_URL/,
  },
  { what: "unknown option", args: ["up", "good", "--wat"], exit: 2, code: "usage", message: /--wat/, remedy: /--help/ },
  { what: "missing argument", args: ["up"], exit: 2, code: "usage", message: /sequence/, remedy: /--help/ },
  {
    what: "a number that is none",
    args: ["up", "good", "--parallel", "many"],
    exit: 2,
    code: "usage",
    message: /--parallel takes a whole number of at least 1, not many/,
    remedy: /./,
  },
  {
    what: "an option that goes with another",
    args: ["up", "good", "--fresh"],
    exit: 2,
    code: "usage",
    message: /--fresh goes with --rehearse/,
    remedy: /--rehearse/,
  },
];

describe("wrong input", () => {
  it.each(TABLE)("$what", async ({ text, args = ["up", "wrong"], env = {}, exit, code, at, message, remedy }) => {
    if (text !== undefined) evo.sequence("wrong", text);
    const [plain, json, lines] = await Promise.all([
      evo.run(args, { env }),
      evo.run([...args, "--json"], { env }),
      evo.run([...args, "--output", "ndjson"], { env }),
    ]);
    expect([plain.code, json.code, lines.code], plain.stderr).toEqual([exit, exit, exit]);
    expect(plain.stdout).toBe("");
    expect(plain.stderr).toMatch(message);
    expect(plain.stderr).toMatch(remedy);
    if (at !== undefined)
      expect(plain.stderr.replaceAll("\n", "\n\n")).toMatch(new RegExp(`^ {2}at .*${at.source}`, "m"));
    expect(plain.stderr).not.toMatch(/\n\s+at .*\.js:\d+/);
    const { error } = JSON.parse(json.stdout);
    expect(error).toMatchObject({
      exit,
      message: expect.stringMatching(message),
      remedy: expect.stringMatching(remedy),
    });
    expect([error.code, ...(error.problems ?? []).map((one: { code: string }) => one.code)]).toContain(code);
    expect(JSON.parse(lines.stdout)).toEqual({ kind: "error", error });
  });

  it("says every problem at once, each with its place", async () => {
    evo.sequence(
      "wrong",
      inSequence(
        `  up("a", { dir: "../projects/nowhere", stak: "dev" }),\n  up("a", { dir: "../projects/a", stack: 1 }),`,
      ),
    );
    const { code, stderr } = await evo.run(["up", "wrong"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/wrong\.ts:3:\d+: .*stak/);
    expect(stderr).toMatch(/wrong\.ts:4:\d+: .*stack/);
  });

  it("an unreachable ledger: exit 9, nothing is started, the password is not shown", async () => {
    const closed = await closedPort();
    const env = { EVO_LEDGER_URL: `postgres://operator:${PASSWORD}@127.0.0.1:${closed}/evo` };
    const answers = await Promise.all([
      evo.run(["up", "good"], { env }),
      evo.run(["up", "good", "--json"], { env }),
      evo.run(["runs", "--json"], { env }),
      evo.run(["runs"], { env: { EVO_LEDGER_URL: `postgre://operator:${PASSWORD}@[` } }),
    ]);
    for (const { code, stdout, stderr } of answers) {
      expect(code, stderr).toBe(9);
      expect(stdout + stderr).not.toContain(PASSWORD);
      expect(stderr).toContain("[ledger.unavailable]");
    }
    expect(answers[0]?.stderr).toContain(`operator@127.0.0.1:${closed}/evo`);
    expect(JSON.parse(answers[1]?.stdout ?? "").error).toMatchObject({ code: "ledger.unavailable", exit: 9 });
  });

  it("has left nothing half-done: no run, no lease, no lock, no operation", async () => {
    const { stdout } = await evo.run(["ledger", "log", "--json"]);
    expect(JSON.parse(stdout)).toEqual([]);
    expect(await leases()).toEqual([]);
    expect(existsSync(join(evo.home, "operations"))).toBe(false);
    expect(locks()).toEqual([]);
  });
});

describe("a stack that the engine finds locked", () => {
  it("by a plain `pulumi up` in mid-update: exit 6, who holds it and since when, and a resume when it is free", async () => {
    const project = evo.switchProject("s");
    await evo.init(project, "dev");
    evo.sequence(
      "locked",
      `export default defineSequence({ name: "locked", steps: [up("s", { dir: "../projects/s", stack: "dev" })] });`,
    );
    const gate = join(evo.directory, "go-on");
    const effects = join(evo.directory, "effects");
    const plain = evo.bench.pulumi(project, ["up", "--yes", "--skip-preview", "--stack", "dev"], {
      GATE: gate,
      EFFECTS: effects,
    });
    while (!existsSync(effects)) await new Promise((resolve) => setTimeout(resolve, 20));
    const { code, stdout, stderr } = await evo.run(["up", "locked"], { env: { EFFECTS: effects } });
    writeFileSync(gate, "");
    expect((await plain).code).toBe(0);
    expect(code, stderr).toBe(6);
    expect(stdout).toMatch(/halted \(stack-locked\) at s: the stack is locked by \S+ on \S+ \(pid \d+\) since \d{4}-/);
    expect(stdout).toMatch(/evo resume locked-\w+/);
    expect(await leases()).toEqual([]);
    expect(locks()).toEqual([]);
    const resumed = await evo.run(["resume", "--reason", "the other update is through", "--json"], {
      env: { EFFECTS: effects },
    });
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(JSON.parse(resumed.stdout)).toMatchObject({
      status: "completed",
      steps: [{ attempts: 2, status: "converged" }],
    });
  });
});

async function leases() {
  const ledger = await openLedger({ home: evo.home, claimed: "test", say: () => undefined });
  try {
    return await ledger.leases();
  } finally {
    await ledger.close();
  }
}

/** Lock files of the file backend. */
function locks(): readonly string[] {
  const folder = join(evo.directory, "backend", ".pulumi", "locks");
  return existsSync(folder)
    ? readdirSync(folder, { recursive: true })
        .map(String)
        .filter((name) => name.endsWith(".json"))
    : [];
}

/** A port on which nobody listens: one that was just free. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
