/**
 * Resources that several stacks of a file backend hold: of one type and with one id they are the same live thing, and
 * whoever updates it through one stack makes the others drift.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { StackId } from "../../departures/model.js";
import { type BackedStack, type FileStack, readBackendFile } from "./backend.js";
import { resourcesIn } from "./snapshot.js";

/** The same live resource in another stack. */
export interface Twin {
  /** In the stack that was asked about. */
  readonly urn: string;
  readonly stack: StackId;
  /** In that other stack. */
  readonly other: string;
}

/** Of these resources of the stack, each in every other stack that holds it; none where the backend is no file. */
export function twinsOf(stack: BackedStack, urns: readonly string[]): readonly Twin[] {
  if (stack.kind !== "file" || !existsSync(stack.checkpoint)) return [];
  const mine = resourcesIn(readBackendFile(stack.checkpoint)).filter(({ urn, id }) => id && urns.includes(urn));
  if (mine.length === 0) return [];
  return others(stack).flatMap(({ file, name }) =>
    resourcesIn(readBackendFile(file)).flatMap(({ urn: other, type, id }) => {
      const same = mine.filter((resource) => resource.type === type && resource.id === id);
      return same.map(({ urn }) => ({ urn, stack: `${stack.url}#organization/${name}`, other }));
    }),
  );
}

/** Checkpoints of the other stacks, with `<project>/<stack>`. */
function others({ directory, checkpoint }: FileStack): readonly { readonly file: string; readonly name: string }[] {
  const folder = join(directory, ".pulumi", "stacks");
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).flatMap((path) => {
    const name = /^([^/]+\/[^/]+)\.json(?:\.gz)?$/.exec(path)?.[1];
    const file = join(folder, path);
    return name === undefined || file === checkpoint ? [] : [{ file, name }];
  });
}
