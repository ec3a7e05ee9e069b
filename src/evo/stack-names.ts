/**
 * Stacks that a sequence names and that don't seem to be there: told from settings files and, where the backend is a
 * folder, from the backend itself; no engine runs. Whether a stack of any other backend exists, nobody can say here.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readProject as findProject, shortName } from "../authoring/projects.js";
import { EvoError } from "../errors.js";
import { type BackedStack, locateStack, stacksBeside } from "../executor/stack/backend.js";
import { readProject } from "../executor/stack/project.js";
import { compile } from "../plan/compile.js";
import { stepsOf } from "../run/edges.js";
import type { LoadedSequence } from "../sequence/load.js";
import type { Path } from "../sequence/locate.js";
import { isGroup } from "../sequence/model.js";
import { places } from "../sequence/places.js";
import type { Problem } from "../sequence/problems.js";
import { nearest } from "../sequence/suggest.js";
import type { Settings } from "./settings.js";

export interface StackNames {
  /** The backend holds no such stack, but one whose name is near: misspelt. */
  readonly wrong: readonly Problem[];
  /** No settings file has the name, but one a near one; the backend was not asked. */
  readonly doubtful: readonly Problem[];
  /** Stacks that the backend doesn't hold yet. */
  readonly absent: readonly { readonly step: string; readonly stack: string; readonly backend: string }[];
}

/** Looks up the stack of every step that doesn't make it. */
export function stackNames({ sequence, root, locate }: LoadedSequence, { env }: Settings): StackNames {
  const paths = new Map<string, Path>(
    places(sequence).flatMap(({ entry, path }) => (isGroup(entry) ? [] : [[entry.name, path] as const])),
  );
  const found = stepsOf(compile(sequence))
    .filter(({ options }) => options.createStack !== true)
    .map((node) => {
      const settings = findProject(join(root, node.stack.dir))?.stacks ?? [];
      const backed = whereIs(() => locateStack(readProject(node, root), node.stack.stack, env));
      const path = paths.get(node.id) ?? [];
      return { step: node.id, stack: node.stack.stack, settings, backed, at: () => locate(path, "stack") };
    })
    .filter(({ stack, settings, backed }) =>
      backed?.kind === "file" ? !existsSync(backed.checkpoint) : !settings.includes(shortName(stack)),
    );
  const judged = found.map((one) => ({ ...one, meant: meantBy(one) }));
  const problem = ({ step, stack, meant, backed, at }: (typeof judged)[number]): Problem => ({
    code: "sequence.unknown-stack",
    message: `Step "${step}" names the stack "${stack}", ${lack(stack, backed)}. Did you mean "${meant}"?`,
    remedy: "Correct stack, or say createStack: true where the step is to make it.",
    at: at(),
  });
  return {
    wrong: judged.filter(({ meant, backed }) => meant !== undefined && backed?.kind === "file").map(problem),
    doubtful: judged.filter(({ meant, backed }) => meant !== undefined && backed?.kind !== "file").map(problem),
    absent: judged.flatMap(({ step, stack, meant, backed }) =>
      meant === undefined && backed?.kind === "file" ? [{ step, stack, backend: backed.url }] : [],
    ),
  };
}

function lack(stack: string, backed: BackedStack | undefined): string {
  if (backed?.kind === "file") return `and there is none in ${backed.url}`;
  return `and there is no Pulumi.${shortName(stack)}.yaml`;
}

interface Asked {
  readonly stack: string;
  readonly settings: readonly string[];
  readonly backed: BackedStack | undefined;
}

/** `prod`, `prod-1` and `prod-2` are a family, no slip of the finger. */
function meantBy({ stack, settings, backed }: Asked): string | undefined {
  const name = shortName(stack);
  const letters = (text: string) => text.replace(/[-_.\d]+/g, "");
  const known = [...(backed?.kind === "file" ? stacksBeside(backed) : []), ...settings];
  return nearest(
    name,
    known.filter((other) => other !== name && letters(other) !== letters(name)),
  );
}

/** Undefined where nobody is logged in anywhere, or a project can't be read: that is said when it matters. */
function whereIs(look: () => BackedStack): BackedStack | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof EvoError) return undefined;
    throw error;
  }
}
