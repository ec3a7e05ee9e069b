/** The engine's checkpoint, read for comparison: which resources and property paths differ, and never a value. Pure. */
import type { Changed } from "../../departures/model.js";

/** Marks a secret in a checkpoint. Source: pulumi/pulumi sdk/go/common/resource/sig/sig.go. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
/** Deepest path and most paths that are told of one resource. */
const DEEPEST = 6;
const MOST = 50;

type Value = unknown;
type Mapping = { readonly [key: string]: Value };

export interface SnapshotResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs: Mapping;
  readonly outputs: Mapping;
  /** Output names that the program declared secret. */
  readonly secretOutputs: readonly string[];
}

/** `pulumi import` and `pulumi state` write keys with capitals where an update doesn't. */
function pick(value: Value, name: string): Value {
  if (!isMapping(value)) return undefined;
  const key = Object.keys(value).find((candidate) => candidate.toLowerCase() === name);
  return key === undefined ? undefined : value[key];
}

function isMapping(value: Value): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function mapping(value: Value): Mapping {
  return isMapping(value) ? value : {};
}

/** The resources of a checkpoint's file, or of `pulumi stack export`. Throws a SyntaxError on what is no JSON. */
export function resourcesIn(text: string): readonly SnapshotResource[] {
  const all: Value = JSON.parse(text);
  const latest = pick(pick(all, "checkpoint"), "latest") ?? pick(all, "deployment");
  const resources = pick(latest, "resources");
  return (Array.isArray(resources) ? resources : []).map((raw: Value) => {
    const id = pick(raw, "id");
    const secret = pick(raw, "additionalsecretoutputs");
    return {
      urn: String(pick(raw, "urn")),
      type: String(pick(raw, "type")),
      ...(typeof id === "string" ? { id } : {}),
      inputs: mapping(pick(raw, "inputs")),
      outputs: mapping(pick(raw, "outputs")),
      secretOutputs: Array.isArray(secret) ? secret.map(String) : [],
    };
  });
}

/** What became of the resources from one checkpoint to another. */
export function compareSnapshots(
  before: readonly SnapshotResource[],
  after: readonly SnapshotResource[],
): readonly Changed[] {
  const old = new Map(before.map((resource) => [resource.urn, resource]));
  const now = new Map(after.map((resource) => [resource.urn, resource]));
  const changed = (op: string, { urn, type }: SnapshotResource, paths: readonly string[] = []): Changed => ({
    urn,
    type,
    op,
    paths,
  });
  return [
    ...after.flatMap((resource) => {
      const was = old.get(resource.urn);
      if (was === undefined) return [changed("create", resource)];
      const paths = differingPaths(was, resource);
      if (was.id !== resource.id) return [changed("replace", resource, paths)];
      return paths.length === 0 ? [] : [changed("update", resource, paths)];
    }),
    ...before.filter(({ urn }) => !now.has(urn)).map((resource) => changed("delete", resource)),
  ];
}

/** Of inputs; where they are the same, of outputs. */
function differingPaths(a: SnapshotResource, b: SnapshotResource): readonly string[] {
  const inputs = [...differing("", a.inputs, b.inputs, 0)];
  const paths = inputs.length > 0 ? inputs : [...differing("", a.outputs, b.outputs, 0)];
  return paths.slice(0, MOST);
}

/** Two secrets can't be told apart: their ciphertext may differ although they are the same. */
function* differing(path: string, a: Value, b: Value, depth: number): Generator<string> {
  if (isSecret(a) && isSecret(b)) return;
  const bothMappings = isMapping(a) && isMapping(b) && !isSecret(a) && !isSecret(b);
  const bothLists = Array.isArray(a) && Array.isArray(b) && a.length === b.length;
  if ((!bothMappings && !bothLists) || depth >= DEEPEST) {
    if (JSON.stringify(a) !== JSON.stringify(b)) yield path;
    return;
  }
  const [x, y] = [a as Mapping, b as Mapping];
  for (const key of new Set([...Object.keys(x), ...Object.keys(y)]))
    if (key !== "__provider") yield* differing(joined(path, key, Array.isArray(a)), x[key], y[key], depth + 1);
}

/** In the engine's notation: `tags.team`, `routes[0].path`. */
function joined(path: string, key: string, inList: boolean): string {
  if (inList) return `${path}[${key}]`;
  const plain = /^[A-Za-z_][\w-]*$/.test(key);
  if (!plain) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** Whether a checkpoint's value is a secret. */
export function isSecret(value: Value): boolean {
  return isMapping(value) && SIGNATURE in value;
}
