/**
 * Foreign updates and edits: what the backend shows of a stack and the ledger doesn't know. Pure.
 *
 * Invariant 9: an update in the engine's history that no intent of ours stands for, and a checkpoint that differs from
 * both what evo left and what the newest update left, are changes that evo did not make. First contact is none.
 */
import type { BackendUpdate, BackendView, Origin, StackKnowledge } from "./model.js";
import type { Moment } from "./order.js";

export type Foreign =
  | { readonly kind: "update"; readonly update: BackendUpdate; readonly moment: Moment }
  /** The checkpoint was changed without an update: an import, `pulumi state`, a restored backup, a removed stack. */
  | { readonly kind: "edit"; readonly to: string; readonly moment: Moment };

export type Looked =
  | { readonly status: "not assessed"; readonly why: string }
  /** The first look: what happened before is no departure. */
  | { readonly status: "first" }
  | { readonly status: "seen"; readonly foreign: readonly Foreign[] };

/** What a checkpoint that is not there any more is called. */
export const GONE = "gone";

/** `ours`: operation ids that the ledger has an intent for. */
export function foreignIn(known: StackKnowledge, view: BackendView, ours: ReadonlySet<string>, now: number): Looked {
  const why = unsayable(known, view);
  if (why !== undefined) return { status: "not assessed", why };
  if (known.baseline === undefined || known.operation === "settled") return { status: "first" };
  const updates = view.updates
    .filter((update) => !isOurs(update, ours) && !known.recorded.has(update.position))
    .map((update): Foreign => ({ kind: "update", update, moment: { from: update.began, to: update.ended } }));
  return { status: "seen", foreign: [...updates, ...edit(known, view, updates.length > 0, now)] };
}

function unsayable(known: StackKnowledge, view: BackendView): string | undefined {
  if (known.operation === "open") return "in flight: evo's own operation on it is under way";
  if (known.operation === "unresolved") return "nobody knows how evo's own last operation on it ended";
  return view.locks.length === 0 ? undefined : `in flight: ${view.locks.join("; ")}`;
}

/** Another evo with another ledger is as foreign as anybody. */
function isOurs({ noted }: BackendUpdate, ours: ReadonlySet<string>): boolean {
  return noted["ci.system"] === "evo" && ours.has(noted["ci.build.number"] ?? "");
}

function edit(known: StackKnowledge, view: BackendView, updated: boolean, now: number): readonly Foreign[] {
  const to = view.exists ? (view.checkpoint ?? GONE) : GONE;
  if (to === (known.checkpoint ?? GONE)) return [];
  if (view.left !== undefined ? to === view.left : updated) return [];
  // A stack that was made and holds nothing yet: whoever made it, evo's own step included, has changed nothing.
  if (known.checkpoint === undefined && (view.resources ?? 0) === 0) return [];
  const written = view.written ?? now;
  return [{ kind: "edit", to, moment: { from: written, to: written } }];
}

/** Who and from where, of an update; of an edit the backend tells nothing. */
export function originOf(foreign: Foreign): Origin {
  const noted = foreign.kind === "update" ? foreign.update.noted : {};
  const ci = noted["ci.system"];
  const build = noted["ci.build.url"] ?? noted["ci.build.number"] ?? noted["ci.build.id"];
  return {
    by: ci === undefined ? "unknown" : build === undefined ? ci : `${ci} (${build})`,
    // The author of a commit is not whoever ran the engine on it.
    from: noted["git.head"] === undefined ? "unknown" : `commit ${noted["git.head"].slice(0, 12)}`,
    noted,
  };
}
