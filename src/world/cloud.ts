/**
 * The simulated cloud's control plane: what was made, changed and deleted, in order. It is the fold of a file, so that
 * a later command sees the same world. Secrets in that file are sealed (invariant 11).
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { Json, StandingFault } from "./model.js";
import { appender, readLines } from "./ndjson.js";
import { type Chances, type Placed, place, typeOf, type Version } from "./propagation.js";
import { secret, withSecrets } from "./values.js";

export interface Cloud {
  readonly versions: readonly Placed[];
  readonly faults: readonly StandingFault[];
  /** Takes a change: gives it its number, writes it down, and says when it is due where. */
  take(change: Omit<Version, "number">): Placed;
  /** How many changes of this URN there have been. */
  count(urn: string): number;
  /**
   * The newest version of a resource that exists, by its id. Ids are unique within a region only, so the URN decides
   * first; it is unknown here when a stack reads or imports what another made.
   */
  live(urn: string, id: string): Placed | undefined;
  fault(fault: StandingFault): void;
  /** Ends all standing faults: what they kept back arrives. */
  lift(at: number): void;
}

type Line =
  | { readonly kind: "version"; readonly version: Version }
  | { readonly kind: "fault"; readonly fault: StandingFault }
  | { readonly kind: "lifted"; readonly at: number };

/** Opens the cloud that a file remembers. The file is appended to before a change is believed. */
export function openCloud(file: string, key: Buffer, chances: Chances): Cloud {
  const versions: Placed[] = [];
  const faults: StandingFault[] = [];
  const end = (at: number) => {
    faults.forEach((fault, place) => {
      faults[place] = { ...fault, until: Math.min(at, fault.until ?? at) };
    });
  };
  for (const line of readLines(file)) {
    const known = withSealed(line, key) as unknown as Line;
    if (known.kind === "version") versions.push(place(chances, known.version));
    else if (known.kind === "fault") faults.push(known.fault);
    else end(known.at);
  }
  const append = appender(file);
  const write = (line: Line) =>
    append(withSecrets(line as unknown as Json, (value) => ({ [SEALED]: seal(value, key) })));
  const count = (urn: string) => versions.filter((version) => version.urn === urn).length;
  return {
    versions,
    faults,
    count,
    take(change) {
      const version: Version = { ...change, number: count(change.urn) + 1 };
      write({ kind: "version", version });
      const placed = place(chances, version);
      versions.push(placed);
      return placed;
    },
    live(urn, id) {
      const newest =
        versions.findLast((version) => version.urn === urn && version.id === id) ??
        versions.findLast((version) => version.type === typeOf(urn) && version.id === id);
      return newest?.properties === undefined ? undefined : newest;
    },
    fault(fault) {
      write({ kind: "fault", fault });
      faults.push(fault);
    },
    lift(at) {
      write({ kind: "lifted", at });
      end(at);
    },
  };
}

// ------------------------------------------------------------------------------------------------------- Sealing

const SEALED = "evo.sealed";

function seal(value: Json, key: Buffer): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const body = Buffer.concat([cipher.update(JSON.stringify(value), "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64");
}

function unseal(text: string, key: Buffer): Json {
  const bytes = Buffer.from(text, "base64");
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(12, 28));
  return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString("utf8")) as Json;
}

function withSealed(value: Json, key: Buffer): Json {
  if (Array.isArray(value)) return value.map((each) => withSealed(each, key));
  if (typeof value !== "object" || value === null) return value;
  const object = value as { readonly [key: string]: Json };
  if (typeof object[SEALED] === "string") return secret(unseal(object[SEALED], key));
  return Object.fromEntries(Object.entries(object).map(([name, each]) => [name, withSealed(each, key)]));
}
