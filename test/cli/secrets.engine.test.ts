/**
 * Canary secrets (invariant 11): they go through config, outputs, the environment, headers, answers, messages and the
 * ledger's address, in runs that pass, fail and err, and must be found nowhere afterwards, in no encoding.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CliResult } from "../support/engine.js";
import { type Evo, openEvo } from "../support/evo.js";
import { localPostgres, query, type TestDatabase, type TestServer, testServer } from "../support/postgres.js";

/** What no text may hold: a part of its canary that survives when masking misses the rest of it. */
const core = (name: string) => `CANARY${name}8f3a71`;
/** Hard to mask: quotes, a backslash, characters beyond ASCII, signs that URLs and HTML encode. */
const canary = (name: string) => `"${core(name)}\\ü€&<%>'`;
/** HTTP headers carry ASCII only. */
const headerCanary = (name: string) => `${core(name)}'%+/`;

const CANARIES = {
  config: canary("config"),
  stepConfig: canary("stepConfig"),
  output: headerCanary("output"),
  environment: canary("environment"),
  bearer: headerCanary("bearer"),
  body: canary("body"),
  password: canary("password"),
} as const;

/** Reversed, so that the project's own files don't hold it. */
const backwards = (text: string) => JSON.stringify([...text].reverse().join(""));

const PROGRAM = `const pulumi = require("@pulumi/pulumi");
const config = new pulumi.Config();
const made = pulumi.secret([...${backwards(CANARIES.output)}].reverse().join(""));
const forms = (text) => [text, JSON.stringify(text), JSON.stringify(JSON.stringify(text)), ...["", "x", "xy"].map((before) => Buffer.from(before + text).toString("base64"))];
const say = (text) => {
  for (const form of forms(text)) {
    console.log("printed", form);
    console.error("cried", form);
    pulumi.log.warn("warned of " + form);
  }
};
say(process.env.SERVICE_TOKEN);
const secrets = ["token", "api"].map((key) => config.require(key));
config.requireSecret("token").apply(say);
config.requireSecret("api").apply(say);
if (process.env.MODE === "error") pulumi.log.error("it fails with " + [...secrets, process.env.SERVICE_TOKEN].flatMap(forms).join(" and ")).then(() => process.exit(32));
exports.made = made;
exports.nested = { deep: [made] };
`;

let evo: Evo;
let postgres: TestServer;
let database: TestDatabase;
let server: Server;
let env: { readonly [name: string]: string };
const heard: string[] = [];
const said: CliResult[] = [];

beforeAll(async () => {
  evo = await openEvo();
  // The local server, where there is one, has a pg_dump beside it.
  postgres = await testServer(localPostgres);
  database = await postgres.fresh();
  const url = await loginWithPassword(database);
  server = createServer((request, response) => {
    const { authorization, "x-key": key } = request.headers;
    heard.push(`${authorization} ${key}`);
    const state = request.url === "/bad" ? CANARIES.body : "ready";
    response.writeHead(200, { "content-type": "application/json", "x-echo": String(authorization) });
    response.end(JSON.stringify({ state, echo: authorization, key, [CANARIES.body]: { also: CANARIES.body } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  env = {
    EVO_LEDGER_URL: url,
    SERVICE_TOKEN: CANARIES.environment,
    GATE_BEARER: CANARIES.bearer,
    FOR_THE_STEP: CANARIES.stepConfig,
  };
  const project = evo.project("s", PROGRAM);
  await evo.init(project, "dev");
  await evo.bench.pulumi(project, ["config", "set", "--secret", "token", CANARIES.config, "--stack", "dev"]);
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await evo.close();
  await postgres.close();
});

/** A role of the operator's own, whose password is a canary. */
async function loginWithPassword({ superuser, writer }: TestDatabase): Promise<string> {
  await query(superuser, `create role canary_login login password '${CANARIES.password.replaceAll("'", "''")}'`);
  await query(superuser, "grant evo_writer to canary_login");
  const url = new URL(writer.replace("@/", "@localhost/"));
  const secret = encodeURIComponent(CANARIES.password).replaceAll("'", "%27");
  return `postgres://canary_login:${secret}@${writer.includes("@/") ? "" : url.host}${url.pathname}${url.search}`;
}

function sequence(name: string, path: string): void {
  const { port } = server.address() as { port: number };
  evo.sequence(
    name,
    `const answers = gate("answers", {
  targets: ["server"],
  probe: http({
    url: "http://127.0.0.1:${port}${path}",
    headers: { authorization: text\`Bearer \${env("GATE_BEARER")}\`, "x-key": output("s", "made") },
    expect: { headers: { "x-echo": { matches: "^Bearer " } }, json: [{ path: "state", equals: "ready" }, { path: "nowhere", exists: false }] },
  }),
  interval: "100ms",
  failureLimit: 1,
});
const says = gate("says", { targets: ["shell"], dryRun: true, interval: "100ms", failureLimit: 1,
  probe: command(["sh", "-c", "echo $SERVICE_TOKEN $STEP; echo no: $SERVICE_TOKEN >&2; exit 1"], { env: { STEP: env("FOR_THE_STEP") } }) });
const made = gate("made", { targets: ["output"], dryRun: true, interval: "100ms", failureLimit: 1, probe: stackOutput({ path: "nested.deep[0]", equals: "other" }) });
export default defineSequence({ name: "${name}", steps: [
  up("s", { dir: "../projects/s", stack: "dev", secretConfig: { api: env("FOR_THE_STEP") }, convergedWhen: [says, made, answers] }),
] });`,
  );
}

async function evoSays(args: readonly string[], more: { readonly [name: string]: string } = {}): Promise<CliResult> {
  const result = await evo.run(args, { env: { ...env, ...more } });
  said.push(result);
  return result;
}

describe("runs with secrets everywhere", () => {
  it("pass", async () => {
    sequence("passes", "/good");
    const { code, stderr, stdout } = await evoSays(["up", "passes", "--output", "ndjson"]);
    expect(code, stderr + stdout).toBe(0);
  });
  it("fail at a gate", async () => {
    sequence("fails", "/bad");
    const { code, stderr } = await evoSays(["up", "fails", "--json"]);
    expect(code, stderr).toBe(4);
  });
  it("err in their program", async () => {
    sequence("errs", "/good");
    const { code, stderr } = await evoSays(["up", "errs"], { MODE: "error" });
    expect(code, stderr).toBe(1);
    expect(stderr).toContain("it fails with");
  });
  it("are looked at afterwards", async () => {
    for (const args of [
      ["status"],
      ["status", "--json"],
      ["runs", "--json"],
      ["ledger", "log"],
      ["ledger", "log", "--json"],
      ["audit"],
      ["audit", "--json"],
      ["audit", "--since", "1h", "--json"],
      ["audit", "--output", "projects/audit.html"],
      ["history", "s/dev", "--json"],
      ["ledger", "why", "s"],
      ["ledger", "why", "s", "--forward", "--json"],
      ["ledger", "verify", "--json"],
      ["ledger", "checkpoint"],
      ["ledger", "export", join(evo.directory, "export.jsonl")],
    ])
      expect((await evoSays(args)).code).toBe(0);
    const wrong = await evoSays(["runs"], {
      EVO_LEDGER_URL: env.EVO_LEDGER_URL?.replace("canary_login", "nobody") ?? "",
    });
    expect(wrong.code).toBe(9);
  });
});

/** Texts that would give a canary away: as it is, in hex, and in base64 at each of its three alignments. */
function tellTales(name: string): readonly string[] {
  const bytes = Buffer.from(core(name));
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
  });
  return [core(name), bytes.toString("hex"), ...base64];
}

/** Where a text gives a canary away, and which. */
function found(where: string, text: string): readonly string[] {
  return Object.keys(CANARIES).flatMap((name) =>
    tellTales(name).some((tale) => text.includes(tale)) ? [`${name} in ${where}`] : [],
  );
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function foundBelow(folder: string): readonly string[] {
  return filesBelow(folder).flatMap((file) =>
    statSync(file).size > 50e6 ? [] : found(file, readFileSync(file, "latin1")),
  );
}

describe("no canary is found", () => {
  it("though all of them were really used, and masked", () => {
    expect(heard.some((line) => line.includes(CANARIES.bearer) && line.includes(CANARIES.output))).toBe(true);
    expect(said.map(({ stdout, stderr }) => stdout + stderr).join("")).toContain("[secret]");
  });
  it("in anything that evo printed", () => {
    expect(
      said.flatMap(({ stdout, stderr }, at) => [...found(`stdout ${at}`, stdout), ...found(`stderr ${at}`, stderr)]),
    ).toEqual([]);
  });
  it("in the ledger's tables", async () => {
    const tables = await query<{ name: string }>(
      database.superuser,
      "select tablename as name from pg_tables where schemaname = 'evo'",
    );
    expect(tables.length).toBeGreaterThan(5);
    for (const { name } of tables) {
      const rows = await query<{ text: string }>(database.superuser, `select t::text as text from evo.${name} as t`);
      expect(rows.flatMap(({ text }) => found(`evo.${name}`, text))).toEqual([]);
    }
    const [{ count } = { count: "0" }] = await query<{ count: string }>(
      database.superuser,
      "select count(*) from evo.entries where text like '%[secret]%'",
    );
    expect(Number(count)).toBeGreaterThan(0);
  });
  it("in an export, which carries entries and raw looks", () => {
    const text = readFileSync(join(evo.directory, "export.jsonl"), "utf8");
    expect(text).toContain('{"sample":');
    expect(found("the export", text)).toEqual([]);
  });
  it("in any view", async () => {
    const sql = "select viewname as name from pg_views where schemaname = 'evo'";
    for (const { name } of await query<{ name: string }>(database.superuser, sql)) {
      const rows = await query<{ text: string }>(database.superuser, `select t::text as text from evo.${name} as t`);
      expect(rows.flatMap(({ text }) => found(`evo.${name}`, text))).toEqual([]);
    }
  });
  it.skipIf(localPostgres === undefined)("in a dump of the database", () => {
    const { status, stdout, stderr } = spawnSync(join(localPostgres ?? "", "bin/pg_dump"), [database.superuser], {
      encoding: "utf8",
      maxBuffer: 1e9,
    });
    expect(status, stderr).toBe(0);
    expect(stdout).toContain("COPY evo.entries");
    expect(found("the dump", stdout)).toEqual([]);
  });
  it.each(["evo-home", "tmp", "projects", "sequences", "backend", "pulumi-home"])("in %s", (folder) => {
    expect(foundBelow(join(evo.directory, folder))).toEqual([]);
  });
  it("in shared memory", () => {
    expect(foundBelow("/dev/shm")).toEqual([]);
  });
});
