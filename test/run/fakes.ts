/** Fakes behind the ports, for tests of the loop: a ledger in memory that refuses what the real one refuses, an engine, a clock. */

import { EvoError } from "../../src/errors.js";
import type { Look } from "../../src/gates/model.js";
import type { Entry, Executor, Lease, Ledger, NewEntry, News, OperationOutcome, Probe } from "../../src/run/ports.js";

export interface FakeLedger extends Ledger {
  readonly entries: readonly Entry[];
  /** Makes a lease stale, as a takeover by another process would. */
  steal(resource: string): void;
  holders(): readonly string[];
  failNextAppend(error: Error): void;
}

export function fakeLedger(): FakeLedger {
  const entries: Entry[] = [];
  const leases = new Map<string, number>();
  let tokens = 0;
  let failure: Error | undefined;
  const holds = (lease: Lease): boolean => leases.get(lease.resource) === Number(lease.token);
  const check = (held: readonly Lease[]): void => {
    const lost = held.find((lease) => !holds(lease));
    if (lost !== undefined) throw new EvoError("ledger.fenced", `${lost.resource} is lost`, { source: "evo", exit: 6 });
  };
  return {
    entries,
    steal: (resource) => void leases.set(resource, ++tokens),
    holders: () => [...leases.keys()],
    failNextAppend(error) {
      failure = error;
    },
    async append(batch, { expected, leases: held }) {
      const failed = failure;
      failure = undefined;
      if (failed !== undefined) throw failed;
      check(held);
      const version = entries.filter((entry) => entry.run === expected?.run).length;
      if (expected !== undefined && expected.version !== version)
        throw new EvoError("ledger.conflict", `expected ${expected.version}, is ${version}`);
      const recorded = batch.map((entry, place) => toEntry(entry, entries.length + place + 1, entries.length + 1));
      entries.push(...recorded);
      return recorded;
    },
    load: async (run, after = 0) => entries.filter((entry) => entry.run === run && entry.number > after),
    async sample(_, held) {
      check(held);
    },
    sampled: async () => [],
    async acquire(resource) {
      if (leases.has(resource))
        return {
          acquired: false,
          by: {
            resource,
            token: String(tokens),
            holder: { run: "other" },
            since: "then",
            expires: "later",
            live: true,
          },
        };
      leases.set(resource, ++tokens);
      return { acquired: true, lease: { resource, token: String(tokens) } };
    },
    async takeOver({ resource }) {
      leases.set(resource, ++tokens);
      return { acquired: true, lease: { resource, token: String(tokens) } };
    },
    renew: async (lease) => holds(lease),
    async release(lease) {
      if (holds(lease)) leases.delete(lease.resource);
    },
  };
}

function toEntry(entry: NewEntry, number: number, first: number): Entry {
  const causes = entry.causes.map((cause) => ({
    number: typeof cause === "number" ? cause : first + cause.batch,
    hash: "",
  }));
  const body = JSON.parse(JSON.stringify(entry.body));
  const { causes: _, body: __, ...columns } = entry;
  return {
    ...columns,
    ledger: "fake",
    number,
    time: "",
    version: 1,
    rehearsal: entry.rehearsal ?? false,
    actor: { claimed: "", authenticated: "" },
    causes,
    body,
    text: "",
    previous: "",
    hash: "",
  };
}

/** An engine whose operations end as told, once they have been accepted; `hold` keeps one in mid-air until released. */
export function fakeExecutor(outcomeOf: (operation: string) => Partial<OperationOutcome> = () => ({})) {
  const started: string[] = [];
  const cancelled: string[] = [];
  const answers = new Map<string, (answer: "accept" | "refuse") => void>();
  const holds = new Map<string, Promise<void>>();
  const changes = {
    counts: { create: 1 },
    resources: [],
    diagnostics: [],
    engine: "3.200.0",
    providers: {},
    duration: 1,
  };
  const executor: Executor = {
    identify: async (node) => ({
      stack: `file:///backend#${node.stack.dir}/${node.stack.stack}`,
      source: { path: node.stack.dir, sha256: "same" },
    }),
    preview: async () => changes,
    async start({ intent }) {
      started.push(intent.operation);
    },
    async *follow({ intent: { operation } }) {
      if (!started.includes(operation)) {
        yield { kind: "ended", outcome: { status: "absent", began: 0, ended: 0, reason: "it was never started" } };
        return;
      }
      const began = Date.now();
      const answered = new Promise<"accept" | "refuse">((resolve) => answers.set(operation, resolve));
      yield { kind: "previewed", preview: changes };
      const answer = await answered;
      await holds.get(operation);
      const ended = Date.now();
      if (answer === "refuse")
        yield {
          kind: "ended",
          outcome: { status: "refused", began, ended, reason: "the run was stopped before this update had begun" },
        };
      else
        yield {
          kind: "ended",
          outcome: { status: "succeeded", began, ended, changes, ...outcomeOf(operation) } as OperationOutcome,
        };
    },
    accept: async (operation) => answers.get(operation)?.("accept"),
    refuse: async (operation) => answers.get(operation)?.("refuse"),
    cancel: async (operation) => void cancelled.push(operation),
  };
  return {
    executor,
    started,
    cancelled,
    /** The operation does not end before the returned function is called. */
    hold(operation: string): () => void {
      let release = (): void => undefined;
      holds.set(
        operation,
        new Promise<void>((resolve) => {
          release = resolve;
        }),
      );
      return release;
    },
  };
}

export const passingProbe: Probe = {
  look: async (): Promise<Look> => ({ verdict: "pass", observed: 200, expected: 200 }),
};

/** A notifier that keeps what it hears, and calls back. */
export function listener(on: (news: News) => void = () => undefined) {
  const heard: News[] = [];
  return {
    heard,
    notifier: {
      tell(news: News) {
        heard.push(news);
        on(news);
      },
    },
  };
}
