/**
 * Disks that are full, files that can't be written or were torn. Disks of their own are mounted in a user namespace, where
 * no root is needed; the ledger is on a server outside.
 */
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Evo, openEvo } from "../support/evo.js";
import { type TestServer, testServer } from "../support/postgres.js";
import { openProxy } from "../support/proxy.js";
import { type Case, EFFECTS, makeCase } from "./support.js";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

let evo: Evo;
let postgres: TestServer;
beforeAll(async () => {
  [evo, postgres] = await Promise.all([openEvo(), testServer()]);
  evo.switchProject("s");
});
afterAll(async () => {
  await evo.close();
  await postgres.close();
});

/** What a shell script says in a mount namespace of its own; `evo` runs the command line and tells its exit code. */
async function script(one: Case, text: string): Promise<{ readonly codes: readonly number[]; readonly said: string }> {
  const database = await postgres.fresh();
  const proxy = await openProxy(database.writer);
  const tell = `evo() { "${process.execPath}" "${MAIN}" "$@" 2>&1; echo "ended with $?"; }`;
  const env = { ...evo.env, ...one.env, EVO_LEDGER_URL: proxy.url };
  const args = ["--map-root-user", "--mount", "sh", "-c", `${tell}\n${text}`];
  try {
    const said = await new Promise<string>((resolve, reject) =>
      execFile("unshare", args, { cwd: evo.directory, env }, (error, stdout) =>
        error ? reject(error) : resolve(stdout),
      ),
    );
    return { said, codes: [...said.matchAll(/^ended with (\d+)$/gm)].map(([, code]) => Number(code)) };
  } finally {
    await proxy.close();
  }
}

describe("a full disk", () => {
  it("under the journal: nothing is let through; with room again a resume goes on, every effect once", async () => {
    const one = makeCase(evo, "journal-full");
    const operations = join(evo.home, "operations");
    mkdirSync(operations, { recursive: true });
    const { codes, said } = await script(
      one,
      `mount -t tmpfs -o size=16k,mode=755 tmpfs ${operations}
head -c 8192 /dev/zero > ${operations}/filling
evo up ${one.name}
rm ${operations}/filling; mount -o remount,size=64m ${operations}
evo resume --reason "there is room again"`,
    );
    expect(codes, said).toEqual([1, 0]);
    expect(said).toMatch(/failed: .*no space left on device/);
    expect(one.effects()).toEqual(EFFECTS);
  });

  it("under the engine's state: what the engine could not note is doubted, and nothing is repeated", async () => {
    const one = makeCase(evo, "state-full");
    const { codes, said } = await script(
      one,
      `mount -t tmpfs -o size=24k,mode=755 tmpfs ${backend()}
evo up ${one.name}
mount -o remount,size=64m ${backend()}
evo resume --reason "there is room again"`,
    );
    expect(codes, said).toEqual([3, 3]);
    expect(said).toContain("the engine could not write its checkpoint");
    expect(said).toContain("evo settle");
    expect(new Set(one.effects()).size).toBe(one.effects().length);
  });
});

describe("a directory that can't be written", () => {
  it.each([
    ["evo's own", () => evo.home],
    ["the backend's", backend],
  ])("%s: an error that names it, and no effect", async (whose, folder) => {
    const one = makeCase(evo, whose.startsWith("evo") ? "home-ro" : "backend-ro");
    const { codes, said } = await script(
      one,
      `mount --bind ${folder()} ${folder()}; mount -o remount,bind,ro ${folder()}
evo up ${one.name}`,
    );
    expect(codes, said).not.toEqual([0]);
    expect(said).toMatch(/read-only file system/i);
    expect(said).toContain(folder());
    expect(one.effects()).toEqual([]);
  });
});

function backend(): string {
  return (evo.env["PULUMI_BACKEND_URL"] ?? "").slice("file://".length);
}
