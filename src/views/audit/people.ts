/** Who declared, started, approved, acknowledged, overrode: the entries that are somebody's word. Pure. */
import type { Deed } from "./model.js";
import { type Told, textOf, wordsOf } from "./reading.js";

const BY_TYPE: { readonly [type: string]: string } = {
  "sequence.declared": "declared",
  "run.started": "started",
  "run.adopted": "drove",
  "run.paused": "paused",
  "run.resumed": "resumed",
  "run.aborted": "aborted",
  "operation.settled": "settled",
  "departure.reconciled": "reconciled",
};

/** Words whose entries come with gates and protection of their own; whatever the noun, the verb says what was done. */
const BY_VERB: { readonly [verb: string]: string } = {
  overridden: "overrode",
  rejected: "rejected",
  approved: "approved",
  acknowledged: "acknowledged",
};

const BY_NOUN: { readonly [noun: string]: string } = {
  override: "overrode",
  approval: "approved",
  acknowledgment: "acknowledged",
};

/** What a person did with an entry; nothing where the machine wrote it by itself. */
function deedWord(entry: Told): string | undefined {
  if (entry.type === "approval.requested") return undefined;
  const { noun, verb } = wordsOf(entry);
  return BY_TYPE[entry.type] ?? BY_VERB[verb] ?? BY_NOUN[noun];
}

/** The word that an entry records, if it records one. */
export function deedOf(entry: Told): Deed | undefined {
  const did = deedWord(entry);
  if (did === undefined) return undefined;
  const what = aboutOf(entry);
  const reason = textOf(entry, "reason", "proof") ?? reasonToAnswer(entry);
  const from = textOf(entry, "from");
  const { number, time, actor } = entry;
  return {
    did,
    entry: number,
    time,
    claimed: from === undefined ? actor.claimed : `${from} (passed on by ${actor.claimed})`,
    authenticated: actor.authenticated,
    ...(what === undefined ? {} : { what }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Why a recovery was begun, where a person said so. */
function reasonToAnswer({ type, body }: Told): string | undefined {
  const answers = type === "run.started" ? (body.answers as { readonly reason?: string } | undefined) : undefined;
  return answers?.reason;
}

function aboutOf(entry: Told): string | undefined {
  if (entry.type === "run.started" || entry.type === "run.adopted") return undefined;
  if (entry.type === "sequence.declared") return entry.sequence;
  return textOf(entry, "gate", "node", "departure", "id", "contract") ?? entry.operation ?? entry.step;
}

/** What a resume with `--accept-changed-code` overrides. */
export const CHANGED_SOURCES = "changed sources";

/** Every deed of these entries, in order. A resume that accepts changed sources is an override, too. */
export function deedsOf(entries: readonly Told[]): readonly Deed[] {
  return entries.flatMap((entry) => {
    const deed = deedOf(entry);
    if (deed === undefined) return [];
    const accepted = entry.type === "run.resumed" && entry.body.acceptChangedCode === true;
    return accepted ? [deed, { ...deed, did: "overrode", what: CHANGED_SOURCES }] : [deed];
  });
}
