import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withLock } from "../src/process-lock.js";
import { isDead, myself, startOf } from "../src/process-owner.js";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "evo-lock-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe("withLock", () => {
  it("lets in one at a time, and leaves one file", async () => {
    const folder = join(home, "deep", "lock");
    let inside = 0;
    const most: number[] = [];
    const work = () =>
      withLock(folder, {}, async () => {
        most.push(++inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
      });
    await Promise.all(Array.from({ length: 10 }, work));
    expect(most).toEqual(Array.from({ length: 10 }, () => 1));
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it("says once who holds it", async () => {
    const said: string[] = [];
    const hold = (options: object) => withLock(home, options, () => new Promise((resolve) => setTimeout(resolve, 60)));
    await Promise.all([hold({}), hold({ waiting: (holder: string) => said.push(holder) })]);
    expect(said).toEqual([`process ${process.pid} on ${myself().host}`]);
  });

  it("takes over from a dead process, and gives up on one that may live", async () => {
    writeFileSync(join(home, "7"), JSON.stringify({ ...myself(), started: "1" }));
    expect(await withLock(home, {}, async () => "done")).toBe("done");
    writeFileSync(join(home, "9"), JSON.stringify({ ...myself(), started: "1", host: "elsewhere" }));
    const refuse = (holder: string, file: string) => new Error(`${holder}: ${file}`);
    await expect(withLock(home, { patience: 50, refuse }, async () => "no")).rejects.toThrow(
      `process ${process.pid} on elsewhere: ${join(home, "9")}`,
    );
  });
});

describe("isDead", () => {
  it("takes no process of another machine, and no living one, for dead", () => {
    expect(isDead(myself())).toBe(false);
    expect(isDead({ ...myself(), started: "1" })).toBe(true);
    expect(isDead({ ...myself(), started: "1", host: "elsewhere" })).toBe(false);
  });

  it("tells processes apart by when they started", () => {
    expect(startOf(process.pid)).toBe(startOf(process.pid));
    expect(startOf(2 ** 30)).toBeUndefined();
  });
});
