/**
 * Cases of the model test: a tree of groups that fast-check makes and shrinks, and rates that say how much of everything
 * else there is. What the rates leave open is drawn by name from the case's seed, so that a smaller tree keeps its luck.
 */
import fc from "fast-check";
import type { GatePolicy, OnFailure } from "../../src/gates/model.js";
import type { Entry, Gate, Sequence } from "../../src/sequence/model.js";
import { type Tree, tree } from "./trees.js";

/** Probabilities; 0 shrinks best. */
export interface Rates {
  /** Of gates, policies, rules on failure, retries. */
  readonly features: number;
  /** Of operations that don't succeed. */
  readonly trouble: number;
  /** Of looks that don't pass, or are late. */
  readonly flaps: number;
  /** Of crashes, stops (SIGSTOP) and lost replies, per step of the simulation. */
  readonly crashes: number;
  /** Of a person's words, per step of the simulation. */
  readonly words: number;
  /** Of clock jumps, per step of the simulation. */
  readonly jumps: number;
}

export interface Case {
  readonly trees: readonly Tree[];
  readonly seed: number;
  readonly parallel: number;
  readonly rates: Rates;
}

export const cases: fc.Arbitrary<Case> = fc.record({
  trees: fc.array(tree, { minLength: 1, maxLength: 3 }),
  seed: fc.nat(),
  parallel: fc.integer({ min: 1, max: 3 }),
  rates: fc.record({
    features: fc.constantFrom(0, 0.3, 0.6),
    trouble: fc.constantFrom(0, 0.1, 0.4),
    flaps: fc.constantFrom(0, 0.1, 0.4),
    crashes: fc.constantFrom(0, 0.01, 0.03),
    words: fc.constantFrom(0, 0.01, 0.05),
    jumps: fc.constantFrom(0, 0.01, 0.02),
  }),
});

/** A number in [0, 1) for a name: always the same for a seed (FNV-1a, then a mixing step). */
export function draw(seed: number, name: string): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000;
}

/** A stream of numbers in [0, 1) (mulberry32). */
export function stream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

// ------------------------------------------------------------------------------------------------------ sequences

interface Place {
  readonly independent: boolean;
  readonly lockstep: boolean;
}

/** The valid sequence of a case, in its JSON form. */
export function sequenceOf({ trees, seed, rates }: Case): Sequence {
  const luck = (name: string): number => draw(seed, name);
  const has = (name: string, chance = 1): boolean => luck(name) < rates.features * chance;
  const pick = <T>(name: string, first: T, ...others: readonly T[]): T =>
    has(`${name}?`) ? ([first, ...others][Math.floor(luck(name) * (others.length + 1))] ?? first) : first;

  function policy(name: string, place: Place, retryable: boolean): Partial<GatePolicy> {
    const rules: readonly OnFailure[] = [
      "hold",
      ...(retryable ? (["retry", "retry", "retry", "retry"] as const) : []),
      ...(place.independent ? (["continue"] as const) : []),
    ];
    const rule = (of: string): OnFailure => pick<OnFailure>(`${name} ${of}`, "halt", ...rules);
    const limit = (of: string): number | undefined => pick<number | undefined>(`${name} ${of}`, undefined, 1, 2, 3);
    const limits = {
      failureLimit: limit("fails"),
      consecutiveErrorLimit: limit("errors"),
      inconclusiveLimit: limit("inconclusives"),
    };
    return {
      interval: pick(`${name} interval`, 1_000, 2_000),
      timeout: pick(`${name} timeout`, 30_000, 9_000),
      requestTimeout: 2_000,
      consecutiveSuccessLimit: pick(`${name} streak`, 1, 2, 3),
      stableFor: pick(`${name} stable`, 0, 2_500),
      initialDelay: pick(`${name} delay`, 0, 500),
      ...Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)),
      onFailure: rule("onFailure"),
      onError: rule("onError"),
      onInconclusive: rule("onInconclusive"),
      onTimeout: rule("onTimeout"),
      dryRun: has(`${name} dry`, 0.2),
    };
  }

  function gates(owner: string, phase: string, place: Place, retryable: boolean, chance: number): readonly Gate[] {
    return ["g", "h"].flatMap((name, at): Gate[] => {
      const id = `${owner} ${phase} ${name}`;
      if (luck(id) >= (at === 0 ? chance : chance * 0.3)) return [];
      const names = ["a", "b", "c"].slice(0, 1 + (has(`${id} targets`) ? 1 + Math.floor(luck(`${id} n`) * 2) : 0));
      const targets = names.map((target) => ({
        name: target,
        probe: { type: "http" as const, url: "http://localhost/", expect: {} },
      }));
      const quorum = pick<GatePolicy["quorum"]>(`${id} quorum`, "all", "any", names.length - 1 || 1);
      return [{ name, targets, quorum, ...policy(id, place, retryable) }];
    });
  }

  function entry(node: Tree, name: string, place: Place): { entry: Entry; retryable: boolean } {
    if (node.kind === "step") {
      const onFailure = pick<OnFailure>(`${name} rule`, "halt", "retry", "retry", ...continues(place));
      const retry = { attempts: 2 + Math.floor(luck(`${name} attempts`) * 3), backoff: 3_000 };
      const retryable = onFailure === "retry" || has(`${name} retry`, 1.5);
      const verb = pick(`${name} verb`, "up" as const, "destroy" as const, "refresh" as const);
      const made: Entry = {
        kind: verb,
        name,
        dir: name,
        stack: "dev",
        onFailure,
        ...(retryable ? { retry } : {}),
        readyWhen: gates(name, "ready", place, false, rates.features * 0.4),
        convergedWhen: gates(name, "converged", place, retryable, 0.4 + rates.features * 0.5),
      };
      return { entry: made, retryable };
    }
    const below = {
      independent: place.independent || node.kind === "independent",
      lockstep: place.lockstep || node.kind === "lockstep",
    };
    const members = node.members.map((member, at) => entry(member, `${name}-${at}`, below));
    const retryable = members.every((member) => member.retryable);
    const window = node.kind === "lockstep" && !place.lockstep && luck(`${name} window`) < 0.5 ? { window: 1_000 } : {};
    const made: Entry = {
      kind: node.kind,
      name,
      members: members.map((member) => member.entry),
      readyWhen: gates(name, "ready", place, false, rates.features * 0.3),
      convergedWhen: gates(name, "converged", place, retryable, rates.features * (retryable ? 0.9 : 0.4)),
      ...window,
    };
    return { entry: made, retryable };
  }

  const nowhere: Place = { independent: false, lockstep: false };
  const steps = trees.map((node, at) => entry(node, `n${at}`, nowhere).entry);
  return {
    version: 1,
    name: "s",
    steps: steps.map((made, at) => onSharedStack(made, at, has)),
    consistentWhen: gates("sequence", "consistent", nowhere, false, rates.features * 0.4),
  };
}

const continues = (place: Place): readonly OnFailure[] => (place.independent ? ["continue", "continue"] : []);

/** A step of the outermost list may operate the stack of an earlier one: the list keeps them apart. */
function onSharedStack(entry: Entry, at: number, has: (name: string, chance: number) => boolean): Entry {
  return "members" in entry || at === 0 || !has(`${entry.name} shared`, 0.4) ? entry : { ...entry, dir: "shared" };
}
