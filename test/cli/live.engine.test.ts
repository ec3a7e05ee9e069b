/**
 * The live tree in a real terminal, over real rehearsals: what stands on the screen at moments that don't depend on the
 * machine's pace, and what is left in the scrollback. Golden files lie in `live/`; times and names of runs are masked.
 */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Evo, openEvo } from "../support/evo.js";
import { hasTmux, openTerminal, type Terminal } from "../support/tmux.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const REHEARSE = ["up", "role-rollout", "--rehearse", "--fresh", "--parallel", "1"];

const HEAD = /^role-rollout-\w{6} {2}rehearsal, /;
const isHead = (row: string): boolean => HEAD.test(row);
const has =
  (pattern: RegExp) =>
  (rows: readonly string[]): boolean =>
    rows.some((row) => pattern.test(row));

/** No moment shows a part of another: one tree, whole, and nothing but news above it. */
function wholeAt(width: number): (rows: readonly string[]) => void {
  return (rows) => {
    const screen = rows.join("\n");
    expect(rows.filter(isHead).length, screen).toBeLessThanOrEqual(1);
    const tree = treeIn(rows);
    if (tree.length === 0) return;
    for (const row of tree) expect(row.length, screen).toBeLessThan(width);
    expect(tree.filter((row) => /at the end/.test(row)).length, screen).toBe(1);
    for (const step of ["identity", "app", "gateway", "flags"])
      expect(tree.filter((row) => new RegExp(`^\\S ${step} `).test(row)).length, screen).toBe(1);
  };
}

const treeIn = (rows: readonly string[]): readonly string[] => {
  const at = rows.findIndex(isHead);
  return at < 0 ? [] : rows.slice(at);
};

/** From the run's first line on: what comes before names directories. */
const storyIn = (rows: readonly string[]): readonly string[] =>
  rows.slice(rows.findIndex((row) => / {2}run role-rollout-\w{6} of/.test(row)));

const DURATION = "\\d+(?:\\.\\d+)? (?:ms|s|min|h)(?: \\d+ (?:s|min))?";
const ANY_DURATION = new RegExp(DURATION, "g");
/** What stands at the right edge of a tree's row: how far a target has come, and a time. */
const RIGHT = new RegExp(`^(.*?\\S) {2,}(?:(\\d+ in a row|last recorded) {2,})?${DURATION}( ago)?$`);

/** Times, names and counts that differ from run to run. */
function masked(row: string): string {
  return row
    .replace(/\b\d\d:\d\d:\d\d\b/g, "HH:MM:SS")
    .replace(/role-rollout-\w{6}/g, "role-rollout-RUN")
    .replace(/reference-[0-9a-f]{6}/g, "reference-WORLD")
    .replace(/driven by .*/, "driven by ACTOR")
    .replace(ANY_DURATION, "TIME");
}

/** A tree as it stood; what is masked stands at the right edge again, whose columns depend on the times. */
function maskedTree(rows: readonly string[], width: number): string {
  const lines = rows.map((row) => {
    const [, left, meter = "", ago = ""] = RIGHT.exec(row) ?? [];
    if (left === undefined) return masked(row);
    const right = `${meter.replace(/^\d+/, "N")}  TIME${ago}`;
    return masked(left).padEnd(width - right.length) + right;
  });
  return `${lines.join("\n")}\n`;
}

/** Lines of news and a table, whose gaps depend on the times. */
function maskedStory(rows: readonly string[]): string {
  return `${rows.map((row) => masked(row).replace(/(\S) {2,}/g, "$1  ")).join("\n")}\n`;
}

/** Waits until the tree's clock has moved twice. */
async function moves(terminal: Terminal, always: (rows: readonly string[]) => void): Promise<void> {
  for (let times = 0; times < 2; times += 1) {
    const before = (await terminal.screen()).find(isHead);
    await terminal.until((rows) => rows.some((row) => isHead(row) && row !== before), always);
  }
}

const golden = (name: string): string => `live/${name}.txt`;

describe.skipIf(!hasTmux())("the live tree (needs tmux on this machine)", () => {
  let evo: Evo;
  const open: Terminal[] = [];
  beforeAll(async () => {
    evo = await openEvo();
  });
  afterAll(async () => {
    for (const terminal of open) await terminal.close();
    await evo.close();
  });

  async function terminal(columns: number, rows: number, args: readonly string[]): Promise<Terminal> {
    const command = [process.execPath, fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url)), ...args];
    const opened = await openTerminal(command, { columns, rows, cwd: ROOT, env: evo.env });
    open.push(opened);
    return opened;
  }

  it("at 80x24: steps, waits, a region that does not converge; resized; paused; the story stays in the scrollback", async () => {
    const shown = await terminal(80, 24, [...REHEARSE, "--fault", "never-converges:eu-west-1"]);
    const whole = wholeAt(80);
    const first = await shown.until(has(/● identity +(previewing|updating)/), whole);
    const previewing = treeIn(first).map((row) => row.replace(/(previewing|updating).*? {2}/, "ENGINE  "));
    await expect(maskedTree(previewing, 79)).toMatchFileSnapshot(golden("first-step-80"));

    const lacks = has(/policy-arrived +2 of 3 targets/);
    const lacking = treeIn(await shown.until(lacks, whole));
    await expect(maskedTree(lacking, 79)).toMatchFileSnapshot(golden("eu-west-1-lacks-80"));
    const ends = lacking.filter((row) => / s$/.test(row)).map((row) => row.length);
    expect(new Set(ends)).toEqual(new Set([79]));

    const onlooker = await terminal(120, 40, ["status", "--watch"]);
    const watched = treeIn(await onlooker.until(has(/driven by/), wholeAt(120)));
    await expect(maskedTree(watched, 90)).toMatchFileSnapshot(golden("eu-west-1-lacks-watched-120"));

    for (const columns of [120, 100, 80]) {
      await shown.resize(columns, 24);
      await moves(shown, wholeAt(columns));
    }
    await shown.until(lacks, whole);

    expect(await shown.showsCursor()).toBe(false);
    await shown.press("C-c");
    await shown.until(has(/^\[exit 3\]$/));
    expect(await shown.showsCursor()).toBe(true);
    const story = await shown.scrollback();
    expect(story.filter(isHead)).toEqual([]);
    // What follows it explains where the run stands: its lines break where times are long (test/views/explain).
    const why = story.indexOf("why, from there to the first cause");
    await expect(maskedStory(storyIn(story.slice(0, why)))).toMatchFileSnapshot(golden("scrollback-paused-80"));
    expect(story.slice(why)).toContain("what can be done");

    await onlooker.until(has(/^nobody drives it$/));
    await onlooker.press("C-c");
    await onlooker.until(has(/^\[exit 0\]$/));
    expect(await onlooker.showsCursor()).toBe(true);
    expect((await evo.run(["status"])).stdout).toMatch(/role-rollout-\w{6} {2}paused/);
  });

  it("at 120x40: to the end, with the final table; a second run knows the usual times", async () => {
    const shown = await terminal(120, 40, REHEARSE);
    await shown.until(has(/^\[exit 0\]$/), wholeAt(120));
    const story = await shown.scrollback();
    expect(story.filter(isHead)).toEqual([]);
    const looks = / {2}(gateway|flags|sequence)\/\S+ {2}\S+ {2}/;
    const told = storyIn(story).filter((row) => !looks.test(row));
    await expect(maskedStory(told)).toMatchFileSnapshot(golden("scrollback-completed-120"));

    const { code, stdout } = await evo.run(["status", "--watch"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}run role-rollout-\w{6} of role-rollout started/);
    expect(stdout).toMatch(/Z {2}completed: every boundary has converged\n\nrole-rollout-\w{6} {2}completed/);
    expect((await evo.run(["status", "--watch", "--json"])).code).toBe(2);

    const again = await terminal(120, 40, REHEARSE);
    const usual = await again.until(has(/● identity .* ~\d+ (s|min \d+ s)$/), wholeAt(120));
    expect(usual.find(isHead)).toMatch(/running {2,}\d+ s, usually ~\d+ (s|min \d+ s)$/);
    await again.press("C-c");
    await again.until(has(/^\[exit 3\]$/));
  });
});
