/**
 * The account of a run that this command drives, whatever its end: report files, and on GitHub annotations and the step's
 * summary. It hears what the teller hears, so it can be given even when the ledger is out of reach.
 */
import { EvoError, EXIT } from "../errors.js";
import { exitOf } from "../evo/exit.js";
import type { StartedSession } from "../evo/start.js";
import { EVO_VERSION } from "../evo/version.js";
import { createRedactor, secretsInEnvironment } from "../redact.js";
import { evolve } from "../run/evolve.js";
import type { Entry, News, Notifier } from "../run/ports.js";
import type { RunState } from "../run/state.js";
import type { LoadedSequence } from "../sequence/load.js";
import { places } from "../sequence/places.js";
import { type ReportFacts, reportOf } from "../views/report.js";
import { reportMarkdown } from "../views/report-markdown.js";
import { annotation, onGitHub } from "./github.js";
import { noteOf, type WhereIs } from "./github-notes.js";
import { addSummary } from "./github-summary.js";
import { sayAt, sayCommands } from "./output.js";
import { reportFiles, writeReport } from "./report-file.js";

export interface AccountOptions {
  readonly reportFile?: readonly string[];
}

/** Where a run's account goes; opened before anything runs. */
export interface Account {
  /** Drives a run, telling `teller`, and gives its account at the end; a driver's error is accounted for and thrown on. */
  of(
    run: { readonly started: StartedSession; readonly loaded: Pick<LoadedSequence, "file" | "sequence" | "locate"> },
    teller: Notifier,
    drive: (notifier: Notifier) => Promise<RunState>,
  ): Promise<RunState>;
}

/** Errors: `usage` (exit 2) where a report could not be written. */
export function openAccount(options: AccountOptions, env: NodeJS.ProcessEnv, cwd: string): Account {
  const files = reportFiles(options.reportFile ?? [], cwd);
  return {
    async of({ started, loaded }, teller, drive) {
      const following = follow(started, teller, onGitHub(env) ? noter(loaded, env, cwd) : undefined);
      const end = (facts: Pick<ReportFacts, "exit" | "error">): void => give(following, facts, files, env);
      try {
        const state = await drive(following);
        end({ exit: exitOf(state) });
        return state;
      } catch (error) {
        end(factsOf(error, env));
        throw error;
      }
    },
  };
}

interface Following extends Notifier {
  state(): RunState;
  newest(): Entry | undefined;
}

function follow(
  { state: initial, entries }: StartedSession,
  teller: Notifier,
  note: ((news: News & { kind: "recorded" }, state: RunState) => void) | undefined,
): Following {
  let state = initial;
  let newest = entries.at(-1);
  return {
    tell(news) {
      teller.tell(news);
      if (news.kind !== "recorded") return;
      newest = news.entry;
      state = evolve(state, { number: news.entry.number, event: news.event, actor: news.entry.actor });
      note?.(news, state);
    },
    state: () => state,
    newest: () => newest,
  };
}

// --------------------------------------------------------------------------------------------------------- GitHub

function noter(loaded: Pick<LoadedSequence, "file" | "sequence" | "locate">, env: NodeJS.ProcessEnv, cwd: string) {
  const where = whereIn(loaded);
  return ({ event }: News & { kind: "recorded" }, state: RunState): void => {
    const note = noteOf(event, state, where);
    if (note !== undefined) sayCommands([annotation(note, env.GITHUB_WORKSPACE ?? cwd)]);
  };
}

/** A step or a group by its name; the sequence where it has none. */
function whereIn({ file, sequence, locate }: Pick<LoadedSequence, "file" | "sequence" | "locate">): WhereIs {
  const all = places(sequence);
  return (node) => {
    const place = all.find(({ entry }) => entry.name === node && node !== undefined);
    return place === undefined ? { file } : locate(place.path);
  };
}

// --------------------------------------------------------------------------------------------------------- the end

/** The redactor knows what the environment holds: an error's text comes from no record (invariant 11). */
function factsOf(error: unknown, env: NodeJS.ProcessEnv): Pick<ReportFacts, "exit" | "error"> {
  const redactor = createRedactor(secretsInEnvironment(env));
  if (!(error instanceof EvoError))
    return { exit: EXIT.bug, error: { code: "bug", message: redactor.apply(String(error)) } };
  const { exit, code, message, remedy } = error;
  return {
    exit,
    error: {
      code,
      message: redactor.apply(message),
      ...(remedy === undefined ? {} : { remedy: redactor.apply(remedy) }),
    },
  };
}

/** No report changes how a run has ended: what can't be written is said. */
function give(
  following: Following,
  facts: Pick<ReportFacts, "exit" | "error">,
  files: readonly string[],
  env: NodeJS.ProcessEnv,
): void {
  const newest = following.newest();
  const summary = onGitHub(env) ? env.GITHUB_STEP_SUMMARY : undefined;
  if (newest === undefined || (files.length === 0 && summary === undefined)) return;
  const { ledger: id, number, hash, actor } = newest;
  const more = { now: Date.now(), evo: EVO_VERSION, by: actor, head: { id, number, hash } };
  const report = reportOf(following.state(), { ...facts, ...more });
  for (const file of files) attempt(`the report ${file}`, () => writeReport(file, report));
  if (summary !== undefined) attempt("the step's summary", () => addSummary(summary, reportMarkdown(report)));
}

function attempt(what: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    sayAt(`warning: ${what} could not be written: ${(error as Error).message}`);
  }
}
