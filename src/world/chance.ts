/**
 * Chance without a state: a number follows from the seed and from what it is for, never from how many were drawn
 * before. So two runs that happen in another order see the same world.
 */
import { createHash } from "node:crypto";

/** A number in [0, 1) for these keys. */
export function chance(seed: number, ...keys: readonly (string | number)[]): number {
  return hash(seed, keys).readUIntBE(0, 6) / 2 ** 48;
}

/** Hexadecimal digits for these keys: ids that look like ids. */
export function hex(length: number, seed: number, ...keys: readonly (string | number)[]): string {
  return hash(seed, keys).toString("hex").slice(0, length);
}

/** The numbers 0 to n-1 in an order that follows from the keys. */
export function shuffled(n: number, seed: number, ...keys: readonly (string | number)[]): readonly number[] {
  return Array.from({ length: n }, (_, at) => ({ at, draw: chance(seed, ...keys, at) }))
    .sort((a, b) => a.draw - b.draw)
    .map(({ at }) => at);
}

function hash(seed: number, keys: readonly (string | number)[]): Buffer {
  return createHash("sha256")
    .update(JSON.stringify([seed, ...keys]))
    .digest();
}
