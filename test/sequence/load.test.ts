import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digest } from "../../src/canonical.js";
import { loadSequence } from "../../src/sequence/load.js";
import { parseSequence } from "../../src/sequence/parse.js";
import { folderWith } from "./folder.js";

const STACKS = {
  "stacks/a/Pulumi.yaml": "name: a\nruntime: nodejs\n",
  "stacks/b/Pulumi.yaml": "name: b\nruntime: nodejs\n",
};

const GOOD = `import { custom, defineSequence, env, gate, http, lockstep, output, settled, text, up, z } from "evo";
import { helper } from "./lib/helper.js";
import type { Nothing } from "./lib/types";

const regions = ["us", "eu"] as const;
const seats = custom("seats", {
  input: z.object({ min: z.number() }),
  look: async (input, { target }) => ({ verdict: "pass", observed: input.min, expected: target }),
});

export default defineSequence({
  name: "good",
  world: "../worlds/w.ts",
  steps: [
    up("identity", {
      dir: "../stacks/a",
      stack: "dev",
      convergedWhen: [gate("settled", { targets: ["stack"], interval: "2s", probe: settled() })],
    }),
    lockstep("regions", {
      members: regions.map((region) => up(region, { dir: "../stacks/b", stack: region })),
      convergedWhen: [
        gate("canary", {
          targets: regions,
          probe: (region) => http({ url: text\`https://\${output(region, "host")}/\`, headers: { key: env("KEY") } }),
        }),
        gate("seats", { targets: regions, probe: seats({ min: 3 }) }),
      ],
    }),
    helper() satisfies object as Nothing,
  ],
});
`;

const FILES = {
  ...STACKS,
  "worlds/w.ts": "export default {};\n",
  "sequences/good.ts": GOOD,
  "sequences/lib/types.ts": "export type Nothing = any;\n",
  "sequences/lib/helper.ts":
    'import { up } from "evo";\nexport const helper = () => up("last", { dir: "../stacks/a", stack: "last" });\n',
};

describe("loadSequence", () => {
  it("finds a bare name from a folder below, and loads TypeScript with its local imports", async () => {
    const root = folderWith(FILES);
    const loaded = await loadSequence("good", join(root, "stacks", "a"));
    expect(loaded).toMatchObject({ file: join(root, "sequences/good.ts"), root, world: join(root, "worlds/w.ts") });
    expect(loaded.sources.map(({ path }) => path)).toEqual([
      "sequences/good.ts",
      "sequences/lib/helper.ts",
      "sequences/lib/types.ts",
    ]);
    expect(loaded.digest).toBe(digest(loaded.sequence));
  });

  it("gives durations in milliseconds, paths from the root, and every probe its step", async () => {
    const { sequence } = await loadSequence("good", folderWith(FILES));
    expect(sequence.world).toBe("worlds/w.ts");
    expect(sequence.steps[0]).toMatchObject({
      dir: "stacks/a",
      convergedWhen: [{ interval: 2_000, targets: [{ name: "stack", probe: { type: "settled", step: "identity" } }] }],
    });
  });

  it("keeps the code of custom probes outside of the JSON form", async () => {
    const { sequence, customs } = await loadSequence("good", folderWith(FILES));
    expect(JSON.stringify(sequence)).toContain('"probe":{"type":"custom","name":"seats","input":{"min":3}}');
    const context = { target: "eu", signal: new AbortController().signal };
    expect(await customs.get("seats")?.({ min: 3 }, context)).toEqual({ verdict: "pass", observed: 3, expected: "eu" });
    expect(() => customs.get("seats")?.({ min: "3" }, context)).toThrow();
  });

  it("takes one function in many probes for one", async () => {
    const root = folderWith({
      ...STACKS,
      "sequences/s.ts": `import { custom, defineSequence, gate, up } from "evo";
const look = () => ({ verdict: "pass" as const, observed: 1, expected: 1 });
const convergedWhen = [gate("g", { targets: ["x", "y"], probe: () => custom("c", look) })];
export default defineSequence({ name: "s", steps: [up("a", { dir: "../stacks/a", stack: "dev", convergedWhen })] });
`,
    });
    expect([...(await loadSequence("s", root)).customs.keys()]).toEqual(["c"]);
  });

  it("has one digest in every checkout, another for another sequence, and source digests of their own", async () => {
    const root = folderWith(FILES);
    const first = await loadSequence("good", root);
    const elsewhere = await loadSequence("good", folderWith(FILES));
    expect(elsewhere.digest).toBe(first.digest);
    expect(elsewhere.sources).toEqual(first.sources);

    writeFileSync(join(root, "sequences/good.ts"), GOOD.replace('"2s"', '"2000ms"'));
    const reworded = await loadSequence("good", root);
    expect(reworded.digest).toBe(first.digest);
    expect(reworded.sources).not.toEqual(first.sources);

    writeFileSync(
      join(root, "sequences/lib/helper.ts"),
      FILES["sequences/lib/helper.ts"].replace('"last" }', '"prod" }'),
    );
    expect((await loadSequence("good", root)).digest).not.toBe(first.digest);
  });

  it("loads the JSON form of what it loaded as the same sequence", async () => {
    const root = folderWith(FILES);
    const { sequence, digest: before } = await loadSequence("good", root);
    const plain = parseSequence(sequence);
    expect(plain.sequence).toEqual(sequence);
    const customless = JSON.parse(JSON.stringify(sequence));
    customless.steps[1].convergedWhen.pop();
    writeFileSync(join(root, "form.json"), JSON.stringify(customless));
    const loaded = await loadSequence("./form.json", root);
    expect(loaded.sequence).toEqual(customless);
    expect(loaded.digest).not.toBe(before);
    expect(loaded.customs.size).toBe(0);
  });

  it("takes the sequence file's folder as root where no sequences folder is above it", async () => {
    const root = folderWith({
      ...STACKS,
      "here/s.mjs":
        'import { up } from "evo"; export default { version: 1, name: "s", steps: [up("a", { dir: "../stacks/a", stack: "dev" })] };',
    });
    const loaded = await loadSequence("here/s.mjs", root);
    expect(loaded.root).toBe(join(root, "here"));
    expect(loaded.sequence.steps).toMatchObject([{ dir: "../stacks/a" }]);
  });

  it("records the lockfile where a package is imported", async () => {
    const root = folderWith({
      ...FILES,
      "package-lock.json": "{}",
      "node_modules/dep/package.json": '{"name":"dep","version":"1.0.0","main":"index.js"}',
      "node_modules/dep/index.js": "module.exports = { one: 1 };",
    });
    writeFileSync(
      join(root, "sequences/lib/helper.ts"),
      `import { one } from "dep";\n${FILES["sequences/lib/helper.ts"].replace('"last" }', "`s${one}` }")}`,
    );
    const loaded = await loadSequence("good", root);
    expect(loaded.sources.map(({ path }) => path)).toContain("package-lock.json");
    expect(JSON.stringify(loaded.sequence.steps)).toContain('"stack":"s1"');
  });

  it("loads modules that import each other in a circle", async () => {
    const root = folderWith({
      ...STACKS,
      "sequences/s.ts":
        'import { defineSequence } from "evo";\nimport { a } from "./a.ts";\nexport default defineSequence({ name: "s", steps: [a()] });\n',
      "sequences/a.ts":
        'import { dir } from "./b.ts";\nimport { up } from "evo";\nexport const stack = "dev";\nexport const a = () => up("a", { dir: dir(), stack });\n',
      "sequences/b.ts":
        'import { stack } from "./a.ts";\nexport const dir = () => (stack === "dev" ? "../stacks/a" : "");\n',
    });
    expect((await loadSequence("s", root)).sources).toHaveLength(3);
  });

  it("says that there is no such sequence, and where it looked", async () => {
    const root = folderWith(FILES);
    await expect(loadSequence("nope", root)).rejects.toMatchObject({
      code: "sequence.not-found",
      exit: 2,
      message: expect.stringContaining("sequences/nope.{ts,"),
    });
    await expect(loadSequence("goood", join(root, "stacks/a"))).rejects.toMatchObject({
      message: expect.stringMatching(/Did you mean "good"\?$/),
      remedy: expect.stringContaining("one of: good"),
    });
    renameSync(join(root, "sequences/good.ts"), join(root, "sequences/gone.ts"));
    await expect(loadSequence("sequences/good.ts", root)).rejects.toMatchObject({ code: "sequence.not-found" });
  });
});
