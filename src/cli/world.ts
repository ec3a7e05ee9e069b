/** `evo world change`: what somebody does in a console, in a rehearsal's world. */
import { EvoError } from "../errors.js";
import { rehearsalOf } from "../evo/rehearsal.js";
import { readSettings } from "../evo/settings.js";
import type { Json } from "../gates/model.js";
import { loadSequence } from "../sequence/load.js";
import { openWorld } from "../world/index.js";
import { print, sayAt } from "./output.js";

export interface ChangeOptions {
  readonly set?: string;
  readonly delete?: boolean;
  readonly stack?: string;
}

/** Changes a live resource of the world that a sequence is rehearsed in, past every engine. */
export async function change(sequence: string, resource: string, options: ChangeOptions): Promise<void> {
  const settings = readSettings(process.env, process.cwd());
  const what = changeOf(options);
  const { module } = rehearsalOf(await loadSequence(sequence, settings.cwd));
  const world = await openWorld({ home: settings.home, module, say: sayAt });
  try {
    await world.change({ resource, change: what, ...(options.stack === undefined ? {} : { stack: options.stack }) });
    print(
      `${resource}: ${what === "delete" ? "deleted" : `${what.path} changed`} in world ${world.name}, past every engine`,
    );
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
