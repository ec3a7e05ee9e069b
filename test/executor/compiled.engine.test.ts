/** Scripts whose compiled form is kept between processes: as Node loads them, whatever lies there. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageFile } from "../../src/package-root.js";

const COMPILED = packageFile("dist", "executor", "language-host", "compiled.cjs");
let place: string;
let packages: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "evo-compiled-"));
  packages = join(place, "node_modules");
  mkdirSync(join(packages, "lib"), { recursive: true });
  script("index.js", SCRIPT);
  script("part.js", "exports.parent = module.parent.filename;");
  script("late.js", "module.exports = () => import('./late.mjs');");
  script("late.mjs", "export const late = import.meta.url;");
  // No package's: left to Node.
  writeFileSync(join(place, "own.cjs"), "exports.own = 1;");
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

/** Says all that a script can see of how it was loaded. */
const SCRIPT = `
const part = require("./part");
const late = require("./late");
module.exports = async () => ({
  file: __filename, folder: __dirname, isThis: module.exports === this.exports || typeof this, part,
  found: require.resolve("./part"), paths: require.resolve.paths("x")[0], main: require.main.filename,
  cached: __filename in require.cache, extension: typeof require.extensions[".js"],
  line: new Error("here").stack.split("\\n")[1].replace(/^.*lib/, ""), text: String(module.exports),
  late: (await late()).late,
});
`;

function script(name: string, text: string): void {
  writeFileSync(join(packages, "lib", name), text);
}

/** What the script says in a process of its own, or what Node says of it. */
function load(kept: boolean): unknown {
  const program = `
    ${kept ? `const back = require(${JSON.stringify(COMPILED)}).keepCompiled(${JSON.stringify(packages)});` : "const back = () => {};"}
    let load; try { load = require(${JSON.stringify(join(packages, "lib"))}); } catch (error) { load = async () => ({ name: error.name, message: error.message }); }
    require(${JSON.stringify(join(place, "own.cjs"))});
    back();
    load().then((said) => console.log(JSON.stringify(said)));`;
  const file = join(place, "main.cjs");
  writeFileSync(file, program);
  return JSON.parse(execFileSync(process.execPath, [file], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
}

function keptFiles(): readonly string[] {
  const [folder] = readdirSync(join(packages, ".cache", "evo"));
  return readdirSync(join(packages, ".cache", "evo", folder as string)).map((name) =>
    join(packages, ".cache", "evo", folder as string, name),
  );
}

test("are what they are without it, the first time and when their form is known", () => {
  const plain = load(false);
  expect(load(true)).toEqual(plain);
  expect(keptFiles()).toHaveLength(2);
  expect(load(true)).toEqual(plain);
  expect(keptFiles()).toHaveLength(2);
});

test("are read anew when they have changed", () => {
  load(true);
  script("part.js", "exports.parent = 'another';");
  expect(load(true)).toMatchObject({ part: { parent: "another" } });
});

test("are compiled where what lies there is no form of theirs", () => {
  const plain = load(true);
  for (const file of keptFiles()) writeFileSync(file, "no such thing");
  expect(load(true)).toEqual(plain);
});

test("that can't be compiled are refused in Node's own words", () => {
  script("part.js", "const = 1;");
  const plain = load(false);
  expect(plain).toMatchObject({ name: "SyntaxError" });
  expect(load(true)).toEqual(plain);
});

test("are not kept where somebody else could put a form of theirs", () => {
  load(true);
  const [file] = keptFiles();
  const folder = join(file as string, "..");
  rmSync(file as string);
  chmodSync(folder, 0o777);
  load(true);
  expect(readdirSync(folder)).toHaveLength(1);
});
