/** Every attack is found by both verifiers, with the number of the first bad entry; what was not attacked is found sound. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OpenLedger, openLedger, verifyFile } from "../../src/ledger/index.js";
import { makeKey, signNote } from "../../src/ledger/note.js";
import { query, type TestDatabase, type TestServer, testServer } from "../support/postgres.js";
import { ANCHORED, attacks, cutAfter, RECORDED, record } from "./attacks.js";

const VERIFIER = fileURLToPath(new URL("../../docs/verifier.mjs", import.meta.url));

interface Found {
  readonly checked: number;
  readonly anchored?: number;
  readonly broken?: { readonly number: number; readonly to?: number };
}

/** The second verifier: a process of its own. */
function second(...args: readonly string[]): Promise<Found & { readonly code: number }> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [VERIFIER, ...args], (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code);
      if (stdout === "") reject(new Error(stderr));
      else resolve({ ...(JSON.parse(stdout) as Found), code });
    });
  });
}

describe("the record", () => {
  let server: TestServer;
  let prepared: TestDatabase;
  let folder: string;
  let key: string;
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    server = await testServer();
    prepared = await server.fresh();
    folder = await mkdtemp(join(tmpdir(), "evo-attacks-"));
    const ledger = await openOn(prepared, prepared.home);
    const { early, late } = await record(ledger);
    await writeFile(file("checkpoints"), `${early}\n${late}`);
    await writeFile(file("late"), late);
    key = (await ledger.keys())[0]?.key ?? "";
    await ledger.close();
    const copy = await openOn(await server.fresh({ like: prepared }), prepared.home);
    await writeExport(copy, file("export.jsonl"));
    await copy.close();
  });
  afterAll(async () => {
    await server?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const openOn = ({ writer }: TestDatabase, home: string) =>
    openLedger({ url: writer, home, claimed: "tester@here", say: () => {} });

  async function writeExport(ledger: OpenLedger, to: string): Promise<void> {
    const lines: string[] = [];
    for await (const line of ledger.export()) lines.push(`${line}\n`);
    await writeFile(to, lines.join(""));
  }

  /** A copy of the record after an attack, as its superuser left it. */
  async function attacked(statements: readonly string[]): Promise<TestDatabase> {
    const database = await server.fresh({ like: prepared });
    await query(database.superuser, "set session_replication_role = replica", ...statements);
    return database;
  }

  /** Both verifiers, by an auditor who has never seen the ledger and trusts one key. */
  async function both(database: TestDatabase, against: string): Promise<readonly [Found, Found]> {
    const ledger = await openOn(database, file(`home-${randomUUID()}`));
    try {
      const { anchored, ...first } = await ledger.verify({ keys: [key], against: file(against) });
      const own = { ...first, ...(anchored === undefined ? {} : { anchored: anchored.number }) };
      return [own, await second("--database", database.writer, "--key", key, "--against", file(against))];
    } finally {
      await ledger.close();
    }
  }

  it("that nobody touched is sound, anchored to its last checkpoint and not beyond", async () => {
    const [first, other] = await both(await attacked([]), "checkpoints");
    expect(first).toMatchObject({ checked: RECORDED, anchored: ANCHORED, looks: 9 });
    expect(other).toMatchObject({ checked: RECORDED, anchored: ANCHORED, code: 0 });
    for (const found of [first, other]) expect(found).not.toHaveProperty("broken");
  });

  it.each(attacks)("shows $name: entry $number", async ({ number, to, exactly, statements }) => {
    const database = await attacked(statements);
    const expected = to === undefined ? { number } : { number, to };
    for (const found of await both(database, "checkpoints")) expect(found.broken).toMatchObject(expected);
    if (exactly === undefined) return;
    for (const found of await both(database, "export.jsonl")) expect(found.broken).toMatchObject({ number: exactly });
  });

  it("shows a restored backup that went on: the stretch by checkpoints, the entry by an export", async () => {
    const database = await attacked(cutAfter(10));
    const stranger = await openOn(database, file("stranger"));
    for (let number = 11; number <= 20; number += 1)
      await stranger.append([{ type: "run.halted", run: "r2", causes: [], body: { number } }], {
        id: randomUUID(),
        leases: [],
      });
    await stranger.close();
    for (const found of await both(database, "checkpoints")) expect(found.broken).toMatchObject({ number: 9, to: 14 });
    for (const found of await both(database, "export.jsonl")) expect(found.broken).toMatchObject({ number: 11 });
  });

  it("shows a swapped ledger: from its first entry on it is another", async () => {
    const other = await server.fresh();
    const ledger = await openOn(other, file("other"));
    await record(ledger);
    await ledger.close();
    for (const against of ["checkpoints", "export.jsonl"])
      for (const found of await both(other, against)) expect(found.broken).toMatchObject({ number: 1 });
  });

  it("shows forged checkpoints: by another key, in another's name, with another's signature", async () => {
    const late = await readFile(file("late"), "utf8");
    const [text = "", signature = ""] = late.split("\n\n");
    const name = key.split("+")[0] ?? "";
    const swapped = signature.replace(/.{8}(=*)\n$/, "AAAAAAA$1\n");
    const forged = {
      stranger: signNote(`${text}\n`, makeKey("somebody")),
      namesake: signNote(`${text}\n`, makeKey(name)),
      signature: `${text}\n\n${swapped}`,
      content: late.replace("\n14\n", "\n13\n"),
    };
    const database = await attacked([]);
    for (const [how, note] of Object.entries(forged)) {
      await writeFile(file(`forged-${how}`), note);
      for (const found of await both(database, `forged-${how}`))
        expect(found.broken, how).toMatchObject({ number: how === "content" ? 13 : 14 });
    }
  });

  it("as an export verifies without the database, as a whole and line for line", async () => {
    const check = (name: string) => verifyFile(file("nobody"), file(name), { keys: [key] });
    const sound = await check("export.jsonl");
    expect(sound).toMatchObject({ checked: RECORDED, looks: 9, anchored: { number: RECORDED } });
    expect(await second("--file", file("export.jsonl"), "--key", key)).toMatchObject({ code: 0, anchored: RECORDED });
    const lines = (await readFile(file("export.jsonl"), "utf8")).trimEnd().split("\n");
    const at = (part: string) => lines.findIndex((line) => line.includes(part));
    const tampered: readonly (readonly [number, readonly string[]])[] = [
      [3, lines.map((line) => line.replace("naïve", "naive"))],
      [7, lines.filter((_, i) => i !== at('"number":7,"cause'))],
      [5, lines.filter((_, i) => i !== at('{"sample"') + 2)],
      [RECORDED, lines.filter((_, i) => i !== at(`"number":${RECORDED},"cause`))],
    ];
    for (const [number, changed] of tampered) {
      await writeFile(file("tampered.jsonl"), `${changed.join("\n")}\n`);
      expect((await check("tampered.jsonl")).broken).toMatchObject({ number });
      expect((await second("--file", file("tampered.jsonl"), "--key", key)).broken).toMatchObject({ number });
    }
  });

  it("verifies from a checkpoint on, and only from one that is signed by a trusted key", async () => {
    const database = await attacked(["update evo.entries set claimed = 'x' where number = 3"]);
    const ledger = await openOn(database, prepared.home);
    const result = await ledger.verify({ from: file("late") });
    expect(result).toMatchObject({ from: ANCHORED, checked: RECORDED });
    expect(result).not.toHaveProperty("broken");
    await writeFile(file("strange"), signNote(`evo.ledger/1/${result.ledger}\n2\n${"A".repeat(43)}=\n`, makeKey("x")));
    await expect(ledger.verify({ from: file("strange") })).rejects.toMatchObject({
      code: "ledger.checkpoint",
      exit: 10,
    });
    await ledger.close();
  });
});
