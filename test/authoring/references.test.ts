import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findProjects, readProject } from "../../src/authoring/projects.js";
import { meaningOf, referencesIn, writtenReferences } from "../../src/authoring/references.js";
import { folderWith } from "../sequence/folder.js";

const project = (runtime = "nodejs") => {
  const root = folderWith({
    "Pulumi.yaml": `name: web\nruntime: ${runtime}\n`,
    "Pulumi.dev.yaml": "config:\n  web:network: acme/network/dev\n  shared:org: acme\n",
  });
  return readProject(root)!;
};

/** `project/stack` of each reference in a source, seen from stack dev of project web. */
function meant(source: string, file = "index.ts"): string[] {
  const own = project();
  return referencesIn(source, file).map((written) => {
    const { project: other, stack } = meaningOf(written, own, "acme/web/dev");
    return `${other ?? "?"}/${stack ?? "?"}`;
  });
}

describe("referencesIn", () => {
  it.each([
    ["a literal", 'new pulumi.StackReference("acme/network/prod");', ["network/prod"]],
    ["a name of its own", 'new StackReference("net", { name: "acme/network/prod" });', ["network/prod"]],
    [
      "this stack, this organization",
      "new pulumi.StackReference(`${pulumi.getOrganization()}/network/${pulumi.getStack()}`);",
      ["network/dev"],
    ],
    [
      "names from the same file",
      "const env = pulumi.getStack();\nconst org = unknown();\nnew pulumi.StackReference(`${org}/network/${env}`);",
      ["network/dev"],
    ],
    ["a sum", 'new pulumi.StackReference("acme/network/" + pulumi.getStack());', ["network/dev"]],
    [
      "the stack's own plain config",
      'const config = new pulumi.Config();\nnew pulumi.StackReference(config.require("network"));',
      ["network/dev"],
    ],
    [
      "config of another namespace",
      'const shared = new pulumi.Config("shared");\nnew pulumi.StackReference(`${shared.require("org")}/network/dev`);',
      ["network/dev"],
    ],
    [
      "config that is not there",
      'const config = new pulumi.Config();\nnew pulumi.StackReference(config.require("other"));',
      ["?/?"],
    ],
    [
      "a stack that is computed",
      "const env = pulumi.getStack().split('-')[0]!;\nnew pulumi.StackReference(`${org}/network/${env}`);",
      ["network/?"],
    ],
    ["an unknown call", "new pulumi.StackReference(nameOf(network));", ["?/?"]],
    ["only a stack: the same project", 'new pulumi.StackReference("blue");', ["web/blue"]],
    [
      "comments",
      '// new pulumi.StackReference("a/b/c")\n/* new StackReference("a/b/c") */\nconst url = "http://x"; new pulumi.StackReference("acme/network/prod");',
      ["network/prod"],
    ],
    [
      "type parameters and a cast",
      'new pulumi.StackReference<Outputs>("acme/network/prod" as string)',
      ["network/prod"],
    ],
  ])("understands %s", (_, source, expected) => {
    expect(meant(source)).toEqual(expected);
  });

  it("reads Python, Go and C#", () => {
    expect(
      meant('org = cfg()\nn = pulumi.StackReference(f"{org}/network/{pulumi.get_stack()}")\n', "__main__.py"),
    ).toEqual(["network/dev"]);
    expect(
      meant('n = StackReference("net", stack_name="acme/network/prod") # StackReference("a/b/c")', "__main__.py"),
    ).toEqual(["network/prod"]);
    expect(meant('n, err := pulumi.NewStackReference(ctx, "acme/network/prod", nil)', "main.go")).toEqual([
      "network/prod",
    ]);
    expect(
      meant(
        'pulumi.NewStackReference(ctx, "net", &pulumi.StackReferenceArgs{Name: pulumi.String("acme/network/prod")})',
        "main.go",
      ),
    ).toEqual(["network/prod"]);
    expect(
      meant('var n = new StackReference($"{org}/network/{Deployment.Instance.StackName}");', "Program.cs"),
    ).toEqual(["network/dev"]);
  });

  it("knows the line", () => {
    expect(referencesIn('\n\nnew pulumi.StackReference("a/b/c")', "x.ts")).toMatchObject([
      { line: 3, text: '"a/b/c"' },
    ]);
  });
});

describe("writtenReferences", () => {
  it("reads the program's own files, also in YAML", () => {
    const root = folderWith({
      "a/Pulumi.yaml": "name: a\nruntime: nodejs\nmain: src/\n",
      "a/src/index.ts": 'import "./more";\nnew pulumi.StackReference("o/b/dev");\n',
      "a/src/more.ts": 'new pulumi.StackReference("o/c/dev");\n',
      "a/src/node_modules/x/index.ts": 'new pulumi.StackReference("o/x/dev");\n',
      "b/Pulumi.yaml":
        "name: b\nruntime: yaml\nresources:\n  ref:\n    type: pulumi:pulumi:StackReference\n    properties:\n      name: ${pulumi.organization}/c/${pulumi.stack}\n",
      "c/Pulumi.yaml": "name: c\nruntime:\n  name: go\n",
      "d/Pulumi.yaml": ": no yaml [",
    });
    const projects = findProjects(root);
    expect(projects.map(({ name, runtime }) => `${name} ${runtime}`)).toEqual(["a nodejs", "b yaml", "c go"]);
    const found = projects.map((one) => writtenReferences(one).map((ref) => meaningOf(ref, one, "dev")));
    expect(found).toMatchObject([
      [{ project: "b", stack: "dev" }, { project: "c" }],
      [{ project: "c", stack: "dev" }],
      [],
    ]);
    expect(projects[0]?.program).toBe(join(root, "a", "src"));
  });
});
