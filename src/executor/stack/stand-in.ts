/** Settings files that stand in for a project's own: in a rehearsal (invariant 13), and for a program of an earlier commit. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { sha256 } from "../../canonical.js";
import type { StandIn } from "../settings.js";
import { type Project, readStackSettings, shortStackName } from "./project.js";

/**
 * The folder for a stack, made anew from the project's files: `Pulumi.yaml` as it is, the stack's settings transformed.
 * The salt of the rehearsal's own secrets, once the engine has written it, stays; `salt`: the stack's, where it is known.
 * A stack that has none takes another's if they have one passphrase: an engine derives a key for a quarter of a second for
 * each salt that it meets.
 */
export function standInFor(
  { directory, onePassphrase, transform }: StandIn,
  project: Project,
  stack: string,
  salt: string | undefined = undefined,
): string {
  const folder = join(directory, sha256(`${project.directory} ${stack}`).slice(0, 12));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  copyFileSync(project.file, join(folder, basename(project.file)));
  const file = join(folder, `Pulumi.${shortStackName(stack)}.yaml`);
  const kept = salt ?? saltIn(file) ?? (onePassphrase ? saltBeside(directory) : undefined);
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

/** The salt of any other stack. */
function saltBeside(directory: string): string | undefined {
  for (const folder of readdirSync(directory).sort())
    for (const name of readdirSync(join(directory, folder)).sort()) {
      const salt = /^Pulumi\..+\.yaml$/.test(name) ? saltIn(join(directory, folder, name)) : undefined;
      if (salt !== undefined) return salt;
    }
  return undefined;
}

function saltIn(file: string): string | undefined {
  return existsSync(file) ? /^encryptionsalt: *(.*)$/m.exec(readFileSync(file, "utf8"))?.[1] : undefined;
}
