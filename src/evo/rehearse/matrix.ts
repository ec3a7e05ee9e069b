/** `evo rehearse`: every cell of a fault matrix, some at a time, each in the state just before its fault. */
import { findEngine } from "../../executor/engine/index.js";
import { createHostLauncher } from "../../executor/index.js";
import { asTheyBegin, type Cell } from "../../rehearse/cells.js";
import type { CellResult } from "../../rehearse/results.js";
import { openBeginnings } from "./beginnings.js";
import { type Bench, rehearsedSubject } from "./bench.js";
import { notReached, rehearseCell } from "./cell.js";
import { makePlaces, type Place } from "./place.js";

export interface MatrixOrder {
  readonly cells: readonly Cell[];
  /** How many at a time. */
  readonly parallel: number;
  /** Hears of each cell as it ends, with how many have. */
  readonly tell: (result: CellResult, done: number) => void;
}

/** Rehearses the cells. Errors: `rehearsal.not-good`, `rehearsal.stopped` (exit 3), those of the engine and the ledger. */
export async function rehearseFaults(
  given: Omit<Bench, "launcher">,
  order: MatrixOrder,
): Promise<readonly CellResult[]> {
  const failed = new AbortController();
  const settings = { ...given.settings, engine: await engineOf(given) };
  const launcher = createHostLauncher();
  const bench: Bench = { ...given, settings, launcher, stop: AbortSignal.any([given.stop, failed.signal]) };
  const places = makePlaces(Math.min(order.parallel, order.cells.length));
  const results: CellResult[] = [];
  const subject = rehearsedSubject(bench.loaded, bench.patience);
  bench.say(`the rehearsal without a fault${places.all.length > 1 ? `, in ${places.all.length} places` : ""}`);
  const queue = [...asTheyBegin(order.cells, subject.plan)];
  const work = async (place: Place, at: number): Promise<void> => {
    const beginnings = await openBeginnings(bench, place, subject);
    // The first place knows all beginnings and takes the last cells; the others need not go so far for theirs.
    const isFirst = at === 0;
    if (isFirst) await beginnings.finish();
    for (let cell = take(queue, isFirst); cell !== undefined; cell = take(queue, isFirst)) {
      const from = await beginnings.of(cell);
      const result = from === undefined ? notReached(cell) : await rehearseCell(bench, place, subject, from, cell);
      results.push(result);
      order.tell(result, results.length);
    }
  };
  try {
    const ended = await Promise.allSettled(
      places.all.map((place, at) => work(place, at).catch((error) => fail(failed, error))),
    );
    for (const one of ended)
      if (one.status === "rejected") throw failed.signal.aborted ? failed.signal.reason : one.reason;
  } finally {
    await launcher.close();
    places.remove();
  }
  return order.cells.flatMap((cell) => results.filter((result) => result.cell.id === cell.id));
}

function take(queue: Cell[], last: boolean): Cell | undefined {
  return last ? queue.pop() : queue.shift();
}

/** The first error ends all: the others would only be told that they were stopped. */
function fail(failed: AbortController, error: unknown): never {
  failed.abort(error);
  throw error;
}

/** Looked for, or built, once, in the user's own home. */
async function engineOf({ settings: { home, env, engine }, say }: Pick<Bench, "settings" | "say">): Promise<string> {
  const explicit = engine === undefined ? {} : { explicit: engine };
  return (await findEngine({ home, env, path: env.PATH ?? "", install: true, say, ...explicit })).path;
}
