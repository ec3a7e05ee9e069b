/** Settings files that stand in for a project's own: in a rehearsal (invariant 13), and for a program of an earlier commit. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { sha256 } from "../../canonical.js";
import type { StandIn } from "../settings.js";
import { type Project, readStackSettings, shortStackName } from "./project.js";

/**
 * The folder for a stack, made anew from the project's files: `Pulumi.yaml` as it is, the stack's settings transformed.
 * The salt of the rehearsal's own secrets, once the engine has written it, stays; `salt`: the stack's, where it is known.
 */
export function standInFor(
  { directory, transform }: StandIn,
  project: Project,
  stack: string,
  salt: string | undefined = undefined,
): string {
  const folder = join(directory, sha256(`${project.directory} ${stack}`).slice(0, 12));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  copyFileSync(project.file, join(folder, basename(project.file)));
  const file = join(folder, `Pulumi.${shortStackName(stack)}.yaml`);
  const kept = salt ?? saltIn(file);
  const own = readStackSettings(project, stack)?.file;
  const name = `${project.name}/${shortStackName(stack)}`;
  const settings = own === undefined ? "" : transform(readFileSync(own, "utf8"), name);
  writeFileSync(file, withSalt(settings, kept), { mode: 0o600 });
  return folder;
}

/** The text with this salt and no other; settings may be JSON, which is YAML on one line. */
function withSalt(text: string, salt: string | undefined): string {
  const own = salt === undefined ? {} : { encryptionsalt: salt };
  if (/^\s*\{/.test(text)) return JSON.stringify({ ...JSON.parse(text), ...own });
  const line = salt === undefined ? "" : `encryptionsalt: ${salt}`;
  return `${line}\n${text.replace(/^encryptionsalt:.*\n?/m, "")}`;
}

/** The salt that a stand-in's settings have got. */
export function saltOf(folder: string, stack: string): string | undefined {
  return saltIn(join(folder, `Pulumi.${shortStackName(stack)}.yaml`));
}

function saltIn(file: string): string | undefined {
  return existsSync(file) ? /^encryptionsalt: *(.*)$/m.exec(readFileSync(file, "utf8"))?.[1] : undefined;
}
