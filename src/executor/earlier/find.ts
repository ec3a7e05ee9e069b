/** What a step runs: the program in the checkout, or the one of a recorded state in its place, on the same stack. */
import { join, relative } from "node:path";
import { EvoError } from "../../errors.js";
import type { StepNode } from "../../plan/model.js";
import type { StackIdentity } from "../../run/ports.js";
import type { ExecutorSettings } from "../settings.js";
import { backendUrl, locateStack, stackIdentity } from "../stack/backend.js";
import { demandUsable, type FoundStack, findStack, identifyStack } from "../stack/identity.js";
import { type Project, readStackSettings } from "../stack/project.js";
import { saltOf, standInFor } from "../stack/stand-in.js";
import { programsFolder, recordedProgram } from "./program.js";
import { isIgnored, repositoryOf } from "./repository.js";

export interface FoundProgram extends FoundStack {
  /** The project as the checkout has it today: where the stack is and how its secrets are kept. */
  readonly today: Project;
}

/**
 * The program that the step runs, and its stack. Of a step with a recorded state the program is made ready first. Errors:
 * as `findStack` and `recordedProgram`; `earlier.unresolved`, `earlier.another-stack`, `earlier.secrets`, `earlier.settings`.
 */
export async function findProgram(settings: ExecutorSettings, node: StepNode, root: string): Promise<FoundProgram> {
  refuseUnresolved(node);
  const { project: today, stack } = findStack(node, root, settings.env);
  if (node.earlier === undefined) return { project: today, stack, today };
  const project = await recordedProgram(settings, node, node.earlier, root);
  const meant = locateStack({ ...today, name: project.name }, node.stack.stack, settings.env);
  if (stackIdentity(meant) !== stackIdentity(stack)) throw refused(node, "another-stack", `then it was ${meant.name}`);
  refuseOtherSecrets(node, project, today);
  await refuseUnknownSettings(node, project, today, root);
  return { project, stack, today };
}

/** Where the stack is and what would run there now. Errors: as `findProgram`, and those of `demandUsable`. */
export async function identify(settings: ExecutorSettings, node: StepNode, root: string): Promise<StackIdentity> {
  const { earlier } = node;
  refuseUnresolved(node);
  if (earlier === undefined) return identifyStack(node, root, settings.env);
  const { stack, today } = await findProgram(settings, node, root);
  demandUsable(node, { project: today, stack }, settings.env);
  const { dir, commit, sha256 } = earlier;
  // A name of its own: another step of the run may run what is there today.
  const path = `${dir}@${commit.slice(0, 12)}`;
  return { stack: stackIdentity(stack), source: { path, sha256, commit, dirty: false } };
}

/** What would run is known only once the record has been asked: until then nothing runs in its place. */
function refuseUnresolved({ id, options, earlier }: StepNode): void {
  if (options.asOf === undefined || earlier !== undefined) return;
  throw new EvoError(
    "earlier.unresolved",
    `step ${id} is put to a recorded state, which is looked up when a run starts`,
    {
      remedy: "evo recover <run> --dry-run shows which one it would be",
    },
  );
}

/** State and settings are encrypted in one way: what was kept in another can't stand beside it. */
function refuseOtherSecrets(node: StepNode, project: Project, today: Project): void {
  const [then, now] = [project, today].map((one) => readStackSettings(one, node.stack.stack));
  if (then === undefined || now === undefined) return;
  const salted = then.encryptionsalt !== undefined && now.encryptionsalt !== undefined;
  if (then.secretsprovider === now.secretsprovider && (!salted || then.encryptionsalt === now.encryptionsalt)) return;
  throw refused(node, "secrets", "the stack's secrets have been kept in another way since");
}

/** Settings that git leaves alone are in no commit, so nobody knows what they were. */
async function refuseUnknownSettings(node: StepNode, project: Project, today: Project, root: string): Promise<void> {
  const now = readStackSettings(today, node.stack.stack)?.file;
  if (now === undefined || readStackSettings(project, node.stack.stack) !== undefined) return;
  if (!(await isIgnored(await repositoryOf(root), now))) return;
  throw refused(node, "settings", `git ignores ${relative(root, now)}, so its config is in no commit`);
}

function refused({ id, stack, earlier }: StepNode, code: string, why: string): EvoError {
  const what = `step ${id}: ${stack.stack} can't be put back to ${earlier?.operation}: ${why}`;
  return new EvoError(`earlier.${code}`, what, {
    remedy: "name another operation in asOf, or say in the step's own config what to put back",
  });
}

// ------------------------------------------------------------------------------------------- settings and environment

/**
 * The folder whose settings files stand in for the project's own: in a rehearsal, and where an earlier program runs, which
 * gets the salt that the stack's secrets have today.
 */
export function settingsHome(
  { standIn, home }: ExecutorSettings,
  node: StepNode,
  { project, today }: FoundProgram,
): { readonly settingsHome?: string } {
  const { stack } = node.stack;
  const earlier = project !== today;
  if (standIn !== undefined) {
    const own = standInFor(standIn, today, stack);
    return { settingsHome: earlier ? standInFor(standIn, project, stack, saltOf(own, stack)) : own };
  }
  if (!earlier) return {};
  const directory = join(programsFolder(home), "settings");
  const kept = { directory, onePassphrase: false, transform: (text: string) => text };
  const salt = [today, project]
    .map((one) => readStackSettings(one, stack)?.encryptionsalt)
    .find((one) => one !== undefined);
  return { settingsHome: standInFor(kept, project, stack, salt) };
}

/** An engine in an earlier program's folder would read its backend there: it is told the stack's own. */
export function backendFor(settings: ExecutorSettings, { project, today, stack }: FoundProgram) {
  if (project === today) return {};
  const url = stack.kind === "file" ? stack.url : backendUrl(today, settings.env);
  return { PULUMI_BACKEND_URL: url };
}
