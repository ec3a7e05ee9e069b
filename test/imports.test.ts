/** The shape of the source (DESIGN 10): imports go one way, the core is pure. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";

const SRC = new URL("../src", import.meta.url).pathname;

/** From left to right; each may import what stands to its left, and of its own. Those on one line not each other. */
const LAYERS: readonly (readonly string[])[] = [
  ["errors", "canonical", "redact", "redact-shapes", "package-root", "process-lock", "process-owner"],
  ["gates/model"],
  ["plan/model"],
  ["sequence"],
  ["gates/assess"],
  ["plan"],
  ["run"],
  ["departures"],
  ["rehearse"],
  ["executor", "gates/probes", "ledger", "notify", "world", "views"],
  ["authoring"],
  ["evo"],
  ["index"],
  ["cli"],
];

/** Files of `gates` that are the pure half. */
const ASSESS = /^gates\/(assess|tally|reasons)/;

function unitOf(file: string): string {
  const path = file.replace(/\.ts$/, "");
  if (["gates/model", "plan/model"].includes(path)) return path;
  if (ASSESS.test(path)) return "gates/assess";
  if (path.startsWith("gates/probes")) return "gates/probes";
  return path.split("/")[0] ?? path;
}

function layerOf(file: string): number {
  return LAYERS.findIndex((units) => units.includes(unitOf(file)));
}

/** Why `from` may not import `to`; undefined where it may. */
function forbidden(from: string, to: string): string | undefined {
  const [a, b] = [layerOf(from), layerOf(to)];
  if (a < 0 || b < 0) return `${a < 0 ? from : to} belongs to no layer`;
  if (unitOf(from) === unitOf(to) || b < a) return undefined;
  return a === 0 && b === 0 ? undefined : `${from} may not import ${to}`;
}

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const sourceOf = (file: string): string => readFileSync(join(SRC, file), "utf8");
const specifiers = (file: string): string[] =>
  [...sourceOf(file).matchAll(/(?:from|import\()\s*"([^"]+)"|^import "([^"]+)"/gm)].map(
    (match) => match[1] ?? match[2] ?? "",
  );
const imports: readonly Import[] = files.flatMap((from) =>
  specifiers(from)
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => ({
      from,
      to: relative(SRC, normalize(join(SRC, dirname(from), specifier))).replace(/\.js$/, ".ts"),
    })),
);

describe("imports", () => {
  it("are found at all", () => {
    expect(imports.length).toBeGreaterThan(100);
    expect(imports).toContainEqual({ from: "run/loop.ts", to: "run/decide.ts" });
  });

  it("go one way", () => {
    expect(imports.flatMap(({ from, to }) => forbidden(from, to) ?? [])).toEqual([]);
  });

  it("are refused against the direction", () => {
    expect(forbidden("run/loop.ts", "ledger/index.ts")).toBeDefined();
    expect(forbidden("ledger/index.ts", "executor/index.ts")).toBeDefined();
    expect(forbidden("world/host.ts", "gates/probes/index.ts")).toBeDefined();
    expect(forbidden("sequence/load.ts", "run/loop.ts")).toBeDefined();
    expect(forbidden("cli/up.ts", "evo/start.ts")).toBeUndefined();
  });

  it("of authoring know no engine, ledger or world", () => {
    const stray = imports.filter(
      ({ from, to }) => from.startsWith("authoring/") && /^(executor|ledger|world)\//.test(to),
    );
    expect(stray).toEqual([]);
  });

  it("form no circle between files that run", () => {
    expect(circles(imports.filter(({ from, to }) => !isTypeOnly(from, to)))).toEqual([]);
  });

  it("of the world leave gates and run alone", () => {
    const stray = imports.filter(({ from, to }) => from.startsWith("world/") && /^(gates|run|plan)\//.test(to));
    expect(stray).toEqual([]);
  });
});

/** Whether every import of `to` in `from` is erased at compile time. */
function isTypeOnly(from: string, to: string): boolean {
  const name = `${to.replace(/\.ts$/, ".js").split("/").at(-1)}`;
  const statements = [...sourceOf(from).matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from\s+"([^"]+)"/gms)];
  return statements.filter((match) => match[2]?.endsWith(`/${name}`)).every((match) => match[1] !== undefined);
}

function circles(edges: readonly Import[]): readonly string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(" → "));
    if (path.includes(file) || done.has(file)) return;
    for (const { to } of edges.filter(({ from }) => from === file)) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}

describe("the pure core", () => {
  const pure = files.filter(
    (file) =>
      /^(plan|departures)\//.test(file) ||
      ASSESS.test(file) ||
      /^run\/(decide|edges|entries|events|gates|samples|state)\.ts$/.test(file),
  );
  const inRun = files.filter((file) => file.startsWith("run/"));

  it.each(pure)("%s neither waits nor looks around (invariant 8)", (file) => {
    const code = sourceOf(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    expect(code).not.toMatch(
      /\bawait\b|\basync\b|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bsetTimeout\b|\bfetch\(/,
    );
  });

  it.each([...new Set([...pure, ...inRun])])("%s imports no I/O", (file) => {
    const outside = specifiers(file).filter((specifier) => !specifier.startsWith("."));
    expect(outside.filter((specifier) => specifier !== "node:crypto")).toEqual([]);
  });
});
