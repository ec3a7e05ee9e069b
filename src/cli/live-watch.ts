/**
 * `evo status --watch`: a run as the ledger tells it, whoever drives it. It reads and never writes: the run is not touched
 * by being watched. Looks between two entries aren't in the ledger, so a target shows what was recorded last, and says so.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { exitOf } from "../evo/exit.js";
import { loadRun } from "../evo/load-run.js";
import { usualTimes } from "../evo/usual.js";
import type { OpenLedger } from "../ledger/index.js";
import { eventOf } from "../run/entries.js";
import { evolve } from "../run/evolve.js";
import type { Entry, News } from "../run/ports.js";
import type { RunState } from "../run/state.js";
import { describeRun, viewRun } from "../views/status.js";
import { clockTime, utcTime, wrap } from "../views/text.js";
import { knownAtFirst, learn } from "../views/tree-live.js";
import { newsLines, paintTree } from "./live.js";
import { describeDriver, driverOf } from "./live-driver.js";
import { columns, isRead, print, sayAbove } from "./output.js";
import { showsTree } from "./terminal.js";

/** Milliseconds between two questions to the ledger. */
const POLL = 500;

/** Shows a run until it has ended, or until Ctrl-C; the exit code is that of whoever drives it to its end, and 0 after Ctrl-C. */
export async function watchRun(ledger: OpenLedger, run: string): Promise<void> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  try {
    const state = showsTree(process.stdout, process.env)
      ? await watchTree(ledger, run, process.stdout, stop.signal)
      : await watchLines(ledger, run, stop.signal);
    print(["", ...describeRun(viewRun(state), Date.now(), columns())]);
    if (state.ended !== undefined) process.exitCode = exitOf(state);
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

async function watchTree(
  ledger: OpenLedger,
  run: string,
  stream: Parameters<typeof paintTree>[0],
  stop: AbortSignal,
): Promise<RunState> {
  let known = knownAtFirst(await loadRun(ledger, run));
  const usual = await usualTimes(ledger, known.state);
  let driver = await driverOf(ledger, run);
  const drivenBy = (): string | null => (driver === undefined ? null : describeDriver(driver));
  const painter = paintTree(stream, process.env, () => ({ ...known, usual, driver: drivenBy(), now: Date.now() }));
  const lines = newsLines();
  sayAbove(painter.above);
  try {
    await follow(ledger, known.state, stop, {
      recorded(news) {
        known = learn(known, news);
        const line = lines(news);
        if (line !== undefined) painter.above(stamped(news.event.at, line).join("\n"));
      },
      async asked() {
        driver = await driverOf(ledger, run);
        painter.changed();
      },
    });
    return known.state;
  } finally {
    sayAbove(undefined);
    painter.close("away");
  }
}

/** The whole story from its beginning, then what comes. */
async function watchLines(ledger: OpenLedger, run: string, stop: AbortSignal): Promise<RunState> {
  const lines = newsLines();
  const entries = (await ledger.load(run)).map((entry) => recorded(entry));
  const tell = (news: Recorded): void => {
    const line = lines(news);
    if (line !== undefined) print(stamped(news.event.at, line));
  };
  const first = await loadRun(ledger, run);
  for (const news of entries) if (news.entry.number <= first.last) tell(news);
  let said: string | undefined;
  return follow(ledger, first, stop, {
    recorded: tell,
    async asked() {
      const driver = await driverOf(ledger, run);
      const line = driver === undefined ? "nobody drives it" : describeDriver(driver);
      if (line !== said) print(stamped(Date.now(), line));
      said = line;
    },
  });
}

type Recorded = News & { readonly kind: "recorded" };

interface Onlooker {
  recorded(news: Recorded): void;
  /** All that is recorded by now has been told. */
  asked(): Promise<void>;
}

/** Tells new entries as they are recorded, until the run has ended, nobody listens, or it is told to stop. */
async function follow(ledger: OpenLedger, first: RunState, stop: AbortSignal, onlooker: Onlooker): Promise<RunState> {
  for (let state = first; ; ) {
    for await (const entry of ledger.entries({ run: first.run, after: state.last })) {
      state = evolve(state, eventOf(entry));
      onlooker.recorded(recorded(entry));
    }
    if (state.ended !== undefined || stop.aborted || !isRead()) return state;
    await onlooker.asked();
    await sleep(POLL, undefined, { signal: stop }).catch(() => undefined);
  }
}

function recorded(entry: Entry): Recorded {
  return { kind: "recorded", entry, event: eventOf(entry).event };
}

/** As `sayAt`, with the time at which it was recorded. */
function stamped(at: number, line: string): readonly string[] {
  const time = process.stdout.isTTY ? clockTime(at) : utcTime(at);
  const beside = " ".repeat(time.length + 2);
  const [first = "", ...others] = line.split("\n");
  return [`${time}  ${first}`, ...others.map((other) => beside + other)].flatMap((one) =>
    wrap(one, columns(), `${beside}  `),
  );
}
