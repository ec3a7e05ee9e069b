import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { script } from "../../src/cli/completion.js";
import { program } from "../../src/cli/program.js";
import { usage } from "../../src/cli/usage.js";
import { folderWith } from "../sequence/folder.js";

describe("docs/usage.md", () => {
  it("is what the command line says of itself (npm run docs writes it)", () => {
    expect(readFileSync(new URL("../../docs/usage.md", import.meta.url), "utf8")).toBe(usage(program));
  });

  it("has an example for every verb", () => {
    const verbs = usage(program).split(/^## /m).slice(1);
    expect(verbs.filter((verb) => !/```sh\n[^`]*evo /.test(verb)).map((verb) => verb.split("\n")[0])).toEqual([]);
  });
});

describe("completion", () => {
  /** What bash offers for a line, its last word being completed. */
  const offered = (line: string, cwd: string) => {
    const words = line.split(" ");
    const ask = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _evo; echo "\${COMPREPLY[@]}"`;
    const file = join(folderWith({ "evo.bash": script(program, "bash") }), "evo.bash");
    return execFileSync("bash", ["--norc", "-c", `source '${file}'; ${ask}`], { cwd, encoding: "utf8" })
      .trim()
      .split(" ");
  };

  it("offers verbs, verbs below them, options, and the sequences of the folder", () => {
    const cwd = folderWith({ "sequences/release.ts": "", "sequences/recover.json": "", "stacks/a/x": "" });
    expect(offered("evo li", cwd)).toEqual(["lint"]);
    expect(offered("evo ledger ve", cwd)).toEqual(["verify"]);
    expect(offered("evo up --rehearse re", join(cwd, "stacks/a"))).toEqual(["release", "recover"]);
    expect(offered("evo up release --reh", cwd)).toEqual(["--rehearse"]);
  });

  it("has every verb in fish, and a bash script for zsh", () => {
    const fish = script(program, "fish");
    for (const verb of program.commands) expect(fish).toContain(` -a ${verb.name()} `);
    expect(script(program, "zsh")).toMatch(/^autoload -U \+X bashcompinit/);
  });
});
