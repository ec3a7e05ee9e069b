/**
 * Tells webhooks what happens: at least once, each delivery tried again with growing pauses, its end recorded in one entry.
 * What is owed is read from the ledger alone (an entry that a plan wants told, and no `notification.*` about it), so
 * whatever a driver left undone `evo serve` does.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { EvoError } from "../errors.js";
import type { OpenLedger } from "../ledger/index.js";
import { type Delivery, deliveriesOf, keyOf, messageOf } from "../notify/notices.js";
import { post, type Tried } from "../notify/post.js";
import { parseSecret } from "../notify/signature.js";
import type { Plan } from "../plan/model.js";
import { eventOf } from "../run/entries.js";
import { fold } from "../run/evolve.js";
import type { Entry, Notifier } from "../run/ports.js";
import type { RunState } from "../run/state.js";
import { loadEntries, loadRun } from "./load-run.js";
import type { Settings } from "./settings.js";

/** Pauses between tries, milliseconds: half an hour in all, and then nobody is there. */
const PAUSES: readonly number[] = [1_000, 5_000, 30_000, 120_000, 600_000, 1_200_000];
/** Milliseconds that a driver's end waits for tries that are under way. */
const FAREWELL = 5_000;

type Records = Pick<OpenLedger, "append" | "load">;

/** Delivers what it is given, each delivery on its own. */
export interface Courier {
  /** Takes an entry; what is under way or was told by this courier is not begun again. */
  offer(entry: Entry, plan: Plan): void;
  /** Begins nothing more, ends all waiting, and gives tries that are under way a little time. What is left undone stays owed. */
  close(): Promise<void>;
}

/** `env`: where addresses and keys are found. `say` hears what could not be delivered, and never an address. */
export function openCourier(
  ledger: Records,
  env: Settings["env"],
  say: (line: string) => void,
  pauses: readonly number[] = PAUSES,
): Courier {
  const waiting = new AbortController();
  const trying = new AbortController();
  const tasks = new Map<string, Promise<void>>();
  const begin = (delivery: Delivery, plan: Plan): void => {
    const key = keyOf(delivery);
    if (waiting.signal.aborted || tasks.has(key)) return;
    const task = deliver({ ledger, env, pauses, plan, waiting: waiting.signal, trying: trying.signal }, delivery);
    const told = task.catch((error: Error) => {
      if (error.name !== "AbortError")
        say(`a webhook was not told of entry ${delivery.entry.number}: ${error.message}`);
    });
    tasks.set(key, told);
  };
  return {
    offer(entry, plan) {
      for (const delivery of deliveriesOf(entry, plan)) begin(delivery, plan);
    },
    async close() {
      waiting.abort();
      const late = new AbortController();
      await Promise.race([
        Promise.all(tasks.values()),
        sleep(FAREWELL, undefined, { signal: late.signal }).catch(() => undefined),
      ]);
      late.abort();
      trying.abort();
    },
  };
}

interface Means {
  readonly ledger: Records;
  readonly env: Settings["env"];
  readonly pauses: readonly number[];
  readonly plan: Plan;
  readonly waiting: AbortSignal;
  readonly trying: AbortSignal;
}

async function deliver(means: Means, delivery: Delivery): Promise<void> {
  if (delivery.notice === "held" && !(await holdsOn(means, delivery))) return;
  for (let tries = 1; ; tries += 1) {
    const tried = await attempt(means, delivery);
    const pause = means.pauses[tries - 1];
    if (tried.ok || !tried.again || pause === undefined) return record(means.ledger, delivery, tried, tries);
    await sleep(pause, undefined, { signal: means.waiting });
  }
}

/** Whether the gate still holds the run back once that has lasted long enough to be told. */
async function holdsOn({ ledger, waiting }: Means, { entry, rule }: Delivery): Promise<boolean> {
  const { run = "", body } = entry;
  const at = Number(body.at);
  await sleep(Math.max(0, at + rule.heldFor - Date.now()), undefined, { signal: waiting });
  const { status, held } = await loadRun(ledger, run);
  return status === "running" && held[String(body.node)]?.at === at;
}

async function attempt({ env, plan, trying }: Means, delivery: Delivery): Promise<Tried> {
  const { url, secret } = delivery.rule;
  const address = typeof url === "string" ? url : env[url.$env];
  const missing = address === undefined ? (url as { $env: string }).$env : secret.$env;
  const key = parseSecret(env[secret.$env] ?? "");
  if (address === undefined || env[secret.$env] === undefined)
    return { ok: false, reason: `${missing} is not set`, again: true };
  if (key === undefined) return { ok: false, reason: `${secret.$env} is no secret of a webhook`, again: true };
  const message = messageOf(delivery, plan, Date.now());
  return post(message, { url: address, key, loopbackOnly: delivery.entry.rehearsal }, trying);
}

/** One entry for a delivery, however many tried: whoever comes second finds it there. */
async function record(ledger: Records, delivery: Delivery, tried: Tried, tries: number): Promise<void> {
  const { entry, notice, hook, rule } = delivery;
  const to = typeof rule.url === "string" ? new URL(rule.url).origin : `env(${rule.url.$env})`;
  const end = tried.ok ? { status: tried.status } : { reason: tried.reason };
  const made = {
    type: tried.ok ? "notification.sent" : "notification.failed",
    ...(entry.sequence === undefined ? {} : { sequence: entry.sequence }),
    rehearsal: entry.rehearsal,
    causes: [entry.number],
    body: { at: Date.now(), notice, entry: entry.number, hook, to, tries, ...end },
  };
  await ledger.append([made], { id: `notified-${entry.ledger}-${keyOf(delivery)}`, leases: [] }).catch((error) => {
    if (!(error instanceof EvoError) || error.code !== "ledger.conflict") throw error;
  });
}

/** Drives a run by `work` and tells its plan's webhooks meanwhile what is recorded of it. */
export async function withNotices(
  settings: Settings,
  ledger: Records,
  state: RunState,
  notifier: Notifier,
  say: (line: string) => void,
  work: (notifier: Notifier) => Promise<RunState>,
): Promise<RunState> {
  const { plan, answers } = state.started;
  if (plan.notify === undefined && answers === undefined) return work(notifier);
  const courier = openCourier(ledger, settings.env, say);
  const telling: Notifier = {
    tell(news) {
      notifier.tell(news);
      if (news.kind === "recorded") courier.offer(news.entry, plan);
    },
  };
  try {
    const ended = await work(telling);
    if (answers !== undefined && ended.status === "completed") await offerRecovered(ledger, answers.run, courier);
    return ended;
  } finally {
    await courier.close();
  }
}

/** The end of a recovery is that of the run that it answers, which nobody drives. */
async function offerRecovered(ledger: Records, run: string, courier: Courier): Promise<void> {
  const entries = await loadEntries(ledger, run);
  const end = entries.findLast(({ type }) => type === "run.recovered");
  if (end !== undefined) courier.offer(end, fold(run, entries.map(eventOf)).started.plan);
}
