/** The evolution of a system as a page that can be handed over. Pure. */
import { describeDeparture, utc } from "./audit/text.js";
import type { Page } from "./document.js";
import type { Evolution } from "./evolution.js";

/** Runs and departures, each in a table of its own; `asked` says which. */
export function evolutionPage({ runs, departures, cut }: Evolution, asked: string): Page {
  return {
    title: `Evolution: ${asked}`,
    blocks: [
      ...(cut ? ([{ kind: "paragraph", text: "There are older runs than these." }] as const) : []),
      { kind: "heading", text: "Runs" },
      {
        kind: "table",
        head: [
          "started",
          "run",
          "owner",
          "started by",
          "standing",
          "operations",
          "overrides",
          "departures",
          "halts",
          "stacks",
        ],
        rows: runs.map((run) => [
          utc(run.started),
          `${run.run}${run.rehearsal ? " (rehearsal)" : ""}`,
          run.owner ?? "-",
          `${run.claimed} (as ${run.authenticated})`,
          `${run.standing} ${utc(run.standingSince)}`,
          run.failed > 0 ? `${run.succeeded}, ${run.failed} failed` : String(run.succeeded),
          String(run.overridden),
          String(run.departures),
          String(run.halts),
          run.stacks.join(", "),
        ]),
      },
      { kind: "heading", text: "Not by evo" },
      departures.length === 0
        ? { kind: "paragraph", text: "No departure was recorded." }
        : {
            kind: "list",
            items: departures.map((row) => `${utc(row.time)}: ${row.stack ?? "?"}: ${describeDeparture(row)}`),
          },
    ],
  };
}
