/**
 * Configuration that a step adds: the engine can take it only from a settings file, and would write it into the
 * project's own. So it gets a copy, in memory where the system has such a place, that is gone right after the engine.
 * Secrets come to the copy encrypted: the CLI reads them from its standard input, never from its arguments.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import yaml from "js-yaml";
import { EvoError } from "../../errors.js";
import { readStackSettings, shortStackName } from "../stack/project.js";
import { askEngine } from "./engine-process.js";
import type { HostOrder } from "./order.js";

export interface SettingsCopy {
  readonly file: string;
  remove(): void;
}

const MEMORY = "/dev/shm";

/** Makes the copy; undefined when the step adds nothing. Errors: `stack.config` when the engine refuses a value. */
export async function settingsCopy(order: HostOrder): Promise<SettingsCopy | undefined> {
  const base = settingsFile(order);
  if (Object.keys(order.config).length + Object.keys(order.secretConfig).length === 0) {
    return order.settingsHome === undefined || base === undefined ? undefined : { file: base, remove: () => undefined };
  }
  const directory = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : order.directory, "evo-settings-"));
  const copy = {
    file: join(directory, `Pulumi.${shortStackName(order.stackName)}.yaml`),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
  try {
    if (base !== undefined) copyFileSync(base, copy.file);
    addPlain(copy.file, order);
    for (const [key, value] of Object.entries(order.secretConfig)) await addSecret(copy.file, order, key, value);
    return copy;
  } catch (error) {
    copy.remove();
    throw error;
  }
}

/** What the engine would take by itself. */
function settingsFile(order: HostOrder): string | undefined {
  if (order.settingsHome === undefined) return readStackSettings(order.project, order.stackName)?.file;
  const file = join(order.settingsHome, `Pulumi.${shortStackName(order.stackName)}.yaml`);
  return existsSync(file) ? file : undefined;
}

/** Text, as `pulumi up --config` would set it. */
function addPlain(file: string, order: HostOrder): void {
  const settings = (existsSync(file) ? yaml.load(readFileSync(file, "utf8")) : undefined) as
    | { config?: object }
    | undefined;
  const added = Object.entries(order.config).map(([key, value]) => [qualified(key, order), value]);
  const config = { ...settings?.config, ...Object.fromEntries(added) };
  writeFileSync(file, yaml.dump({ ...settings, config }, { lineWidth: -1 }), { mode: 0o600 });
}

function qualified(key: string, order: HostOrder): string {
  return key.includes(":") ? key : `${order.project.name}:${key}`;
}

async function addSecret(file: string, order: HostOrder, key: string, value: string): Promise<void> {
  const args = ["config", "set", "--secret", qualified(key, order), "--config-file", file];
  const { engine, env, project } = order;
  const all = [...args, "--stack", order.stackName, "--non-interactive"];
  // The CLI drops one line break at the end of what it reads.
  const answer = await askEngine({ engine: engine.path, args: all, cwd: project.directory, env }, `${value}\n`);
  if (answer.code === 0) return;
  throw new EvoError("stack.config", `the engine did not take secret config ${key}: ${answer.stderr.trim()}`, {
    source: "engine",
  });
}
