/** What a GitHub runner would obey, by its own rules (actions/runner, ActionCommand.cs), and what it must not. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { annotation, group, harmless, harmlessJson } from "../../src/cli/github.js";
import { noteOf } from "../../src/cli/github-notes.js";
import { addSummary, fitting } from "../../src/cli/github-summary.js";
import { reportFiles, writeReport } from "../../src/cli/report-file.js";
import type { RunEvent } from "../../src/run/events.js";
import { evolve, fold } from "../../src/run/evolve.js";
import { up } from "../../src/sequence/builders.js";
import { reportOf } from "../../src/views/report.js";
import { planOf, started } from "../run/machine.js";
import { folderWith } from "../sequence/folder.js";

/** Characters that a comparison by culture overlooks. */
const IGNORABLE = /[\p{Cc}\p{Cf}\p{M}]/gu;

/** The commands in a text: `::name ...::` at a line's beginning, `##[name ...]` anywhere, with what culture overlooks gone. */
function obeyed(text: string): readonly string[] {
  return text.split(/\r\n|\r|\n/).flatMap((line) => {
    const bare = line.replace(IGNORABLE, "").trimStart();
    const name = /^::([^ :]*)/.exec(bare)?.[1] ?? /##\[([^ \]]*)/.exec(bare)?.[1];
    return name === undefined ? [] : [name];
  });
}

const SIGNS = ["::", "##[", "#", "[", ":", "]", " ", "\t", "\n", "\r", "\r\n", "\\", "%0A", "error", "add-mask", "x"];
const UNSEEN = ["\u00ad", "\u200b", "\0", "\ufeff", "\u00a0", "\u0085", "\u0301"];
const part = fc.constantFrom(...SIGNS, ...UNSEEN);
const nasty = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(""));

describe("harmless", () => {
  it("leaves no command in what others say", () => {
    const none = (text: string) => void expect(obeyed(harmless(text))).toEqual([]);
    fc.assert(fc.property(nasty, none), { numRuns: 5000 });
  });

  it("changes nothing else, and takes no line for another", () => {
    expect(harmless("200, expected 403\n  a::b #1 [x] ## title")).toBe("200, expected 403\n  a::b #1 [x] ## title");
    expect(harmless("::error::x\n  ::set-output name=a::b\nx ##[add-mask]y\rz")).toBe(
      "\\::error::x\n  \\::set-output name=a::b\nx ##\\[add-mask]y\nz",
    );
  });
});

describe("harmlessJson", () => {
  it("keeps the value, and holds no command", () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(nasty, nasty)), fc.constantFrom(undefined, 2), (value, indent) => {
        const json = harmlessJson(JSON.stringify(value, null, indent));
        expect(JSON.parse(json)).toEqual(value);
        expect(obeyed(json)).toEqual([]);
      }),
    );
  });
});

describe("annotation", () => {
  it("names file, line and title, escaped as the runner takes them back", () => {
    const at = { file: "/checkout/sequences/a,b.ts", line: 12, column: 5 };
    const note = { severity: "error", title: "rollout: eu failed", message: "100%\nnext\r::error::y", at } as const;
    expect(annotation(note, "/checkout")).toBe(
      "::error file=sequences/a%2Cb.ts,line=12,col=5,title=rollout%3A eu failed::100%25%0Anext%0D::error::y",
    );
  });

  it("is one command on one line, whatever it says", () => {
    fc.assert(
      fc.property(nasty, nasty, nasty, (title, message, file) => {
        const line = annotation({ severity: "warning", title, message, at: { file } }, "/checkout");
        expect(line).toMatch(/^::warning [^\r\n]*$/);
        const [, properties = "", data = ""] = /^::warning (.*?)::(.*)$/s.exec(line) ?? [];
        expect(unescaped(data)).toBe(message);
        expect(Object.fromEntries(properties.split(",").map((one) => one.split(/=(.*)/s).slice(0, 2)))).toMatchObject({
          title: expect.toSatisfy((escaped: string) => unescaped(escaped) === title),
        });
      }),
    );
  });

  it("leaves a file outside of the checkout as it is", () => {
    const note = { severity: "notice", title: "t", message: "m", at: { file: "/elsewhere/a.ts" } } as const;
    expect(annotation(note, "/checkout")).toBe("::notice file=/elsewhere/a.ts,title=t::m");
  });
});

/** As the runner does it: the percent sign last. */
function unescaped(text: string): string {
  const signs = [
    ["%0D", "\r"],
    ["%0A", "\n"],
    ["%3A", ":"],
    ["%2C", ","],
    ["%25", "%"],
  ] as const;
  return signs.reduce((done, [from, to]) => done.replaceAll(from, to), text);
}

describe("group", () => {
  it("opens once and closes once, whatever lies in it", () => {
    const lines = group("eu: updated\n::endgroup::", ["create  urn", "::endgroup::\n##[endgroup]", "::group::x"]);
    expect(lines.flatMap(obeyed)).toEqual(["group", "endgroup"]);
  });
});

describe("noteOf", () => {
  const plan = planOf({ name: "rollout", steps: [up("eu", { dir: "s", stack: "eu" })] });
  const operation = "run.eu.1.up";
  const intent = {
    operation,
    step: "eu",
    attempt: 1,
    verb: "up",
    stack: "x",
    source: { path: "s", sha256: "" },
  } as const;
  const where = (node: string | undefined) => ({ file: "/s.ts", line: node === "eu" ? 7 : 1 });
  const ended = (how: string): RunEvent =>
    ({ type: "operation.failed", at: 1, operation, began: 0, ended: 1, how, reason: "quota" }) as RunEvent;

  /** What is noted of these events, in a run whose step has been intended. */
  function notes(...events: readonly object[]) {
    let state = fold("run", [started(plan), { number: 2, event: { type: "operation.intended", at: 0, ...intent } }]);
    return events.flatMap((event, at) => {
      state = evolve(state, { number: at + 3, event: { at: 1, ...event } as RunEvent });
      return noteOf(event as RunEvent, state, where) ?? [];
    });
  }

  it("notes a failed operation at its step, and the halt that follows from it not again", () => {
    const halt = { type: "run.halted", cause: "operation-failed", node: "eu", reason: "quota" };
    expect(notes(ended("failed"), halt)).toEqual([
      { severity: "error", title: "rollout: eu failed", message: "eu: failed: quota", at: { file: "/s.ts", line: 7 } },
    ]);
    expect(notes(ended("cancelled"))).toMatchObject([{ severity: "warning" }]);
  });

  it("notes halts of gates, holds, pauses", () => {
    const held = { type: "run.held", node: "eu", gate: "eu/canary", reason: "a: 403, expected 200" };
    const halt = { type: "run.halted", cause: "gate-failed", node: "eu", reason: "a: 403" };
    expect(
      notes(held, halt, { type: "run.paused", reason: "SIGINT" }, { type: "boundary.opened", node: "eu" }),
    ).toMatchObject([
      {
        severity: "warning",
        title: "rollout: eu is held by eu/canary",
        message: expect.stringContaining("a: 403, expected 200"),
      },
      { severity: "error", title: "rollout halted: gate-failed", at: { line: 7 } },
      { severity: "notice", title: "rollout paused", at: { line: 1 } },
    ]);
  });
});

describe("addSummary", () => {
  it("adds to what is there, up to what the runner takes: 1 MiB in all, cut at the end of a line", () => {
    const file = join(folderWith({ "summary.md": "# before\n" }), "summary.md");
    addSummary(file, "# evo\n");
    expect(readFileSync(file, "utf8")).toBe("# before\n# evo\n\n");
    addSummary(file, "é line\n".repeat(300_000));
    const text = readFileSync(file, "utf8");
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024 * 1024);
    expect(text).toMatch(/\né line\n\n\*Cut here: .*\n$/);
    expect(() => addSummary(file, "more\n".repeat(1000))).toThrow("no room left");
  });

  it("keeps what fits, and nothing where not even a line does", () => {
    expect(fitting("abc\n", 4)).toBe("abc\n");
    expect(fitting("abc\n", 3)).toBeUndefined();
  });
});

describe("report files", () => {
  const report = reportOf(fold("run", [started(planOf({ name: "s", steps: [up("a", { dir: "s", stack: "x" })] }))]), {
    now: 1000,
    exit: 3,
    by: { claimed: "me", authenticated: "writer" },
    evo: "0",
    head: { id: "l", number: 1, hash: "h" },
  });

  it("are refused before anything runs where they could not be written", () => {
    const cwd = folderWith({ "here/x": "", "a.json/x": "" });
    const refused = (path: string) => () => reportFiles([path], cwd);
    const usage = (message: RegExp) =>
      expect.objectContaining({ code: "usage", exit: 2, message: expect.stringMatching(message) });
    expect(refused("report.xml")).toThrow(usage(/JSON or Markdown/));
    expect(refused("report")).toThrow(usage(/JSON or Markdown/));
    expect(refused("missing/report.md")).toThrow(usage(/can't be written: ENOENT/));
    expect(refused("here/x/report.md")).toThrow(usage(/can't be written: ENOTDIR/));
    expect(refused("a.json")).toThrow(usage(/is a folder/));
  });

  it("are named once, relative to the working directory, and leave nothing before they are written", () => {
    const cwd = folderWith({ "here/x": "" });
    expect(reportFiles(["here/a.json", join(cwd, "here/a.json"), "b.md"], cwd)).toEqual([
      join(cwd, "here/a.json"),
      join(cwd, "b.md"),
    ]);
  });

  it("take the place of older ones, whole", () => {
    const cwd = folderWith({ "a.json": "older" });
    const [json = "", page = ""] = reportFiles(["a.json", "a.md"], cwd);
    expect(readFileSync(json, "utf8")).toBe("older");
    for (const file of [json, page]) writeReport(file, report);
    expect(JSON.parse(readFileSync(json, "utf8"))).toEqual(JSON.parse(JSON.stringify(report)));
    expect(readFileSync(page, "utf8")).toMatch(/^## s: running after 1\.0 s\n/);
    writeFileSync(join(cwd, "b"), "");
    expect(() => writeReport(join(cwd, "b", "a.md"), report)).toThrow("ENOTDIR");
  });
});
