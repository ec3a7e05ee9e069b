/** What plain lines have told, and what a heartbeat has to add to the record: looks, progress, locks of others. */
import type { News } from "../run/ports.js";
import { afterHeartbeat, noteLook, type SeenTarget } from "../views/looks.js";
import type { Seen } from "../views/waits.js";

export interface Sights extends Seen {
  /** Takes news in; answers whether it is to be said. */
  note(news: News, now: number): boolean;
  /** These gates are looked at anew: no streak goes on, and what is seen then is news. */
  forget(gates: readonly string[]): void;
  afterHeartbeat(): void;
}

export function createSights(): Sights {
  const targets = new Map<string, SeenTarget>();
  const progress = new Map<string, ReturnType<Seen["progress"]>>();
  const leases = new Map<string, { readonly lease: Waiting["lease"]; readonly since: number }>();
  let gone: number | undefined;
  const keyOf = (gate: string, target: string) => `${gate}\n${target}`;

  function noteRecorded(event: (News & { kind: "recorded" })["event"]): boolean {
    if (event.type === "operation.intended") leases.delete(event.step);
    return true;
  }

  function noteWaiting({ node, lease }: Waiting, now: number): boolean {
    const before = leases.get(node);
    const same = before?.lease.resource === lease.resource && before.lease.since === lease.since;
    if (!same) leases.set(node, { lease, since: now });
    return !same;
  }

  return {
    note(news, now) {
      switch (news.kind) {
        case "recorded":
          return noteRecorded(news.event);
        case "waiting":
          return noteWaiting(news, now);
        case "ledger":
          gone = news.available ? undefined : news.since;
          return true;
        case "progress":
          progress.set(news.operation, news.report);
          return false;
        case "looked": {
          const key = keyOf(news.gate, news.target);
          const { seen, say } = noteLook(targets.get(key), news.measurement);
          targets.set(key, seen);
          return say;
        }
      }
    },
    forget(gates) {
      for (const key of [...targets.keys()])
        if (gates.some((gate) => key.startsWith(keyOf(gate, "")))) targets.delete(key);
    },
    afterHeartbeat() {
      for (const [key, seen] of targets) targets.set(key, afterHeartbeat(seen));
    },
    target: (gate, target) => targets.get(keyOf(gate, target)),
    progress: (operation) => progress.get(operation),
    ledgerGone: () => gone,
    leases,
  };
}

type Waiting = News & { readonly kind: "waiting" };
