/** What each fixture project does under a plain CLI: the yardstick for evo. */

export interface FixtureProject {
  readonly name: string;
  /** Packages of this repository that its `node_modules` links to; a project with a lock file has its own. */
  readonly packages: readonly string[];
  /** Names of its resources, the stack and default providers left out. */
  readonly resources: readonly string[];
  /** Plain values of its outputs; `[secret]` as the CLI shows it. */
  readonly outputs: { readonly [name: string]: unknown };
  /** Those of its outputs that hold secrets, with the secrets shown. */
  readonly shown?: { readonly [name: string]: unknown };
  /** A text in what the CLI says when it fails; absent where it succeeds. */
  readonly fails?: string;
  /** A project whose `dev` stack must be up before. */
  readonly after?: string;
}

const SDK = ["@pulumi/pulumi"] as const;
const TYPESCRIPT = [...SDK, "typescript", "@types/node"] as const;
const SECRET = "[secret]";

/** The passphrase of every fixture's stack. */
export const PASSPHRASE = "fixture";
/** The plain text of the secret in the configuration of `cjs-secrets`: it must appear nowhere. */
export const CANARY = 'canary-4fd1-"quoted"-7c20';
const CONNECTION = `queue://jobs?token=${CANARY}`;

export const PROJECTS: readonly FixtureProject[] = [
  {
    name: "cjs-secrets",
    packages: TYPESCRIPT,
    resources: ["dead-letters", "jobs"],
    outputs: {
      url: "queue://jobs",
      window: ["monday", "friday"],
      connection: SECRET,
      nested: { plain: [1, 2, { deep: "queue://dead" }], hidden: { inner: SECRET }, missing: null },
      stack: "organization/cjs-secrets/dev",
    },
    shown: {
      connection: CONNECTION,
      nested: { plain: [1, 2, { deep: "queue://dead" }], hidden: { inner: CANARY }, missing: null },
    },
  },
  {
    name: "esm-reference",
    packages: SDK,
    resources: ["organization/cjs-secrets/dev", "worker"],
    outputs: { queue: "queue://jobs", connection: SECRET, workerId: "worker-queue://jobs" },
    shown: { connection: CONNECTION },
    after: "cjs-secrets",
  },
  { name: "old-sdk", packages: [], resources: ["topic"], outputs: { id: "topic-1", sdk: "3.130.0" } },
  {
    name: "late-resources",
    packages: SDK,
    resources: ["at-once", "before-exit", "in-a-floating-function", "in-a-timer"],
    outputs: { done: true },
  },
  { name: "exits", packages: SDK, resources: ["first", "second"], outputs: { count: 2 } },
  {
    name: "floating-rejection",
    packages: SDK,
    resources: [],
    outputs: {},
    fails: "the lookup failed and nobody waits for it",
  },
  { name: "type-error", packages: TYPESCRIPT, resources: [], outputs: {}, fails: "TS2322" },
  {
    name: "nodeargs",
    packages: SDK,
    resources: ["note"],
    outputs: { preloaded: "nodeargs", header: 32768, title: "a long title", typescript: "unset" },
  },
  {
    name: "main-in-subfolder",
    packages: TYPESCRIPT,
    resources: ["note"],
    outputs: { greeting: "from the sub-folder", folder: "infra" },
  },
  {
    name: "mixed-modules",
    packages: SDK,
    resources: ["first", "later"],
    outputs: { sameSdk: true, ids: ["note-first", "note-later"] },
  },
];

/** A fixture by its name. */
export function fixture(name: string): FixtureProject {
  const found = PROJECTS.find((project) => project.name === name);
  if (found === undefined) throw new Error(`no fixture project is called ${name}`);
  return found;
}
