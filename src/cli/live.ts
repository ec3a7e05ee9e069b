/** A driven run on a terminal: its tree, and above it in the scrollback what happened, once. */
import { describeEntry } from "../departures/words.js";
import { eventOf } from "../run/entries.js";
import type { Entry, News } from "../run/ports.js";
import type { RunState } from "../run/state.js";
import { describeEvent, describeHolder, describeLedger, describeLook } from "../views/lines.js";
import { drawTree, type TreeInput, type TreeStyle, type Usual } from "../views/tree.js";
import { knownAtFirst, learn } from "../views/tree-live.js";
import { createPainter, type Painter } from "./live-painter.js";
import { newsTeller, type OutputOptions, type Teller } from "./news.js";
import { sayAbove, sayAt } from "./output.js";
import { showsColour, showsTree, showsUnicode } from "./terminal.js";

export interface Told {
  readonly state: RunState;
  /** What was recorded before anybody could listen. */
  readonly entries: readonly Entry[];
}

/** Rows that a tree leaves free: the cursor's own, and one for what is said above. */
const FREE_ROWS = 2;

/** A tree where stderr is a terminal that can show one and nobody asked for JSON; lines elsewhere. `usual` is asked for a tree only. */
export async function tellerFor(told: Told, options: OutputOptions, usual: () => Promise<Usual>): Promise<Teller> {
  const { stderr, env } = process;
  if (options.json === true || options.output === "ndjson" || !showsTree(stderr, env))
    return newsTeller(told.entries, options, told.state);
  return treeTeller(told, stderr, env, await usual());
}

function treeTeller(
  told: Told,
  stream: Parameters<typeof showsColour>[0],
  env: NodeJS.ProcessEnv,
  usual: Usual,
): Teller {
  let known = knownAtFirst(told.state);
  const painter = paintTree(stream, env, () => ({ ...known, usual, now: Date.now() }));
  const lines = newsLines();
  sayAbove(painter.above);
  const say = (news: News): void => {
    const line = lines(news);
    if (line !== undefined) sayAt(line);
  };
  for (const entry of told.entries) say({ kind: "recorded", entry, event: eventOf(entry).event });
  painter.changed();
  return {
    tell(news) {
      known = learn(known, news);
      say(news);
      painter.changed();
    },
    // The final table comes in the tree's place; where driving broke off there is none, and the tree stays as it stood.
    close() {
      sayAbove(undefined);
      painter.close(known.state.status === "running" ? "stay" : "away");
    },
  };
}

/** A painter whose lines are a tree. The last column stays free: terminals differ in what they do there. */
export function paintTree(
  stream: Parameters<typeof showsColour>[0],
  env: NodeJS.ProcessEnv,
  input: () => TreeInput,
): Painter {
  const look = { unicode: showsUnicode(env, process.platform), colour: showsColour(stream, env) };
  return createPainter(stream, (columns, rows) => {
    const style: TreeStyle = { width: columns - 1, height: Math.max(1, rows - FREE_ROWS), ...look };
    return drawTree(input(), style);
  });
}

/** What is said of news above a tree: what is recorded, of a gate's looks the first that was no pass, and who is waited for. */
export function newsLines(): (news: News) => string | undefined {
  const said = new Set<string>();
  const once = (key: string, line: string): string | undefined => {
    const before = said.size;
    return said.add(key).size > before ? line : undefined;
  };
  return (news) => {
    if (news.kind === "waiting")
      return once(
        `${news.node} ${news.lease.resource} ${news.lease.since}`,
        `${news.node}: waits: ${describeHolder(news.lease)}`,
      );
    if (news.kind === "ledger") return describeLedger(news, Date.now());
    if (news.kind !== "recorded") return undefined;
    const { event, entry } = news;
    if (event.type !== "gate.measured")
      return describeEvent(event, entry.run, entry.actor.claimed) ?? describeEntry(entry);
    const missed = event.measurements.find((look) => look.verdict !== "pass");
    if (missed === undefined) return undefined;
    const key = [event.gate, event.target, ...event.operations].join("\n");
    return once(key, describeLook(event.gate, event.target, missed, missed.began));
  };
}
