/**
 * Taking a lease over from a driver that is gone (DESIGN 3, invariant 4). Never on the strength of time alone: a process
 * that has slept through its lease may be about to go on. On this machine its death is proven, or brought about and then
 * proven; on another machine a person signs for it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { EvoError, EXIT } from "../errors.js";
import type { Json } from "../gates/model.js";
import { isDead, isHere, myself, type Owner } from "../process-owner.js";
import { eventOf } from "../run/entries.js";
import { fold } from "../run/evolve.js";
import { LEASE_TTL } from "../run/leases.js";
import type { Lease, LeaseHolder, Ledger } from "../run/ports.js";
import { isOver } from "../run/state.js";
import { describeHolder } from "../views/lines.js";

/** Milliseconds that a killed process has to be gone. */
const DEATH = 5_000;

/** A lease, and how it was come by where somebody else had it. */
export interface Obtained {
  readonly lease: Lease;
  /** One sentence for the record; absent where the lease was free. */
  readonly proof?: string;
}

/** What a lease tells of its holder: enough to prove that process's death. */
export function holderOf(claimed: string, run: string, sequence: string): { readonly [key: string]: Json } {
  return { run, sequence, actor: claimed, ...myself() };
}

/** Whether its holder is at work, as far as that can be known: its time runs, and it isn't known to be dead. */
export function isDriving(lease: LeaseHolder): boolean {
  const owner = ownerOf(lease);
  return lease.live && !(owner !== undefined && isDead(owner));
}

/**
 * Whether a lease's run has nothing left to do with it: it has ended, or its start was never recorded and its driver is
 * gone or late (were it to go on, the record would refuse it for the lease that it lost: nothing has started before).
 */
export function leftBehind(ledger: Pick<Ledger, "load">): (by: LeaseHolder) => Promise<boolean> {
  return async (by) => {
    const { run } = by.holder;
    if (typeof run !== "string") return false;
    const entries = await ledger.load(run);
    if (entries.length === 0) return !isDriving(by);
    return isOver(fold(run, entries.map(eventOf)));
  };
}

/** How far the taker goes. */
export interface Means {
  /** A process of this machine that holds the lease past its time is killed. */
  readonly kill?: boolean;
  /** An operator's word that the holder on another machine is gone. */
  readonly word?: string;
}

/**
 * A free lease, or one whose holder is dead. Errors: `run.locked` where the holder lives, `run.abandoned` where that
 * can't be seen from here (both exit 6): who holds it, since when, and what may be done.
 */
export async function obtain(
  ledger: Pick<Ledger, "acquire" | "takeOver" | "load">,
  resource: string,
  holder: { readonly [key: string]: Json },
  means: Means = {},
): Promise<Obtained> {
  const answer = await ledger.acquire(resource, holder, LEASE_TTL);
  if (answer.acquired) return { lease: answer.lease };
  const proof = (await leftBehind(ledger)(answer.by))
    ? "its run has ended, or never began"
    : await gone(answer.by, means);
  const { token } = answer.by;
  const taken = await ledger.takeOver({ resource, token }, holder, LEASE_TTL);
  if (!taken.acquired) throw locked(taken.by, "another took it over at the same time");
  return { lease: taken.lease, proof };
}

async function gone(by: LeaseHolder, means: Means): Promise<string> {
  const owner = ownerOf(by);
  if (owner === undefined || !isHere(owner)) return elsewhere(by, means.word);
  if (isDead(owner)) return `pid ${owner.pid} on this machine, which held it, is dead`;
  if (by.live || !means.kill) throw locked(by, by.live ? undefined : "it is alive, but has let its time run out");
  await kill(owner, by);
  return `pid ${owner.pid} on this machine held it past its time and was killed`;
}

function elsewhere(by: LeaseHolder, word: string | undefined): string {
  if (by.live) throw locked(by);
  if (word !== undefined) return `signed: ${word}`;
  const why = "its time has run out, but whether that process is gone can't be seen from here";
  throw new EvoError("run.abandoned", `${describeHolder(by)}; ${why}`, {
    exit: EXIT.locked,
    remedy: `make sure that it is gone, then: evo resume ${by.holder.run} --take-over --reason "..."`,
  });
}

/** It is stopped, or hangs: were it to go on it could write nothing, but it might still start something. */
async function kill(owner: Owner, by: LeaseHolder): Promise<void> {
  try {
    process.kill(owner.pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH")
      throw locked(by, "it hangs, and may not be killed from here");
  }
  const deadline = Date.now() + DEATH;
  while (!isDead(owner)) {
    if (Date.now() > deadline) throw locked(by, "it hangs, and can't be killed");
    await sleep(20);
  }
}

export function ownerOf({ holder }: LeaseHolder): Owner | undefined {
  const { pid, ...rest } = holder;
  const { host, boot, started, namespace } = rest;
  const texts = [host, boot, started, namespace];
  if (typeof pid !== "number" || !texts.every((text) => typeof text === "string")) return undefined;
  return { pid, host, boot, started, namespace } as Owner;
}

/** The refusal that says who holds it, since when, and how to follow that. */
export function locked(by: LeaseHolder, why?: string): EvoError {
  const follow = `follow it with: evo status ${typeof by.holder.run === "string" ? by.holder.run : ""}`.trimEnd();
  return new EvoError("run.locked", why === undefined ? describeHolder(by) : `${describeHolder(by)}; ${why}`, {
    exit: EXIT.locked,
    remedy: follow,
  });
}

/** Gives back what earlier drivers of a run left behind. Only for who holds the run's lease: it is the run's one writer. */
export async function giveBackRemains(
  ledger: Pick<Ledger, "takeOver" | "release"> & { leases(run: string): Promise<readonly LeaseHolder[]> },
  run: string,
  holder: { readonly [key: string]: Json },
  except: readonly Lease[],
): Promise<void> {
  for (const { resource, token } of await ledger.leases(run)) {
    if (except.some((lease) => lease.resource === resource)) continue;
    const taken = await ledger.takeOver({ resource, token }, holder, LEASE_TTL);
    if (taken.acquired) await ledger.release(taken.lease);
  }
}
