/** `evo world`: what somebody does in a console, what goes wrong, and what has happened, in a rehearsal's world. */
import { EvoError } from "../errors.js";
import { rehearsalOf } from "../evo/rehearsal.js";
import { readSettings } from "../evo/settings.js";
import type { Json } from "../gates/model.js";
import { loadSequence } from "../sequence/load.js";
import { wrap } from "../views/text.js";
import { describeFault, describeWorldEntry, openWorld, parseFault, type World } from "../world/index.js";
import { instant, wholeNumber } from "./options.js";
import { columns, print, printJson, sayAt } from "./output.js";

export interface ChangeOptions {
  readonly set?: string;
  readonly delete?: boolean;
  readonly stack?: string;
}

/** Changes a live resource of the world that a sequence is rehearsed in, past every engine. */
export async function change(sequence: string, resource: string, options: ChangeOptions): Promise<void> {
  const what = changeOf(options);
  await within(sequence, async (world) => {
    await world.change({ resource, change: what, ...(options.stack === undefined ? {} : { stack: options.stack }) });
    const how = what === "delete" ? "deleted" : `${what.path} changed`;
    print(`${resource}: ${how} in world ${world.name}, past every engine`);
  });
}

/** Sets faults in the world of a sequence, whoever else holds it, or ends all. */
export async function fault(sequence: string, texts: readonly string[], options: { lift?: boolean }): Promise<void> {
  if (texts.length === 0 && options.lift !== true)
    throw new EvoError("usage", "say what goes wrong, or --lift", {
      remedy: "evo world fault role-rollout never-converges:eu-west-1",
    });
  const faults = texts.map(parseFault);
  await within(sequence, async (world) => {
    if (options.lift) await world.lift();
    for (const one of faults) await world.fault(one);
    if (options.lift) print(`all faults lifted in world ${world.name}`);
    print(faults.map((one) => `${describeFault(one)}: from now on, in world ${world.name}`));
  });
}

export interface LogOptions {
  readonly since?: string;
  readonly limit: string;
  readonly json?: boolean;
}

/** Prints the world's own log, oldest first. */
export async function log(sequence: string, options: LogOptions): Promise<void> {
  const limit = wholeNumber("--limit", options.limit, 1);
  const since = options.since === undefined ? 0 : Date.parse(instant("--since", options.since));
  await within(sequence, async (world) => {
    const entries = (await world.log()).filter(({ at }) => at >= since).slice(-limit);
    if (options.json) printJson(entries);
    else print(entries.flatMap((entry) => wrap(describeWorldEntry(entry), columns(), "    ")));
  });
}

async function within(sequence: string, act: (world: World) => Promise<void>): Promise<void> {
  const settings = readSettings(process.env, process.cwd());
  const world = await openWorld({
    home: settings.home,
    say: sayAt,
    ...rehearsalOf(await loadSequence(sequence, settings.cwd, settings.cache)),
  });
  try {
    await act(world);
  } finally {
    await world.close();
  }
}

function changeOf(options: ChangeOptions): "delete" | { readonly path: string; readonly value: Json } {
  const [path, ...rest] = options.set?.split("=") ?? [];
  if (options.delete === true && options.set === undefined) return "delete";
  if (options.delete !== true && path && rest.length > 0) return { path, value: jsonOrText(rest.join("=")) };
  throw new EvoError("usage", "say what is changed: --set <path>=<value>, or --delete", {
    remedy: "evo world change role-rollout order-approver --set description=changed",
  });
}

/** JSON where it is some, else the text itself. */
function jsonOrText(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
